"""The balancer: jittered copies of the rare classes."""
