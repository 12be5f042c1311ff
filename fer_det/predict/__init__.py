"""A checkpoint to detections."""
