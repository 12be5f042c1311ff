from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_data.bare_head import BareHead, assert_sound, bare_head, change
from fake_data.plain_face import make_identity

from made_faces.accessories.glasses import draw_glasses
from made_faces.accessories.hand import draw_hand
from made_faces.accessories.hat import draw_hat
from made_faces.accessories.mask import draw_mask
from made_faces.face_model.head import Head
from made_faces.surface import Canvas

Draw = Callable[[Canvas, Head, BareHead], None]
THINGS: dict[str, tuple[Draw, dict[str, Any]]] = {
    "glasses": (
        lambda canvas, head, bare: draw_glasses(canvas, head, bare.scene, bare.points, bare.camera),
        {"glasses": "dark"},
    ),
    "hand": (
        lambda canvas, head, bare: draw_hand(
            canvas, head, make_identity(), bare.scene, bare.points, bare.camera
        ),
        {"hand": True},
    ),
    "hat": (
        lambda canvas, head, bare: draw_hat(canvas, head, bare.scene, bare.points, bare.camera),
        {"hat": True},
    ),
    "mask": (
        lambda canvas, head, bare: draw_mask(canvas, head, bare.scene, bare.points, bare.camera),
        {"mask": True},
    ),
}


@pytest.mark.parametrize("thing", THINGS)
class TestEach:
    def test_drawn_where_asked_for(self, head: Head, thing: str) -> None:
        draw, asked = THINGS[thing]
        bare = bare_head(head, **asked)
        canvas = bare.copy()
        draw(canvas, head, bare)
        assert_sound(canvas)
        assert (change(bare.canvas, canvas) > 0.02).sum() > 60

    def test_not_asked_for_draws_nothing(self, head: Head, thing: str) -> None:
        draw, _ = THINGS[thing]
        bare = bare_head(head)
        canvas = bare.copy()
        draw(canvas, head, bare)
        assert change(bare.canvas, canvas).max() == 0

    @pytest.mark.parametrize("seed", range(3))
    def test_hidden_behind_what_is_nearer(self, head: Head, thing: str, seed: int) -> None:
        draw, asked = THINGS[thing]
        bare = bare_head(head, accessory_seed=seed, **asked)
        wall = bare.covered()
        draw(wall, head, bare)
        assert change(bare.canvas, wall).max() == 0

    def test_the_same_twice(self, head: Head, thing: str) -> None:
        draw, asked = THINGS[thing]
        bare = bare_head(head, accessory_seed=3, yaw=20.0, **asked)
        one, two = bare.copy(), bare.copy()
        draw(one, head, bare)
        draw(two, head, bare)
        assert one.colour.tobytes() == two.colour.tobytes()
        assert one.inverse_depth.tobytes() == two.inverse_depth.tobytes()
