"""A checkpoint to other runtimes."""
