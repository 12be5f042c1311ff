import numpy as np

from made_faces.renderer.occlusion import contact_light, openness

SCALE = 1000.0
"""Pixels a metre."""
DISTANCE = 1.0


def seen(depth: np.ndarray) -> np.ndarray:
    return openness((1 / depth).astype(np.float32), DISTANCE, SCALE)


def plane(slope: float = 0.0) -> np.ndarray:
    return DISTANCE + slope * (np.arange(120) - 60)[None] / SCALE + np.zeros((100, 1))


def test_a_plane_is_open_however_it_leans() -> None:
    for slope in (0.0, 1.0, -2.0):
        # Away from the picture's margins, which lean on copies of themselves.
        assert seen(plane(slope))[:, 50:70].min() > 0.93


def test_a_hollow_is_darker_the_deeper_it_is() -> None:
    light = []
    for depth in (0.002, 0.005, 0.01):
        pit = plane()
        pit[44:56, 54:66] += depth
        found = seen(pit)
        light.append(found[50, 60])
        assert found[50, 60] < found[10, 10]
    assert light[0] > light[1] > light[2] > 0
    assert light[2] < 0.8


def test_a_bump_is_open() -> None:
    bump = plane()
    bump[44:56, 54:66] -= 0.01
    assert seen(bump)[50, 60] == 1


def test_empty_background_does_not_darken_an_outline() -> None:
    depth = plane()
    nearness = (1 / depth).astype(np.float32)
    nearness[:, 60:] = 0
    assert openness(nearness, DISTANCE, SCALE)[:, :60].min() == 1


def test_empty_background_does_not_brighten_a_hollow_beside_it() -> None:
    pit = plane()
    pit[44:56, 46:58] += 0.01
    nearness = (1 / pit).astype(np.float32)
    nearness[:, 60:] = 0
    found = openness(nearness, DISTANCE, SCALE)
    assert found[50, 50] < 0.95


def test_what_hovers_darkens_what_is_beside_it_and_not_itself() -> None:
    wall = (1 / plane()).astype(np.float32)
    light = []
    for lift in (0.004, 0.012):
        covered = wall.copy()
        covered[:, 60:] = 1 / (DISTANCE - lift)
        left = contact_light(wall, covered, DISTANCE, SCALE)
        assert (left[:, 60:] == 1).all()
        assert left[50, 58] < left[50, 30] <= 1
        light.append(left[50, 58])
    assert light[1] < light[0]
    assert light[1] < 0.9


def test_nothing_new_leaves_all_light() -> None:
    pit = plane()
    pit[44:56, 54:66] += 0.01
    nearness = (1 / pit).astype(np.float32)
    assert (contact_light(nearness, nearness, DISTANCE, SCALE) == 1).all()
