import numpy as np
import pytest
from fake_data.plain_face import cut_of

from made_faces.hair.hairline import above_hairline, hair_density, hair_thickness
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


def places(*points: tuple[float, float, float]) -> Floats:
    return np.array(points, np.float32)


@pytest.mark.parametrize("style", ["short", "long", "buzz"])
def test_grows_where_it_should(style: str) -> None:
    cut = cut_of(hair_style=style)
    assert hair_density(places(*HAIRY.values()), cut).min() > 0.95
    assert hair_density(places(*BARE.values()), cut).max() == 0


def test_thins_out_towards_the_hairline() -> None:
    cut = cut_of()
    heights = np.linspace(0.77, 0.83, 200)
    line = places(*((0.0, -0.14, height) for height in heights))
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
        rows.append(hair_density(places(*((x, -0.14, height) for x in across)), cut) > 0.5)
    edge = np.argmax(np.array(rows), axis=0)
    assert np.ptp(edge) * 0.0005 > 0.001


def test_an_old_crown_is_bare() -> None:
    seeds = [np.random.default_rng(seed).random(8).astype(np.float32) for seed in range(30)]
    cuts = [cut_of(age=1.0, texture_offsets=seed) for seed in seeds]
    losing = max(cuts, key=lambda cut: cut.crown_loss)
    assert losing.crown_loss > 0.7
    assert hair_density(places((0, 0.01, 0.835)), losing)[0] < 0.1
    assert hair_density(places((0, 0.03, 0.69)), losing)[0] > 0.9


def test_layer_is_thick_on_top_and_thin_at_the_edge() -> None:
    cut = cut_of()
    top, side, edge = hair_thickness(places(HAIRY["top"], HAIRY["side"], (0, -0.15, 0.797)), cut)
    assert top > side > 0
    assert top > 2 * edge > 0
    assert top < 2 * cut.thickness
