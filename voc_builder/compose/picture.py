"""One composed picture: background, pieces that are no faces, and faces with exact boxes.

Faces and other pieces are cut and changed alike, so that edges, gray and blur mark neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.imaging.jitter import is_gray
from fer_det.io.voc_annotation import VocObject
from voc_builder.compose.plan import SourceFace

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

LONG_SIDE = (320, 480)
"""Pixels."""
SHAPES = (1.0, 4 / 3, 3 / 2)
"""Ratios of the sides."""
MARGIN = 1.2
"""Largest part of a face's box that is cut out beside it."""
VISIBLE = 0.85
"""Least part of a face inside the picture."""
COVERED = 0.08
"""Largest part of a face, or of a later cut-out, that may overlap the other."""
ATTEMPTS = 20
"""Places that are tried for a face before it is left out."""
PIECES = 4
"""Most pieces without a face."""


@dataclass(frozen=True)
class Patch:
    """A cut-out that is ready to be pasted."""

    pixels: Pixels
    """[h, w, 3]."""
    mask: Mask
    """[h, w], 0..1: how much of it covers the picture."""


def sample_size(generator: np.random.Generator) -> tuple[int, int]:
    """The width and height of a composed picture."""
    long = int(generator.integers(LONG_SIDE[0], LONG_SIDE[1] + 1))
    short = round(long / SHAPES[generator.integers(len(SHAPES))])
    return (long, short) if generator.random() < 0.6 else (short, long)


