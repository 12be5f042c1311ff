"""Facial expression recognition as object detection."""

from fer_det.box import FaceBox
from fer_det.detection import Detection
from fer_det.expression import BASIC_EXPRESSIONS, Expression
from fer_det.sample import Sample

__version__ = "0.1.0"

__all__ = ["BASIC_EXPRESSIONS", "Detection", "Expression", "FaceBox", "Sample", "__version__"]
