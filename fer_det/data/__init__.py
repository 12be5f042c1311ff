"""A VOC folder to batches of pictures and targets."""
