"""Faces in pictures: the detector's contract and MTCNN.

`Mtcnn` is loaded at first use, so that importing this package costs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fer_det.faces.detector import LANDMARK_NAMES, DetectedFace, FaceDetector

if TYPE_CHECKING:
    from fer_det.faces.mtcnn.cascade import Mtcnn

__all__ = ["DetectedFace", "FaceDetector", "LANDMARK_NAMES", "Mtcnn"]


def __getattr__(name: str) -> Any:
    if name == "Mtcnn":
        from fer_det.faces.mtcnn.cascade import Mtcnn

        return Mtcnn
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
