from __future__ import annotations

import numpy as np
import pytest
from fake_data.bare_head import BareHead, assert_sound, bare_head, change

from made_faces.accessories.glasses import draw_glasses
from made_faces.face_model.head import Head
from made_faces.surface import Canvas

SEEDS = range(8)


def draw(head: Head, bare: BareHead) -> Canvas:
    canvas = bare.copy()
    draw_glasses(canvas, head, bare.scene, bare.points, bare.camera)
    return canvas


@pytest.mark.parametrize("seed", SEEDS)
def test_rims_go_round_the_eyes(head: Head, seed: int) -> None:
    bare = bare_head(head, glasses="clear", accessory_seed=seed, width=160, height=160)
    canvas = draw(head, bare)
    assert_sound(canvas)
    changed = change(bare.canvas, canvas) > 0.03
    for landmark in head.landmarks[:2]:
        row, column = bare.pixel(landmark)
        # Some part of the frame is on either side of each eye, and the eye stays visible.
        assert changed[row - 6 : row + 6, :column].any()
        assert changed[row - 6 : row + 6, column:].any()
        assert change(bare.canvas, canvas)[row, column] < 0.2
    for landmark in head.landmarks[3:]:
        assert not changed[bare.pixel(landmark)]
    rows, _ = np.nonzero(changed)
    assert rows.max() < bare.pixel(head.landmarks[3])[0]
    assert rows.min() > bare.pixel(head.landmarks68[19])[0] - 8


@pytest.mark.parametrize("seed", SEEDS)
def test_dark_glasses_hide_the_eyes(head: Head, seed: int) -> None:
    bare = bare_head(head, glasses="dark", accessory_seed=seed, yaw=10.0)
    canvas = draw(head, bare)
    assert_sound(canvas)
    for landmark in head.landmarks[:2]:
        assert canvas.colour[bare.pixel(landmark)].mean() < 0.2


def test_a_temple_runs_to_the_near_ear_only(head: Head) -> None:
    bare = bare_head(head, glasses="clear", accessory_seed=2, yaw=60.0)
    changed = change(bare.canvas, draw(head, bare)) > 0.03
    # Turned to its left, the head shows its right cheek on the left of the picture.
    far_eye = bare.pixel(head.landmarks[1])[1]
    near_eye = bare.pixel(head.landmarks[0])[1]
    columns = np.nonzero(changed)[1]
    assert near_eye - columns.min() > 2 * (columns.max() - far_eye)


def test_a_raised_brow_bends_no_frame(head: Head) -> None:
    calm = bare_head(head, glasses="clear", accessory_seed=2)
    moved = head.express(calm.points, {"jawOpen": 1.0, "mouthSmileLeft": 1.0})
    canvas = calm.copy()
    draw_glasses(canvas, head, calm.scene, moved, calm.camera)
    first, second = (change(calm.canvas, drawn) > 0.05 for drawn in (draw(head, calm), canvas))
    assert (first & second).sum() > 0.6 * first.sum()


def test_seeds_give_other_glasses_and_the_same_ones_again(head: Head) -> None:
    bares = [bare_head(head, glasses="clear", accessory_seed=seed) for seed in SEEDS]
    drawn = {draw(head, bare).colour.tobytes() for bare in bares}
    assert len(drawn) == len(SEEDS)
    assert drawn == {draw(head, bare).colour.tobytes() for bare in bares}
