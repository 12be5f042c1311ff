"""A small residual network that classifies face crops, for computers without a GPU and phones."""
