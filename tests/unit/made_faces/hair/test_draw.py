from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_data.bare_head import GRAY, BareHead, assert_sound, bare_head, change
from fake_data.plain_face import cut_of, make_identity

from made_faces.accessories.hat import Headgear
from made_faces.face_model.head import Head
from made_faces.face_model.identity import Identity
from made_faces.hair.draw import draw_hair, draw_lashes, shade_bands, shade_shell
from made_faces.hair.guides import above_hairline, grow_guides, hair_density
from made_faces.hair.haircut import Haircut
from made_faces.renderer.head_fit import fit_head, head_disc
from made_faces.renderer.overlays import Strokes, VisiblePoints
from made_faces.surface import Canvas, Floats

HANGING = np.array([0.6, 0.1, 0.4, 0.9, 0.2, 0.3, 0.5, 0.9], np.float32)
IDENTITIES = {
    "short": make_identity(),
    "cap": make_identity(hair_style="cap", ancestry=(0.0, 1.0, 0.0)),
    "long": make_identity(hair_style="long", female=1.0, texture_offsets=HANGING),
    "buzz": make_identity(hair_style="buzz"),
    "afro": make_identity(hair_style="cap", ancestry=(1.0, 0.0, 0.0), volume=1.3),
    "old": make_identity(age=1.0),
}


def draw(
    head: Head, bare: BareHead, who: Identity, headgear: Headgear = "none", wall: bool = False
) -> Canvas:
    canvas = bare.covered() if wall else bare.copy()
    draw_hair(canvas, head, who, bare.points, bare.camera, bare.scene.lighting, headgear)
    return canvas


@pytest.mark.parametrize("yaw", [0.0, -55.0])
@pytest.mark.parametrize("who", IDENTITIES)
def test_covers_the_scalp_and_not_the_face(head: Head, who: str, yaw: float) -> None:
    bare = bare_head(head, yaw=yaw)
    canvas = draw(head, bare, IDENTITIES[who])
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
    canvas = draw(head, bare_head(head), IDENTITIES["short"])
    partly = (canvas.alpha > 0.05) & (canvas.alpha < 0.95)
    assert partly.sum() > 150


def test_bald_draws_nothing(head: Head) -> None:
    bare = bare_head(head)
    canvas = draw(head, bare, make_identity(hair_style="bald"))
    assert change(bare.canvas, canvas).max() == 0


def test_hidden_behind_what_is_nearer(head: Head) -> None:
    bare = bare_head(head)
    wall = draw(head, bare, IDENTITIES["long"], wall=True)
    assert change(bare.canvas, wall).max() == 0


def test_long_hair_reaches_past_the_chin(head: Head) -> None:
    bare = bare_head(head)
    chin, _ = bare.pixel(head.landmarks68[8])
    below = {
        who: float((change(bare.canvas, draw(head, bare, IDENTITIES[who])) > 0.05)[chin:].sum())
        for who in ("short", "long")
    }
    assert below["long"] > 300
    assert below["short"] < 10


def test_tightly_curled_hair_stands_off(head: Head) -> None:
    bare = bare_head(head)
    drawn = {who: float(draw(head, bare, IDENTITIES[who]).alpha.sum()) for who in ("buzz", "afro")}
    assert drawn["afro"] > 1.05 * drawn["buzz"]


def test_casts_darkness_on_the_forehead(head: Head) -> None:
    canvas = draw(head, bare_head(head), IDENTITIES["buzz"])
    # Hair is brown; gray skin that is merely darkened stays gray.
    gray = np.ptp(canvas.colour, axis=2) < 1e-5
    shaded = gray & (canvas.colour[:, :, 0] > 0.15) & (canvas.colour[:, :, 0] < 0.97 * GRAY)
    assert shaded.sum() > 100


def test_a_scarf_hides_all_and_a_hat_flattens(head: Head) -> None:
    bare = bare_head(head)
    assert change(bare.canvas, draw(head, bare, IDENTITIES["afro"], "scarf")).max() == 0
    free, pressed = (draw(head, bare, IDENTITIES["afro"], worn) for worn in ("none", "beanie"))
    assert pressed.alpha.sum() < 0.98 * free.alpha.sum()


def test_the_same_twice(head: Head) -> None:
    bare = bare_head(head, yaw=20.0)
    one, two = (draw(head, bare, IDENTITIES["long"]) for _ in range(2))
    assert one.colour.tobytes() == two.colour.tobytes()
    assert one.inverse_depth.tobytes() == two.inverse_depth.tobytes()


def shell(head: Head, cut: Haircut, yaw: float = 0.0) -> tuple[VisiblePoints, Floats, Floats]:
    bare = bare_head(head, yaw=yaw)
    fit = fit_head(head, bare.points)
    light = bare.scene.lighting
    return shade_shell(bare.canvas, fit, make_identity(), cut, bare.camera, light)


