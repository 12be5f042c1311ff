import numpy as np
import pytest
from fake_data.bare_head import GRAY, BareHead, assert_sound, bare_head, change
from fake_data.plain_face import person

from made_faces.face_model.head import Head
from made_faces.face_model.identity import Identity
from made_faces.hair.hairdo import draw_hair
from made_faces.surface import Canvas
from made_faces.worn.hat import Headgear

HANGING = np.array([0.6, 0.1, 0.4, 0.9, 0.2, 0.3, 0.5, 0.9], np.float32)
PEOPLE = {
    "short": person(),
    "cap": person(hair_style="cap", ancestry=(0.0, 1.0, 0.0)),
    "long": person(hair_style="long", female=1.0, texture_offsets=HANGING),
    "buzz": person(hair_style="buzz"),
    "afro": person(hair_style="cap", ancestry=(1.0, 0.0, 0.0), volume=1.3),
    "old": person(age=1.0),
}


def draw(
    head: Head, bare: BareHead, who: Identity, headgear: Headgear = "none", wall: bool = False
) -> Canvas:
    canvas = bare.behind_a_wall() if wall else bare.copy()
    draw_hair(canvas, head, who, bare.points, bare.camera, bare.scene.lighting, headgear)
    return canvas


@pytest.mark.parametrize("yaw", [0.0, -55.0])
@pytest.mark.parametrize("who", PEOPLE)
def test_covers_the_scalp_and_not_the_face(head: Head, who: str, yaw: float) -> None:
    bare = bare_head(head, yaw=yaw)
    canvas = draw(head, bare, PEOPLE[who])
    assert_sound(canvas)
    changed = change(bare.canvas, canvas)
    crown = head.scalp.ravel()[np.argmax(bare.points[head.scalp.ravel(), 2])]
    row, column = bare.pixel(crown)
    assert changed[row + 3 : row + 7, column - 3 : column + 3].min() > 0.05
    for landmark in head.landmarks[2:]:
        assert changed[bare.pixel(landmark)] < 0.02
    if yaw == 0:
        for landmark in head.landmarks[:2]:
            assert changed[bare.pixel(landmark)] < 0.02


def test_the_outline_is_soft(head: Head) -> None:
    canvas = draw(head, bare_head(head), PEOPLE["short"])
    partly = (canvas.alpha > 0.05) & (canvas.alpha < 0.95)
    assert partly.sum() > 150


def test_bald_draws_nothing(head: Head) -> None:
    bare = bare_head(head)
    canvas = draw(head, bare, person(hair_style="bald"))
    assert change(bare.canvas, canvas).max() == 0


def test_hidden_behind_what_is_nearer(head: Head) -> None:
    bare = bare_head(head)
    wall = draw(head, bare, PEOPLE["long"], wall=True)
    assert change(bare.canvas, wall).max() == 0


def test_long_hair_reaches_past_the_chin(head: Head) -> None:
    bare = bare_head(head)
    chin, _ = bare.pixel(head.landmarks68[8])
    below = {
        who: float((change(bare.canvas, draw(head, bare, PEOPLE[who])) > 0.05)[chin:].sum())
        for who in ("short", "long")
    }
    assert below["long"] > 300
    assert below["short"] < 10


def test_an_afro_stands_out(head: Head) -> None:
    bare = bare_head(head)
    drawn = {who: float(draw(head, bare, PEOPLE[who]).alpha.sum()) for who in ("buzz", "afro")}
    assert drawn["afro"] > 1.05 * drawn["buzz"]


def test_casts_darkness_on_the_forehead(head: Head) -> None:
    canvas = draw(head, bare_head(head), PEOPLE["buzz"])
    # Hair is brown; gray skin that is merely darkened stays gray.
    gray = np.ptp(canvas.colour, axis=2) < 1e-5
    shaded = gray & (canvas.colour[:, :, 0] > 0.15) & (canvas.colour[:, :, 0] < 0.97 * GRAY)
    assert shaded.sum() > 100


def test_a_scarf_hides_all_and_a_hat_flattens(head: Head) -> None:
    bare = bare_head(head)
    assert change(bare.canvas, draw(head, bare, PEOPLE["afro"], "scarf")).max() == 0
    free, pressed = (draw(head, bare, PEOPLE["afro"], worn) for worn in ("none", "beanie"))
    assert pressed.alpha.sum() < 0.98 * free.alpha.sum()


def test_the_same_twice(head: Head) -> None:
    bare = bare_head(head, yaw=20.0)
    one, two = (draw(head, bare, PEOPLE["long"]) for _ in range(2))
    assert one.colour.tobytes() == two.colour.tobytes()
    assert one.nearness.tobytes() == two.nearness.tobytes()
