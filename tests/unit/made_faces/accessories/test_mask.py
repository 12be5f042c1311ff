from __future__ import annotations

import numpy as np
import pytest
from fake_data.bare_head import BareHead, assert_sound, bare_head, change

from made_faces.accessories.mask import draw_mask
from made_faces.face_model.head import Head
from made_faces.surface import Canvas

SEEDS = range(8)


def draw(head: Head, bare: BareHead) -> Canvas:
    canvas = bare.copy()
    draw_mask(canvas, head, bare.scene, bare.points, bare.camera)
    return canvas


@pytest.mark.parametrize("yaw", [-50.0, 0.0, 25.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_covers_nose_and_mouth_and_not_the_eyes(head: Head, seed: int, yaw: float) -> None:
    bare = bare_head(head, mask=True, accessory_seed=seed, yaw=yaw)
    canvas = draw(head, bare)
    assert_sound(canvas)
    changed = change(bare.canvas, canvas)
    covered = [*head.landmarks[2:], head.landmarks68[8], head.landmarks68[57]]
    for landmark in covered if yaw == 0 else head.landmarks[2:3]:
        assert changed[bare.pixel(landmark)] > 0.005
    for landmark in (*head.landmarks[:2], *head.landmarks68[17:27]):
        assert changed[bare.pixel(landmark)] < 0.02


def test_follows_an_open_mouth(head: Head) -> None:
    bare = bare_head(head, mask=True)
    opened = head.express(bare.points, {"jawOpen": 1.0})
    canvas = bare.copy()
    draw_mask(canvas, head, bare.scene, opened, bare.camera)
    lowest = [
        np.nonzero(change(bare.canvas, c).max(axis=1))[0][-1] for c in (draw(head, bare), canvas)
    ]
    assert lowest[1] > lowest[0] + 3


def test_loops_lead_to_the_ears(head: Head) -> None:
    bare = bare_head(head, mask=True, width=224, height=224)
    changed = change(bare.canvas, draw(head, bare)) > 0.03
    mouth = bare.pixel(head.landmarks[3])[0]
    level = bare.pixel(head.landmarks[2])[0]
    wide = np.ptp(np.nonzero(changed[level])[0])
    assert wide > np.ptp(np.nonzero(changed[mouth + 8])[0])
    ears = head.template[head.landmarks68[[0, 16]], 0]
    left, right = bare.camera.project(bare.points[head.landmarks68[[0, 16]]])[:, 0]
    assert ears[0] < ears[1]
    columns = np.nonzero(changed.any(axis=0))[0]
    assert columns.min() < left + 8
    assert columns.max() > right - 8


def test_several_colours_and_the_same_again(head: Head) -> None:
    bares = [bare_head(head, mask=True, accessory_seed=seed) for seed in SEEDS]
    drawn = [draw(head, bare) for bare in bares]
    at = bares[0].pixel(head.landmarks[2])
    assert len({tuple(np.round(canvas.colour[at], 2)) for canvas in drawn}) >= 5
    again = [draw(head, bare) for bare in bares]
    assert [c.colour.tobytes() for c in drawn] == [c.colour.tobytes() for c in again]
