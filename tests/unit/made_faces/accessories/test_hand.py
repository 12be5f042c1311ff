from __future__ import annotations

import numpy as np
import pytest
from fake_data.bare_head import BareHead, assert_sound, bare_head, change
from fake_data.plain_face import make_identity

from made_faces.accessories.hand import draw_hand
from made_faces.face_model.head import Head
from made_faces.surface import Canvas, Floats

SEEDS = range(12)


def draw(head: Head, bare: BareHead, skin: Floats | None = None) -> Canvas:
    canvas = bare.copy()
    who = make_identity() if skin is None else make_identity(skin=skin)
    draw_hand(canvas, head, who, bare.scene, bare.points, bare.camera)
    return canvas


@pytest.mark.parametrize("yaw", [0.0, 45.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_held_to_the_lower_face(head: Head, seed: int, yaw: float) -> None:
    bare = bare_head(head, hand=True, accessory_seed=seed, yaw=yaw)
    canvas = draw(head, bare)
    assert_sound(canvas)
    nearer = canvas.inverse_depth > bare.canvas.inverse_depth
    on_head = nearer & (bare.canvas.alpha > 0)
    assert on_head.sum() > 60
    # Nothing changes above the brows.
    brow = bare.pixel(head.landmarks68[24])[0]
    assert change(bare.canvas, canvas)[: brow - 12].max() == 0


def test_some_hands_cover_the_mouth_and_some_do_not(head: Head) -> None:
    covered = []
    for seed in range(20):
        bare = bare_head(head, hand=True, accessory_seed=seed)
        nearer = draw(head, bare).inverse_depth > bare.canvas.inverse_depth
        covered.append(bool(nearer[bare.pixel(head.landmarks68[62])]))
    assert 3 <= sum(covered) <= 17


def test_has_the_skin_of_its_identity(head: Head) -> None:
    bare = bare_head(head, hand=True, accessory_seed=1)
    red = draw(head, bare, skin=np.array([0.5, 0.0, 0.0], np.float32))
    nearer = red.inverse_depth > bare.canvas.inverse_depth
    means = red.colour[nearer].mean(axis=0)
    assert means[0] > 4 * means[1]


def test_out_of_the_picture_is_no_error(head: Head) -> None:
    bare = bare_head(head, hand=True, offset=(0.0, 2.0))
    assert change(bare.canvas, draw(head, bare)).max() == 0


def test_the_same_again_and_others_by_seed(head: Head) -> None:
    bares = [bare_head(head, hand=True, accessory_seed=seed) for seed in SEEDS]
    drawn = [draw(head, bare).colour.tobytes() for bare in bares]
    assert len(set(drawn)) == len(SEEDS)
    assert drawn == [draw(head, bare).colour.tobytes() for bare in bares]
