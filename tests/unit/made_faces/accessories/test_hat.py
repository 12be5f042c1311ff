from __future__ import annotations

import numpy as np
import pytest
from fake_data.bare_head import BareHead, assert_sound, bare_head, change

from made_faces.accessories.hat import draw_hat, headgear_of
from made_faces.face_model.head import Head
from made_faces.surface import Canvas

SEEDS = range(12)


def draw(head: Head, bare: BareHead) -> Canvas:
    canvas = bare.copy()
    draw_hat(canvas, head, bare.scene, bare.points, bare.camera)
    return canvas


@pytest.mark.parametrize("yaw", [0.0, 50.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_sits_above_the_brows(head: Head, seed: int, yaw: float) -> None:
    bare = bare_head(head, hat=True, accessory_seed=seed, yaw=yaw)
    canvas = draw(head, bare)
    assert_sound(canvas)
    scalp = np.unique(head.scalp)
    crown = scalp[np.argmax(bare.points[scalp, 2])]
    row, column = bare.pixel(crown)
    assert (canvas.inverse_depth > bare.canvas.inverse_depth)[row + 2 : row + 8, column].all()
    uncovered = canvas.inverse_depth == bare.canvas.inverse_depth
    inner = head.landmarks68[[19, 20, 21, 22, 23, 24, 30, 48, 54, 57]]
    for landmark in (*head.landmarks, *inner) if yaw == 0 else head.landmarks[2:3]:
        assert uncovered[bare.pixel(landmark)]


def test_every_kind_occurs(head: Head) -> None:
    kinds = {
        headgear_of(bare_head(head, hat=True, accessory_seed=seed).scene) for seed in range(30)
    }
    assert kinds == {"beanie", "cap", "scarf"}
    assert headgear_of(bare_head(head).scene) == "none"


def test_a_cap_has_a_brim(head: Head) -> None:
    def reach(kind: str) -> float:
        """Return the column up to which headgear extends in front of the forehead in profile."""
        for seed in range(30):
            bare = bare_head(head, hat=True, accessory_seed=seed, yaw=80.0)
            if headgear_of(bare.scene) == kind:
                changed = change(bare.canvas, draw(head, bare)) > 0.02
                return float(np.nonzero(changed.any(axis=0))[0].max())
        raise AssertionError(kind)

    assert reach("cap") > reach("beanie") + 10


def test_a_scarf_covers_ears_and_neck(head: Head) -> None:
    for seed in range(30):
        bare = bare_head(head, hat=True, accessory_seed=seed)
        if headgear_of(bare.scene) == "scarf":
            break
    canvas = draw(head, bare)
    for landmark in head.landmarks68[[0, 16]]:
        row, column = bare.pixel(landmark)
        around = (canvas.inverse_depth > bare.canvas.inverse_depth)[
            row - 3 : row + 3, column - 5 : column + 6
        ]
        assert around.any()
    row, column = bare.pixel(head.landmarks68[8])
    assert (canvas.inverse_depth > bare.canvas.inverse_depth)[row : row + 12, column].any()
