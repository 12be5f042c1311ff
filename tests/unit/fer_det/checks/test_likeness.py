"""Likeness of pictures that are copies, and of pictures that are not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from fer_det.checks import likeness as module
from fer_det.checks.likeness import (
    SIDE,
    SIGNATURE,
    VIEWS,
    Likeness,
    View,
    measure_likeness,
    rough_likeness,
    signatures_of,
    thumbnail_of,
)


def clouds(seed: int, size: int = 120) -> Image.Image:
    """Smooth spots of random colours."""
    fields = np.random.default_rng(seed).integers(0, 255, (10, 10, 3), dtype=np.uint8)
    return Image.fromarray(fields).resize((size, size), Image.Resampling.BICUBIC)


def thumbnail(picture: Image.Image) -> np.ndarray:
    found = thumbnail_of(np.asarray(picture))
    assert found is not None
    assert found.shape == (SIDE, SIDE)
    return found


def compare(first: Image.Image, second: Image.Image) -> Likeness:
    """The likeness through the view whose signature is the nearest."""
    one, other = thumbnail(first), thumbnail(second)
    seen = signatures_of(one[None])[0]
    whole = signatures_of(other[None], 1)[0, 0]
    best = int(np.argmax(seen @ whole))
    return measure_likeness(one, other, VIEWS[best])


def test_same_picture_at_another_size_and_brightness() -> None:
    picture = clouds(0)
    for copy in (picture.resize((60, 80)), picture.point(lambda level: level * 0.7 + 30)):
        likeness = compare(picture, copy)
        assert likeness.value > 0.97
        assert not likeness.mirrored
        assert likeness.degrees < 1
        assert likeness.scale < 1.02


def test_mirrored() -> None:
    likeness = compare(clouds(1), ImageOps.mirror(clouds(1)))
    assert likeness.value > 0.99
    assert likeness.mirrored


@pytest.mark.parametrize("degrees", [-10, -5, 5, 8])
@pytest.mark.parametrize("mirror", [False, True])
def test_turned(degrees: int, mirror: bool) -> None:
    copy = clouds(2).rotate(degrees, Image.Resampling.BICUBIC)
    likeness = compare(clouds(2), ImageOps.mirror(copy) if mirror else copy)
    assert likeness.value > 0.95
    assert likeness.degrees == pytest.approx(abs(degrees), abs=0.5)
    assert likeness.mirrored is mirror


@pytest.mark.parametrize("box", [(0, 0, 108, 108), (12, 6, 114, 108), (18, 0, 120, 110)])
def test_cropped(box: tuple[int, int, int, int]) -> None:
    whole, part = clouds(3), clouds(3).crop(box)
    for likeness in (compare(whole, part), compare(whole, ImageOps.mirror(part))):
        assert likeness.value > 0.95
        sides = (box[2] - box[0]) * (box[3] - box[1]) / 120**2
        assert likeness.scale == pytest.approx(sides**-0.5, rel=0.02)


def test_other_pictures_are_not_alike() -> None:
    values = [compare(clouds(4), clouds(seed)).value for seed in range(5, 25)]
    assert max(values) < 0.8


@pytest.mark.parametrize("level", [0, 77, 255])
def test_picture_of_one_colour_has_no_thumbnail(level: int) -> None:
    assert thumbnail_of(np.full((40, 60, 3), level, np.uint8)) is None


def test_signatures_have_length_one_and_the_first_view_is_the_whole_picture() -> None:
    thumbnails = np.stack([thumbnail(clouds(seed)) for seed in range(3)])
    found = signatures_of(thumbnails)
    assert found.shape == (3, len(VIEWS), SIGNATURE)
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(found[:, :1], signatures_of(thumbnails, 1), atol=1e-6)
    assert VIEWS[0] == View(0.5, 0.5, 1, 0, False)


def test_signature_ignores_corners_brightness_and_contrast() -> None:
    plain = thumbnail(clouds(6)).astype(int)
    changed = plain // 2 + 60
    changed[:4, :4] = changed[-4:, -4:] = 0
    first, second = signatures_of(np.stack([plain, changed]).astype(np.uint8), 1)[:, 0]
    assert first @ second > 0.99


def test_without_overlap_nothing_is_alike() -> None:
    one = thumbnail(clouds(7))
    assert measure_likeness(one, one, View(3.0, 0.5, 1, 0, False)).value == 0


def test_rough_likeness_is_that_before_registration() -> None:
    pictures = np.stack([thumbnail(clouds(seed)) for seed in range(600)])
    shifted = np.roll(pictures, 1, axis=2)
    found = rough_likeness(pictures, shifted)
    assert found.shape == (600,)
    for row in (0, 63, 64, 599):
        one, other = (each[row].astype(np.float32) for each in (pictures, shifted))
        wanted = module._correlate(one, other, np.eye(2, 3, dtype=np.float32))
        assert found[row] == pytest.approx(wanted, abs=1e-4)
    assert rough_likeness(pictures, pictures) == pytest.approx(np.ones(600), abs=1e-4)
    assert rough_likeness(pictures[:1], pictures[1:2]) < 0.5
    assert len(rough_likeness(pictures[:0], pictures[:0])) == 0
