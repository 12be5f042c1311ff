from __future__ import annotations

import numpy as np
import pytest
from fake_data.plain_face import PIXEL, face_places

from made_faces.materials.skin_points import both_sides, mix, sided


def test_a_blob_is_on_both_sides() -> None:
    face = face_places()
    blob = face.blob(0.04, 0.70, 0.01, 0.02)
    at = np.hypot(face.across - 0.04, face.z - 0.70) < PIXEL
    assert set(np.sign(face.x[at])) == {-1, 1}
    assert blob[at].min() > 0.99
    assert blob[np.abs(face.x) < 0.01].max() < 0.01


def test_left_is_the_heads_own_left() -> None:
    face = face_places()
    strength = sided({"browDownLeft": 1.0, "browDownRight": 0.25}, "browDown", face.left_part())
    assert strength[face.x > 0.01] == pytest.approx(1)
    assert strength[face.x < -0.01] == pytest.approx(0.25)
    assert sided({"browDownLeft": -1.0}, "browDown", face.left_part()).max() == 0
    assert both_sides({"browDownLeft": 1.0}, "browDown") == 0.5


def test_chosen_points_keep_their_noise() -> None:
    face = face_places()
    which = face.across < 0.03
    later = face.chosen(which).grain
    assert later == pytest.approx(face.grain[which], abs=1e-6)
    assert face.chosen(which).grain is not later


def test_skin_noise_has_no_seam_at_the_back_of_the_head() -> None:
    face = face_places()
    turn = face.around.max() - face.around.min()
    assert 0 < turn < 2
    back = face_places()
    left, right = (
        type(back)(**{**vars(face_places()), "around": np.full_like(back.x, edge)}).blotches
        for edge in (-1.0, 1.0)
    )
    assert left == pytest.approx(right, abs=0.02)


def test_what_pixels_can_show() -> None:
    coarse, fine = face_places(pixel=0.001), face_places(pixel=0.0002)
    assert coarse.resolved(0.001) == 0
    assert fine.resolved(0.001) == 1
    assert fine.tuft() == 1
    assert coarse.tuft() == 4
    assert face_places(pixel=0.00105).tuft() == coarse.tuft()


def test_mix() -> None:
    under, over = np.zeros((2, 3), np.float32), np.ones(3, np.float32)
    assert mix(under, over, np.array([0.25, 1], np.float32)).tolist() == [[0.25] * 3, [1] * 3]
