"""Facial expression recognition as object detection.

Predictor is loaded when it is first asked for, since it needs torch and nothing else here does.
"""

import importlib
from typing import TYPE_CHECKING, Any

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from fer_det.core.sample import Sample

if TYPE_CHECKING:
    from fer_det.predict.predictor import Predictor

__version__ = "0.2.0"

__all__ = [
    "BASIC_EXPRESSIONS",
    "Detection",
    "Expression",
    "FaceBox",
    "Predictor",
    "Sample",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "Predictor":
        return importlib.import_module("fer_det.predict.predictor").Predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
