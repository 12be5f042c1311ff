"""A drawn face mask covers mouth and nose and leaves the eyes, however the head is turned."""

from __future__ import annotations

import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.imaging.affine import rotation_matrix
from fer_det.imaging.mask import IN_BOX, draw_mask, landmarks_in_box, makes_face

BOX = FaceBox(60, 40, 140, 150)
FACE = landmarks_in_box(BOX)


def photo(level: int = 150) -> np.ndarray:
    pixels = np.full((200, 200, 3), level, np.uint8)
    pixels[..., 2] -= 30
    return pixels


def drawn(landmarks: np.ndarray, seed: int = 3, pixels: np.ndarray | None = None) -> np.ndarray:
    before = photo() if pixels is None else pixels
    return draw_mask(before, landmarks, np.random.default_rng(seed))


def covered(landmarks: np.ndarray, seed: int = 3) -> np.ndarray:
    """[H, W], where the photo has changed clearly."""
    return abs(drawn(landmarks, seed).astype(int) - photo()).max(axis=2) > 12


def at(mask: np.ndarray, point: np.ndarray) -> bool:
    x, y = np.floor(point).astype(int)
    return bool(mask[y, x])


@pytest.mark.parametrize("degrees", [-40, 0, 25, 90, 180])
def test_covers_nose_and_mouth_and_leaves_the_eyes(degrees: int) -> None:
    matrix = rotation_matrix(degrees, 200, 200)
    landmarks = FACE @ matrix[:, :2].T + matrix[:, 2]
    mask = covered(landmarks)
    assert [at(mask, point) for point in landmarks] == [False, False, True, True, True]
    assert 0.05 < mask.mean() < 0.25
    chin = landmarks[3:].mean(axis=0) + 0.6 * (landmarks[3:] - landmarks[:2]).mean(axis=0)
    assert at(mask, chin)
    forehead = landmarks[:2].mean(axis=0) - 0.4 * (landmarks[3:] - landmarks[:2]).mean(axis=0)
    assert not at(mask, forehead)


def test_turned_heads_show_one_cheek_more_than_the_other() -> None:
    def centre(shift: float) -> float:
        landmarks = FACE.copy()
        landmarks[2, 0] += shift
        mask = covered(landmarks)
        assert at(mask, landmarks[2])
        return float(np.nonzero(mask)[1].mean())

    assert centre(-8) > centre(0) + 2
    assert centre(8) < centre(0) - 2


def test_cloths_differ_and_the_same_seed_gives_the_same() -> None:
    colours = {tuple(drawn(FACE, seed)[115, 100] // 24) for seed in range(12)}
    assert len(colours) > 3
    np.testing.assert_array_equal(drawn(FACE, 5), drawn(FACE, 5))


def test_gray_photos_stay_gray_and_dark_ones_dark() -> None:
    gray = np.full((200, 200, 3), 130, np.uint8)
    for seed in range(6):
        after = drawn(FACE, seed, gray)
        np.testing.assert_array_equal(after[..., 0], after[..., 2])
    bright, dark = (drawn(FACE, 0, photo(level))[100:140, 80:120].mean() for level in (180, 50))
    assert dark < 0.6 * bright


def test_parts_outside_the_photo_are_cut_off_and_the_photo_is_not_changed() -> None:
    before = photo()
    for shift in ((-90, 0), (90, 0), (0, 90), (500, 500)):
        after = draw_mask(before, FACE + np.array(shift), np.random.default_rng(0))
        assert after.shape == before.shape
        np.testing.assert_array_equal(before, photo())
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(
    "landmarks",
    [
        np.zeros((5, 2)),
        np.full((5, 2), np.nan),
        np.column_stack([np.arange(5), np.arange(5)]) * 9.0,
    ],
)
def test_points_that_make_no_face_change_nothing(landmarks: np.ndarray) -> None:
    np.testing.assert_array_equal(drawn(landmarks), photo())
    assert not makes_face(landmarks)


def test_landmarks_of_a_box() -> None:
    assert makes_face(FACE)
    assert not makes_face(FACE[:4])
    np.testing.assert_allclose(FACE[0], (60 + 80 * IN_BOX[0][0], 40 + 110 * IN_BOX[0][1]))
