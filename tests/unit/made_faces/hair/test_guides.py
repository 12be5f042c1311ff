from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_data.plain_face import cut_of

from made_faces.face_model.head import Head
from made_faces.hair.guides import Guides, above_hairline, grow_guides, hair_density, hair_thickness
from made_faces.hair.haircut import Haircut
from made_faces.renderer.head_fit import SKULL, head_disc, look_up_disc
from made_faces.surface import Floats

HAIRY = {"top": (0, -0.05, 0.85), "back": (0, 0.04, 0.74), "side": (0.075, -0.04, 0.78)}
BARE = {
    "forehead": (0, -0.15, 0.775),
    "cheek": (0.055, -0.11, 0.70),
    "chin": (0, -0.15, 0.63),
    "throat": (0, -0.045, 0.645),
    "ear": (0.085, -0.03, 0.72),
    "neck": (0, 0.01, 0.61),
}


def positions(*points: tuple[float, float, float]) -> Floats:
    return np.array(points, np.float32)


@pytest.mark.parametrize("style", ["short", "long", "buzz"])
def test_grows_where_it_should(style: str) -> None:
    cut = cut_of(hair_style=style)
    assert hair_density(positions(*HAIRY.values()), cut).min() > 0.95
    assert hair_density(positions(*BARE.values()), cut).max() == 0


def test_thins_out_towards_the_hairline() -> None:
    cut = cut_of()
    heights = np.linspace(0.77, 0.83, 200)
    line = positions(*((0.0, -0.14, height) for height in heights))
    density = hair_density(line, cut)
    soft = (density > 0.02) & (density < 0.98)
    # A soft edge of several millimetres, not a step.
    assert 0.006 < np.ptp(heights[soft]) < 0.02
    assert np.all(np.diff(above_hairline(line, cut)) > 0)


def test_hairline_wanders() -> None:
    cut = cut_of()
    across = np.linspace(-0.03, 0.03, 60)
    rows = []
    for height in np.arange(0.78, 0.82, 0.0005):
        rows.append(hair_density(positions(*((x, -0.14, height) for x in across)), cut) > 0.5)
    edge = np.argmax(np.array(rows), axis=0)
    assert np.ptp(edge) * 0.0005 > 0.001


def test_an_old_crown_is_bare() -> None:
    seeds = [np.random.default_rng(seed).random(8).astype(np.float32) for seed in range(30)]
    cuts = [cut_of(age=1.0, texture_offsets=seed) for seed in seeds]
    losing = max(cuts, key=lambda cut: cut.crown_loss)
    assert losing.crown_loss > 0.7
    assert hair_density(positions((0, 0.01, 0.835)), losing)[0] < 0.1
    assert hair_density(positions((0, 0.03, 0.69)), losing)[0] > 0.9


def test_layer_is_thick_on_top_and_thin_at_the_edge() -> None:
    cut = cut_of()
    top, side, edge = hair_thickness(positions(HAIRY["top"], HAIRY["side"], (0, -0.15, 0.797)), cut)
    assert top > side > 0
    assert top > 2 * edge > 0
    assert top < 2 * cut.thickness


DOWN = np.array([0, 0, -1], np.float32)
STYLES = ["short", "cap", "long", "buzz"]


def grow(head: Head, cut: Haircut) -> Guides:
    return grow_guides(head_disc(head), cut, DOWN, cut.points)


def kept(guides: Guides) -> Floats:
    """[N, 3] the points before the end of each guide."""
    part = np.linspace(0, 1, guides.points.shape[1])
    return guides.points[part[None] <= guides.ends[:, None]]


@pytest.mark.parametrize("style", STYLES)
def test_roots_lie_on_hairy_skin(head: Head, style: str) -> None:
    cut = cut_of(hair_style=style)
    guides = grow(head, cut)
    assert 300 < len(guides.points) < 1200
    roots = guides.points[:, 0]
    off = np.linalg.norm(roots - SKULL, axis=1) - look_up_disc(
        head_disc(head).radius, roots - SKULL
    )
    assert np.abs(off).max() < 0.001
    assert hair_density(roots, cut).min() > 0.05


@pytest.mark.parametrize("style", STYLES)
def test_hair_stays_out_of_the_head_and_off_the_face(head: Head, style: str) -> None:
    cut = replace(cut_of(hair_style=style), wave=0.0)
    points = kept(grow(head, cut))
    outside = np.linalg.norm(points - SKULL, axis=1)
    outside -= look_up_disc(head_disc(head).radius, points - SKULL)
    assert outside.min() > -0.001
    middle = (np.abs(points[:, 0]) < 0.04) & (points[:, 1] < -0.09)
    assert points[middle, 2].min(initial=1.0) > cut.fringe_end - 0.03


def test_long_hair_falls_and_short_does_not(head: Head) -> None:
    long = replace(
        cut_of(hair_style="long"), combing="parted", hangs=True, length=0.4, side_length=0.35
    )
    assert np.quantile(kept(grow(head, long))[:, 2], 0.05) < 0.55
    assert kept(grow(head, cut_of(hair_style="short")))[:, 2].min() > 0.62


def test_falls_to_where_down_is(head: Head) -> None:
    cut = replace(
        cut_of(hair_style="long"), combing="parted", hangs=True, length=0.4, side_length=0.4
    )
    aside = np.array([0.3, 0, -0.95], np.float32)
    straight = kept(grow(head, cut))
    slanted = kept(grow_guides(head_disc(head), cut, aside, cut.points))
    low_straight, low_slanted = (part[part[:, 2] < 0.6, 0].mean() for part in (straight, slanted))
    assert low_slanted > low_straight + 0.02


def test_tied_hair_meets_behind(head: Head) -> None:
    tied = replace(
        cut_of(hair_style="long"), combing="tied", hangs=False, length=0.3, side_length=0.3
    )
    tips = grow(head, tied).points[:, -1]
    assert np.median(tips[:, 1]) > 0.03
    assert np.median(np.abs(tips[:, 0])) < 0.02


def test_a_fringe_covers_the_forehead(head: Head) -> None:
    def low_in_front(fringe: float) -> int:
        cut = replace(cut_of(hair_style="short"), combing="parted", fringe=fringe, fringe_end=0.765)
        points = kept(grow(head, cut))
        on_forehead = (points[:, 2] < 0.785) & (np.abs(points[:, 0]) < 0.03)
        return int((on_forehead & (points[:, 1] < -0.13)).sum())

    assert low_in_front(1.0) > 20
    assert low_in_front(0.0) < 0.2 * low_in_front(1.0)


def test_the_same_twice(head: Head) -> None:
    cut = cut_of(hair_style="cap")
    assert grow(head, cut).points.tobytes() == grow(head, cut).points.tobytes()
