"""Faster R-CNN on VGG16: the detector."""
