"""vgg_face_weights.h5: VGG-Face of the package deepface, which hands pictures over blue first.

Layers carry the names that Keras makes up (conv2d_1, ...), so their order alone tells which is
which; the fully connected ones are convolutions.
"""

import re

from fer_det.weights.formats.form import Form, Layers, by_position
from fer_det.weights.formats.network import Stored
from fer_det.weights.formats.vgg_face import VGG_FACE

_MADE_UP = re.compile(r"conv(olution)?2d(_\d+)?")


def _pick(stored: Stored) -> Layers | None:
    made_up = all(_MADE_UP.fullmatch(layer.name) for layer in stored.layers)
    convolutions = all(layer.weight.ndim == 4 for layer in stored.layers)
    return by_position(stored) if made_up and convolutions else None


FORM = Form(
    name="vgg_face_deepface",
    title="VGG-Face of deepface (vgg_face_weights.h5)",
    container="keras",
    layout="HWIO",
    channels="bgr",
    training=VGG_FACE,
    pick=_pick,
)
