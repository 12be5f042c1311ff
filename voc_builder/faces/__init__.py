"""Faces in pictures: finding them, and telling which one is labelled.

`Mtcnn` is fetched at first use, so that importing this package costs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voc_builder.faces.crops import BoxSource, CropFace, find_face_in_crops
from voc_builder.faces.face import LANDMARK_NAMES, DetectedFace, FaceDetector
from voc_builder.faces.selection import select_labelled_face

if TYPE_CHECKING:
    from voc_builder.faces.mtcnn import Mtcnn

__all__ = [
    "BoxSource",
    "CropFace",
    "DetectedFace",
    "FaceDetector",
    "LANDMARK_NAMES",
    "Mtcnn",
    "find_face_in_crops",
    "select_labelled_face",
]


def __getattr__(name: str) -> Any:
    if name == "Mtcnn":
        from voc_builder.faces.mtcnn import Mtcnn

        return Mtcnn
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
