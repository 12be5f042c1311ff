from __future__ import annotations

import numpy as np
import pytest
from fake_data.plain_face import PIXEL, face_points

from made_faces.materials.skin_points import mean_strength, mix, side_strength


def test_a_blob_is_on_both_sides() -> None:
    face = face_points()
    blob = face.blob(0.04, 0.70, 0.01, 0.02)
    at = np.hypot(face.across - 0.04, face.z - 0.70) < PIXEL
    assert set(np.sign(face.x[at])) == {-1, 1}
    assert blob[at].min() > 0.99
    assert blob[np.abs(face.x) < 0.01].max() < 0.01


def test_left_is_the_heads_own_left() -> None:
    face = face_points()
    strength = side_strength(
        {"browDownLeft": 1.0, "browDownRight": 0.25}, "browDown", face.left_weight()
    )
    assert strength[face.x > 0.01] == pytest.approx(1)
    assert strength[face.x < -0.01] == pytest.approx(0.25)
    assert side_strength({"browDownLeft": -1.0}, "browDown", face.left_weight()).max() == 0
    assert mean_strength({"browDownLeft": 1.0}, "browDown") == 0.5


def test_subsets_keep_their_noise() -> None:
    face = face_points()
    which = face.across < 0.03
    later = face.subset(which).grain
    assert later == pytest.approx(face.grain[which], abs=1e-6)
    assert face.subset(which).grain is not later


def test_skin_noise_has_no_seam_at_the_back_of_the_head() -> None:
    face = face_points()
    turn = face.noise_u.max() - face.noise_u.min()
    assert 0 < turn < 2
    back = face_points()
    left, right = (
        type(back)(**{**vars(face_points()), "noise_u": np.full_like(back.x, edge)}).blotches
        for edge in (-1.0, 1.0)
    )
    assert left == pytest.approx(right, abs=0.02)


def test_what_pixels_can_show() -> None:
    coarse, fine = face_points(pixel=0.001), face_points(pixel=0.0002)
    assert coarse.resolvable(0.001) == 0
    assert fine.resolvable(0.001) == 1
    assert fine.strand_scale() == 1
    assert coarse.strand_scale() == 4
    assert face_points(pixel=0.00105).strand_scale() == coarse.strand_scale()


def test_mix() -> None:
    under, over = np.zeros((2, 3), np.float32), np.ones(3, np.float32)
    assert mix(under, over, np.array([0.25, 1], np.float32)).tolist() == [[0.25] * 3, [1] * 3]
