"""The public forms of weights that can be converted; a new one is a file here and a line below."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from fer_det.weights.formats.form import Form

_NAMES = (
    "vgg_face_caffe",
    "vgg_face_matconvnet",
    "vgg_face_torch",
    "vgg_face_dag",
    "vgg_face_rcmalli",
    "vgg_face_deepface",
    "imagenet_torchvision",
    "imagenet_features",
)

FORMS: tuple[Form, ...] = tuple(
    cast(Form, import_module(f"{__name__}.{name}").FORM) for name in _NAMES
)