@pytest.mark.parametrize("yaw", [0.0, 60.0])
def test_covers_where_hair_grows_and_thins_out_before_it(head: Head, yaw: float) -> None:
    cut = cut_of()
    seen, colour, alpha = shell(head, cut, yaw)
    assert len(alpha) > 1000
    assert np.isfinite(colour).all()
    assert colour.min() >= 0
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    assert alpha[hair_density(seen.values, cut) == 0].max(initial=0) == 0
    deep = seen.values[:, 2] > cut.hairline + 0.03
    facing = seen.normal[:, 1] < -0.5
    assert alpha[deep & facing].min() > 0.95


def test_its_edge_is_no_step(head: Head) -> None:
    cut = cut_of()
    seen, _, alpha = shell(head, cut)
    assert ((alpha > 0.1) & (alpha < 0.9)).sum() > 150
    above = above_hairline(seen.values, cut)
    front = (np.abs(seen.values[:, 0]) < 0.03) & (seen.values[:, 1] < -0.1)
    # Only strands form the hairline; the shell becomes dense behind it.
    assert alpha[front & (above > 0.006) & (above < 0.010)].max() < 0.9
    assert alpha[front & (above > 0.030)].min() > 0.95


def test_thick_hair_stands_off(head: Head) -> None:
    thin = replace(cut_of(), thickness=0.004, side_thickness=0.004)
    thick = replace(thin, thickness=0.05, side_thickness=0.05)
    rows = [shell(head, cut)[0].rows.min() for cut in (thin, thick)]
    assert rows[1] < rows[0] - 8


DOWN = np.array([0, 0, -1], np.float32)


def curtain(head: Head, bare: BareHead, canvas: Canvas) -> Strokes:
    cut = replace(
        cut_of(hair_style="long"),
        combing="parted",
        hangs=True,
        length=0.35,
        side_length=0.3,
        fringe=0.0,
    )
    guides = grow_guides(head_disc(head), cut, DOWN, cut.points)
    fit = fit_head(head, bare.points)
    return shade_bands(canvas, guides, fit, make_identity(), bare.camera, bare.scene.lighting)


def test_hangs_on_both_sides_of_the_face(head: Head) -> None:
    bare = bare_head(head)
    found = curtain(head, bare, bare.canvas)
    assert len(found.pixels) == len(found.alpha) == len(found.colour) == len(found.inverse_depth)
    assert np.isfinite(found.colour).all()
    assert found.alpha.max() <= 1
    assert (found.inverse_depth > bare.canvas.inverse_depth.reshape(-1)[found.pixels]).all()
    covered = np.zeros(bare.canvas.alpha.size, bool)
    covered[found.pixels] = True
    covered = covered.reshape(bare.canvas.alpha.shape)
    mouth, middle = bare.pixel(head.landmarks68[62])
    level = np.flatnonzero(covered[mouth])
    assert level.min() < middle - 12
    assert level.max() > middle + 12
    for landmark in head.landmarks:
        assert not covered[bare.pixel(landmark)]


def test_bands_are_hidden_behind_what_is_nearer(head: Head) -> None:
    bare = bare_head(head)
    assert len(curtain(head, bare, bare.covered()).pixels) == 0


def test_dark_strokes_over_the_eyes_only(head: Head) -> None:
    bare = bare_head(head, width=224, height=224)
    canvas = bare.copy()
    draw_lashes(canvas, head, make_identity(lashes=1.0), bare.points, bare.camera)
    assert_sound(canvas)
    rows, columns = np.nonzero(change(bare.canvas, canvas))
    assert len(rows) > 30
    assert canvas.colour.max() <= GRAY * 1.001
    lashes = bare.camera.project(bare.points[np.unique(head.lashes)])[:, :2]
    low, high = lashes.min(axis=0) - 1, lashes.max(axis=0) + 1
    assert (columns >= low[0]).all()
    assert (columns <= high[0]).all()
    assert (rows >= low[1]).all()
    assert (rows <= high[1]).all()


def test_softer_than_a_pixel(head: Head) -> None:
    bare = bare_head(head)
    canvas = bare.copy()
    draw_lashes(canvas, head, make_identity(lashes=1.0), bare.points, bare.camera)
    touched = change(bare.canvas, canvas)
    assert len(np.unique(np.round(touched[touched > 0], 3))) >= 3


def test_darker_lashes_darken_more(head: Head) -> None:
    bare = bare_head(head)
    sums = []
    for darkness in (0.0, 0.3, 1.0):
        canvas = bare.copy()
        draw_lashes(canvas, head, make_identity(lashes=darkness), bare.points, bare.camera)
        sums.append(change(bare.canvas, canvas).sum())
    assert sums[0] == 0
    assert sums[2] > 2 * sums[1] > 0


def test_lashes_are_hidden_behind_what_is_nearer(head: Head) -> None:
    bare = bare_head(head)
    wall = bare.covered()
    draw_lashes(wall, head, make_identity(lashes=1.0), bare.points, bare.camera)
    assert change(bare.canvas, wall).max() == 0
