"""Facial expression recognition as object detection.

Predictor and Sample are loaded when they are first asked for: Predictor needs much else, and Sample
is for those who write a reader of a data set.
"""

import importlib
from typing import TYPE_CHECKING, Any

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import BASIC_EXPRESSIONS, Expression

if TYPE_CHECKING:
    from fer_det.core.sample import Sample
    from fer_det.predict.predictor import Predictor

_LATER = {"Predictor": "fer_det.predict.predictor", "Sample": "fer_det.core.sample"}

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
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
