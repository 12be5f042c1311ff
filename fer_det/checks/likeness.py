"""How much two pictures look alike, also where one is mirrored, turned or cropped.

A picture is compared by its thumbnail, 32 x 32 gray levels. There are two measures:

- The signature, to search among many: the 64 lowest frequencies of the thumbnail's cosine transform
  inside the inscribed circle, which leaves out the corners that a rotation fills. One of the two
  thumbnails is seen through views, which roughly undo a mirroring, a rotation or a crop.
- The likeness, for a decision: the thumbnails are registered by an affine map with OpenCV (ECC:
  Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient
  maximization", PAMI 2008), and the local contrast of both is correlated where they overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Thumbnails = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE = 32
"""Of a thumbnail, in pixels."""
MIN_CONTRAST = 3.0
"""Standard deviation in gray levels below which a thumbnail shows nothing to compare."""

SIGNATURE = 64
"""Numbers in a signature."""
_KEPT = 12
"""A thumbnail is kept up to this frequency in each direction while it is seen through views."""
_POINTS = 16
"""A view is sampled at 16 x 16 points."""

_BLUR = 3.0
"""Pixels over which local contrast is measured."""
_NOISE = 3.0
"""Gray levels that count as no contrast."""
_MIN_OVERLAP = 0.3
"""Part of a thumbnail that two must share to be compared."""
_AT_A_TIME = 64
"""Pairs; a picture of OpenCV 5 has at most 128 channels."""
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)


@dataclass(frozen=True)
class View:
    """A square window of a picture, in units of the picture's sides."""

    x: float
    y: float
    """Of the window's centre."""
    side: float
    degrees: float
    mirrored: bool

    def places(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Points of the window, each 0..1 -> the same points in the picture."""
        (xx, xy), (yx, yy) = self.matrix
        x, y = x - 0.5, y - 0.5
        return self.x + xx * x + xy * y, self.y + yx * x + yy * y

    @property
    def matrix(self) -> Floats:
        """[2, 2], from the window's axes to the picture's."""
        turn = np.deg2rad(self.degrees)
        cosine, sine = self.side * np.cos(turn), self.side * np.sin(turn)
        sign = -1 if self.mirrored else 1
        return np.array([[sign * cosine, -sine], [sign * sine, cosine]], np.float32)


@dataclass(frozen=True)
class Likeness:
    """How much two pictures are alike, and what lies between them."""

    value: float
    """From -1 to 1; 1 for the same picture."""
    mirrored: bool
    degrees: float
    """How far one is turned against the other, 0..90; approximate, since thumbnails are square."""
    scale: float
    """How much larger one shows what both show, from 1."""


def _all_views() -> tuple[View, ...]:
    views = []
    for mirrored in (False, True):
        for cut in range(4):
            # A window shorter by cut x 5 %, at every place in steps of 5 %.
            places = [0.5 + (step - cut / 2) * 0.05 for step in range(cut + 1)]
            views += [View(x, y, 1 - cut * 0.05, 0, mirrored) for x, y in product(places, places)]
        turns = (-10.0, -7.5, -5.0, -2.5, 2.5, 5.0, 7.5, 10.0)
        sides = (1.0, 0.92, 0.85)
        views += [View(0.5, 0.5, side, turn, mirrored) for turn, side in product(turns, sides)]
    return tuple(views)


VIEWS = _all_views()
"""Through which a picture is searched; the first is the picture as it is."""
MIRRORED = VIEWS.index(View(0.5, 0.5, 1.0, 0, True))
"""The view of the whole picture, mirrored."""


def thumbnail_of(pixels: NDArray[np.uint8]) -> Thumbnails | None:
    """[H, W, 3] RGB -> [SIDE, SIDE] gray; None for a picture of nearly one colour."""
    gray = Image.fromarray(pixels).convert("L")
    small = np.asarray(gray.resize((SIDE, SIDE), Image.Resampling.HAMMING))
    return small if small.std() >= MIN_CONTRAST else None


def signatures_of(thumbnails: Thumbnails, views: int = len(VIEWS)) -> Floats:
    """[N, SIDE, SIDE] -> [N, views, SIGNATURE], through the first of VIEWS; each of length 1."""
    kept = thumbnails.reshape(len(thumbnails), -1) @ _basis(SIDE).T
    found = kept @ _view_matrix()[: views * SIGNATURE].T
    found = found.reshape(len(thumbnails), views, SIGNATURE)
    length = np.linalg.norm(found, axis=2, keepdims=True)
    return np.asarray(found / np.maximum(length, 1e-6), np.float32)


def measure_likeness(first: Thumbnails, second: Thumbnails, view: View) -> Likeness:
    """Register two thumbnails and compare them; `first` through `view` is roughly `second`."""
    one: Floats = first.astype(np.float32)
    other: Floats = second.astype(np.float32)
    centre = (SIDE - 1) / 2
    shift = np.array([view.x, view.y]) * SIDE - 0.5 - view.matrix @ [centre, centre]
    rough = np.column_stack([view.matrix, shift]).astype(np.float32)
    maps = [rough]
    try:
        _, fine = cv2.findTransformECC(
            other, one, rough.copy(), cv2.MOTION_AFFINE, _STEPS, _inner(), 1
        )
        maps.append(fine.astype(np.float32))
    except cv2.error:
        # It has not converged, so the rough map stands alone.
        pass
    values = [_correlate(one, other, each) for each in maps]
    best = int(np.argmax(values))
    (xx, xy, _), (yx, yy, _) = maps[best].tolist()
    size = abs(xx * yy - xy * yx) ** 0.5
    degrees = abs(float(np.rad2deg(np.arctan2(-xy, yy))))
    scale = max(size, 1 / size) if size else np.inf
    return Likeness(values[best], xx * yy < xy * yx, degrees, scale)


def rough_likeness(first: Thumbnails, second: Thumbnails) -> Floats:
    """[N, SIDE, SIDE] each -> [N], the likeness of each two as they are, without registration."""
    inside = _inner() > 0
    parts = []
    for start in range(0, len(first), _AT_A_TIME):
        rows = slice(start, start + _AT_A_TIME)
        a, b = (_contrasts(each[rows])[inside] for each in (first, second))
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
        length = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0) + 1e-6)
        parts.append((a * b).sum(axis=0) / length)
    return np.concatenate([np.empty(0, np.float32), *parts])


def _contrasts(thumbnails: Thumbnails) -> Floats:
    """[N, SIDE, SIDE] -> [SIDE, SIDE, N]; OpenCV takes them as the channels of one picture."""
    channels = np.ascontiguousarray(thumbnails.transpose(1, 2, 0), np.float32)
    return _contrast(channels).reshape(channels.shape)


def _correlate(one: Floats, other: Floats, mapped: Floats) -> float:
    """Correlation of local contrast, `one` being seen through the map."""
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (SIDE, SIDE)
    seen = cv2.warpAffine(one, mapped, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones_like(one), mapped, size, flags=how) > 0.99
    shared = inside & (_inner() > 0)
    if shared.mean() < _MIN_OVERLAP:
        return 0.0
    a, b = _contrast(np.asarray(seen, np.float32))[shared], _contrast(other)[shared]
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-6))


def _contrast(gray: Floats) -> Floats:
    """Gray levels less their neighbourhood's mean, in units of its deviation."""
    detail = gray - cv2.GaussianBlur(gray, (0, 0), _BLUR).reshape(gray.shape)
    variance = cv2.GaussianBlur(detail * detail, (0, 0), _BLUR).reshape(gray.shape)
    deviation = np.sqrt(variance + _NOISE**2)
    return np.asarray(detail / deviation, np.float32)


@cache
def _inner() -> NDArray[np.uint8]:
    """255 inside the inscribed circle of a thumbnail, 0 in its corners."""
    edge = np.arange(SIDE) - (SIDE - 1) / 2
    inside = np.hypot(*np.meshgrid(edge, edge)) < 0.47 * SIDE
    return np.where(inside, np.uint8(255), np.uint8(0))


@cache
def _basis(side: int) -> Floats:
    """[_KEPT ** 2, side ** 2], the lowest frequencies of the cosine transform of a square."""
    points = (np.arange(side) + 0.5) / side
    waves = _waves(points) / side**0.5
    squares = np.einsum("iy,jx->ijyx", waves, waves).reshape(_KEPT**2, side**2)
    return np.asarray(squares, np.float32)


def _waves(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Points in 0..1 -> [_KEPT, *], the cosines of frequency 0, 1, ..."""
    frequencies = np.arange(_KEPT).reshape(-1, *([1] * points.ndim))
    return np.where(frequencies > 0, 2**0.5, 1) * np.cos(np.pi * frequencies * points)


@cache
def _view_matrix() -> Floats:
    """[views * SIGNATURE, _KEPT ** 2], from a thumbnail's frequencies to its signatures."""
    points = (np.arange(_POINTS) + 0.5) / _POINTS
    x, y = (axis.ravel() for axis in np.meshgrid(points, points))
    inside = np.hypot(x - 0.5, y - 0.5) < 0.5
    order = sorted((i * i + j * j, i, j) for i in range(_KEPT) for j in range(_KEPT))
    order = order[1 : SIGNATURE + 1]
    across, down = _waves(x), _waves(y)
    # The amplitudes of photos fall with frequency, so each is multiplied by its own.
    waves = np.array([square**0.5 * down[i] * across[j] for square, i, j in order]) * inside
    # What is left of the mean brightness once a wave is cut to the circle is taken out again.
    waves -= waves.sum(axis=1, keepdims=True) / inside.sum() * inside
    rows = []
    for view in VIEWS:
        seen_x, seen_y = (axis.clip(0, 1) for axis in view.places(x, y))
        seen = np.einsum("ip,jp->pij", _waves(seen_y), _waves(seen_x)).reshape(len(x), -1)
        rows.append(waves @ seen)
    return np.concatenate(rows).astype(np.float32)
