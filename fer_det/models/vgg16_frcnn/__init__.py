"""Faster R-CNN on VGG16: one box for each face, with a probability for each expression.

Ren et al., "Faster R-CNN: towards real-time object detection with region proposal networks", 2015.
"""
