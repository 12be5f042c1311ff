"""The points of a face that data sets mark, as vertices of the base head.

The places were read off the base mesh seen from the front; each becomes the nearest vertex of the
skin in front. "Left" and "right" are the picture's, as in RAF-DB and CK+.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from made_faces.surface import Floats, Ints

Place = tuple[float, float]
"""x and z on the base head, in metres; x < 0 lies to the picture's left."""

_MILLIMETRE = 0.001

_JAW = [(69, 724), (69, 706), (68, 689), (66, 668), (59, 650), (48, 635), (34, 625), (17, 619)]
_CHIN = (0, 617)
_BROW = [(56, 749), (47, 756), (37, 759), (26, 757), (15, 753)]
_NOSE_BRIDGE = [(0, 728), (0, 717), (0, 706), (0, 695)]
_NOSE_BASE = [(15, 685), (8, 682), (0, 681), (-8, 682), (-15, 685)]
_EYE = [(45, 729), (38, 733), (28, 734), (19, 728), (27, 724), (37, 725)]
_UPPER_LIP = [(27, 661), (19, 667), (9, 672), (0, 671), (-9, 672), (-19, 667), (-27, 661)]
_LOWER_LIP = [(-19, 654), (-10, 650), (0, 649), (10, 650), (19, 654)]
_INNER_LIP = [(25, 661), (9, 662), (0, 662), (-9, 662), (-25, 661), (-9, 660), (0, 660), (9, 660)]
"""Millimetres as (-x, z): the picture's left first."""


def places68() -> list[Place]:
    """The 68 points of iBUG's scheme (Sagonas et al., "300 Faces in-the-wild", 2013), in order."""
    jaw = [*_JAW, _CHIN, *_mirrored(_JAW[::-1])]
    brows = [*_BROW, *_mirrored(_BROW[::-1])]
    # The right eye, too, is marked from its left corner over the upper lid.
    eyes = [*_EYE, *_mirrored([_EYE[row] for row in (3, 2, 1, 0, 5, 4)])]
    mouth = [*_UPPER_LIP, *_LOWER_LIP, *_INNER_LIP]
    points = [*jaw, *brows, *_NOSE_BRIDGE, *_NOSE_BASE, *eyes, *mouth]
    return [(-x * _MILLIMETRE, z * _MILLIMETRE) for x, z in points]


def nearest_in_front(points: Floats, candidates: Ints, places: list[Place]) -> Ints:
    """For each place the candidate vertex that a viewer in front sees nearest to it."""
    seen = points[candidates]
    offsets: NDArray[np.float32] = seen[None, :, ::2] - np.array(places, np.float32)[:, None]
    # What lies deeper counts as farther away: the lip's rim rather than what is behind it.
    depth = (seen[:, 1] - seen[:, 1].min()) * np.float32(0.05)
    distances = np.hypot(offsets[..., 0], offsets[..., 1]) + depth
    nearest: Ints = candidates[np.argmin(distances, axis=1)]
    return nearest


def _mirrored(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(-x, z) for x, z in places]
