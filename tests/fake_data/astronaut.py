"""Pictures with none, one or many faces, all made of one portrait in the public domain.

Needs numpy and Pillow alone, so that the original package's environment can make them too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PORTRAIT = Path(__file__).parents[1] / "golden" / "data" / "astronaut.jpg"

Pixels = NDArray[np.uint8]


def portrait() -> Pixels:
    """The stored picture, [320, 320, 3] RGB, with one face at about (113, 38, 167, 107)."""
    with Image.open(PORTRAIT) as image:
        return np.array(image.convert("RGB"))


def variants() -> dict[str, Pixels]:
    """Name -> picture; several share a size."""
    whole = portrait()
    flipped = whole[:, ::-1]
    return {
        name: np.ascontiguousarray(picture)
        for name, picture in {
            "whole": whole,
            "flipped": flipped,
            "dim": whole // 3,
            "gray": np.repeat(whole[..., 1:2], 3, axis=2),
            "upside_down": whole[::-1],
            "half_size": whole[::2, ::2],
            "third_size": whole[::3, ::3],
            "narrow": whole[:, ::2],
            "enlarged": whole[20:170, 70:210].repeat(3, axis=0).repeat(3, axis=1),
            "face_on_a_face": _face_on_a_face(whole),
            "crop": whole[30:115, 100:180],
            "tight_crop": whole[44:104, 116:164],
            "cut_by_the_left_edge": whole[:, 130:],
            "cut_by_the_top": whole[56:],
            "pair": np.concatenate([whole, flipped], axis=1),
            "large_and_small": _beside(whole, flipped[::2, ::2]),
            "grid": np.tile(whole[20:132, 85:197], (3, 4, 1)),
            "family": _beside(_beside(whole, whole[::2, ::2]), flipped[::3, ::3]),
            "suit": whole[120:],
            "flat": np.full_like(whole, 90),
            "noise": np.random.default_rng(0).integers(0, 256, whole.shape, dtype=np.uint8),
            "too_small_for_any_scale": whole[60:80, 120:140],
        }.items()
    }


def _face_on_a_face(whole: Pixels) -> Pixels:
    """A small face within a large one, of which the cascade keeps the surer."""
    picture = whole[20:130, 85:205].repeat(4, axis=0).repeat(4, axis=1)
    picture[125:205, 195:263] = whole[32:112, 106:174]
    return picture


def _beside(left: Pixels, right: Pixels) -> Pixels:
    """`right` to the right of `left`, on black where it is lower."""
    lower = np.zeros((left.shape[0], right.shape[1], 3), np.uint8)
    lower[: right.shape[0]] = right
    return np.concatenate([left, lower], axis=1)
