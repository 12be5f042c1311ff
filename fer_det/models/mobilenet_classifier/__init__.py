"""MobileNetV1 as a classifier of face crops."""