def compose(
    background: Pixels,
    pieces: Pixels,
    faces: Sequence[tuple[SourceFace, Pixels]],
    min_face: int,
    generator: np.random.Generator,
) -> tuple[Pixels, list[tuple[SourceFace, VocObject]]]:
    """Paste faces on a background -> the picture [H, W, 3] and the faces that found a place.

    background: [H, W, 3] without a face, not changed. pieces: the same, from which pieces are cut.
    faces: each with its source's pixels. min_face: pixels.
    """
    picture = background.copy()
    height, width = picture.shape[:2]
    for _ in range(generator.integers(PIECES + 1)):
        patch = _cut_piece(pieces, generator)
        x = int(generator.integers(-patch.mask.shape[1] // 2, width - patch.mask.shape[1] // 2))
        y = int(generator.integers(-patch.mask.shape[0] // 2, height - patch.mask.shape[0] // 2))
        _paste(picture, patch, x, y)
    # Where so many faces of min_face have no room, some find no place below.
    largest = max(min_face, min(width, height) / math.sqrt(max(1, len(faces))))
    if len(faces) == 1:
        # Uniform, since expressions are learned from large faces and portraits have one.
        sizes = generator.uniform(min_face, largest, 1)
    else:
        sizes = np.exp(generator.uniform(math.log(min_face), math.log(largest), len(faces)))
    placed: list[tuple[SourceFace, VocObject]] = []
    # The largest first, as long as there is room.
    for (source, pixels), size in zip(faces, sorted(sizes.tolist(), reverse=True), strict=True):
        patch, face = _cut_face(source, pixels, size, generator)
        place = _find_place(
            patch, face.box, [each.box for _, each in placed], (width, height), generator
        )
        if place is None:
            continue
        _paste(picture, patch, *place)
        visible = face.box.moved(*place).clipped(width, height)
        assert visible is not None
        points = tuple((x + place[0], y + place[1]) for x, y in face.landmarks)
        placed.append((source, replace(face, box=visible, landmarks=points)))
    return _develop(picture, generator), placed


def _cut_face(
    source: SourceFace, pixels: Pixels, size: float, generator: np.random.Generator
) -> tuple[Patch, VocObject]:
    """Cut a face and some surroundings out, scaled so that its box has that height.

    -> the patch, and the face in it.
    """
    height, width = pixels.shape[:2]
    box = source.face.box
    margins = MARGIN * generator.random() * generator.uniform(0.3, 1, 4)
    around = margins * [box.width, box.height, box.width, box.height]
    edges = np.array(box.as_tuple()) + around * [-1, -1, 1, 1]
    edges = edges.clip(0, [width, height, width, height])
    if any(_overlap(FaceBox(*edges.tolist()), other.box) for other in source.others):
        edges = np.array(box.as_tuple())
    left, top = np.floor(edges[:2]).astype(int).tolist()
    right, bottom = np.ceil(edges[2:]).astype(int).tolist()
    scale = size / box.height
    part = pixels[top:bottom, left:right]
    to = max(4, round(scale * (right - left))), max(4, round(scale * (bottom - top)))
    scaled = _resize(part, *to)
    x_scale, y_scale = to[0] / (right - left), to[1] / (bottom - top)
    inside = FaceBox(
        (box.x_min - left) * x_scale,
        (box.y_min - top) * y_scale,
        (box.x_max - left) * x_scale,
        (box.y_max - top) * y_scale,
    )
    points = tuple(((x - left) * x_scale, (y - top) * y_scale) for x, y in source.face.landmarks)
    patch = Patch(_change(scaled, generator), _mask(to, inside, generator))
    return patch, replace(source.face, box=inside, landmarks=points)


def _cut_piece(pixels: Pixels, generator: np.random.Generator) -> Patch:
    """Cut a piece without a face out, of the sizes and shapes that faces have."""
    height, width = pixels.shape[:2]
    side = math.exp(generator.uniform(math.log(16), math.log(min(width, height) / 2)))
    to = max(8, round(side * generator.uniform(0.7, 1.1))), max(8, round(side))
    zoom = math.exp(generator.uniform(math.log(0.5), math.log(6)))
    w, h = (max(4, min(round(a / zoom), b)) for a, b in zip(to, (width, height), strict=True))
    x, y = int(generator.integers(width - w + 1)), int(generator.integers(height - h + 1))
    scaled = _resize(pixels[y : y + h, x : x + w], *to)
    if generator.random() < 0.5:
        scaled = np.repeat(cv2.cvtColor(scaled, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    inside = FaceBox(0.1 * to[0], 0.1 * to[1], 0.9 * to[0], 0.9 * to[1])
    return Patch(_change(scaled, generator), _mask(to, inside, generator))


def _change(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Change light and colour and take resolution away."""
    height, width = pixels.shape[:2]
    blurs, factor, tints, grays = generator.random(4)
    if blurs < 0.3:
        small = [max(8, round(side / (1 + 2 * factor))) for side in (width, height)]
        pixels = _resize(_resize(pixels, *small), width, height)
    tone = generator.uniform(-1, 1, 3)
    gains = np.ones(3)
    if is_gray(pixels):
        if tints < 0.5:
            # Around the colours of skin: more red, less blue.
            gains += [0.1 + 0.1 * tone[0], 0.06 * tone[1], -0.15 + 0.12 * tone[2]]
    elif grays < 0.25:
        pixels = np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    else:
        gains += 0.08 * tone
    contrast, light = generator.uniform(0.7, 1.2), generator.uniform(-25, 25)
    middle = float(pixels.mean())
    changed = (pixels.astype(np.float32) - middle) * np.float32(contrast) + middle + light
    return np.asarray((changed * gains.astype(np.float32)).clip(0, 255), np.uint8)


def _mask(size: tuple[int, int], box: FaceBox, generator: np.random.Generator) -> Mask:
    """A rectangle with a hard or a soft edge, or a soft ellipse around the face: [h, w], 0..1."""
    width, height = size
    x, y = np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32) + 0.5
    kind, softness, reach = generator.random(3).tolist()
    if kind < 0.3:
        return np.ones((height, width), np.float32)
    if kind < 0.6:
        soft = max(1.0, (0.03 + 0.12 * softness) * min(width, height))
        across = np.minimum(x, width - x) / np.float32(soft)
        down = np.minimum(y, height - y) / np.float32(soft)
        return np.asarray(np.minimum(across[None], 1) * np.minimum(down[:, None], 1), np.float32)
    centre_x, centre_y = box.centre
    stretch = 2 / (1.05 + 0.35 * reach)
    distance = np.hypot(
        (x[None] - centre_x) * stretch / box.width, (y[:, None] - centre_y) * stretch / box.height
    )
    edge = (0.04 + 0.2 * softness) + 4 / max(box.height, 8)
    return np.asarray(((1 - distance) / edge + 0.5).clip(0, 1), np.float32)


def _find_place(
    patch: Patch,
    box: FaceBox,
    placed: Sequence[FaceBox],
    size: tuple[int, int],
    generator: np.random.Generator,
) -> tuple[int, int] | None:
    """Where the patch's top left corner may be, None where no place was found."""
    height, width = patch.mask.shape
    for _ in range(ATTEMPTS):
        part_x, part_y = generator.random(2).tolist()
        slack = 0.1 * np.array([box.width, box.height])
        x = round(-box.x_min - slack[0] + part_x * (size[0] - box.width + 2 * slack[0]))
        y = round(-box.y_min - slack[1] + part_y * (size[1] - box.height + 2 * slack[1]))
        if box.moved(x, y).visible_part(*size) < VISIBLE:
            continue
        cover = FaceBox(x, y, x + width, y + height)
        if all(_overlap(cover, each) <= COVERED * min(each.area, cover.area) for each in placed):
            return x, y
    return None


def _overlap(first: FaceBox, second: FaceBox) -> float:
    """Square pixels."""
    width = min(first.x_max, second.x_max) - max(first.x_min, second.x_min)
    height = min(first.y_max, second.y_max) - max(first.y_min, second.y_min)
    return max(width, 0.0) * max(height, 0.0)


def _paste(picture: Pixels, patch: Patch, x: int, y: int) -> None:
    """Blend the part of a patch at (x, y) that is inside into the picture."""
    height, width = patch.mask.shape
    left, top = max(0, x), max(0, y)
    right, bottom = min(picture.shape[1], x + width), min(picture.shape[0], y + height)
    if right <= left or bottom <= top:
        return
    inside = slice(top - y, bottom - y), slice(left - x, right - x)
    part = patch.mask[inside][..., None]
    under = picture[top:bottom, left:right]
    blended = part * patch.pixels[inside] + (1 - part) * under
    picture[top:bottom, left:right] = np.rint(blended).astype(np.uint8)


def _develop(picture: Pixels, generator: np.random.Generator) -> Pixels:
    """What a camera does to the whole picture: gray, blur and noise."""
    grays, blurs, amount, noises, seed = generator.random(5).tolist()
    if grays < 0.25:
        picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    if blurs < 0.2:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.3 + amount), np.uint8)
    if noises < 0.3:
        noise = np.random.default_rng(int(seed * 2**53))
        grain = noise.standard_normal(picture.shape[:2], np.float32)[..., None]
        noisy = picture.astype(np.float32) + np.float32(2 + 8 * amount) * grain
        picture = np.asarray(noisy.clip(0, 255), np.uint8)
    return picture


def _resize(pixels: Pixels, width: int, height: int) -> Pixels:
    shrinks = width * height < pixels.shape[0] * pixels.shape[1]
    filter_ = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=filter_), np.uint8)
