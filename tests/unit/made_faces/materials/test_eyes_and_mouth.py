from __future__ import annotations

import numpy as np
import pytest
from fake_data.plain_face import EYE_CENTRE, EYE_RADIUS, face_points, make_identity

from made_faces.materials.eyes_and_mouth import (
    cavity_albedo,
    eye_albedo,
    lip_albedo,
    lip_bump,
    lip_coverage,
    lower_teeth,
    socket_colour,
    tongue_albedo,
    upper_teeth,
)

WIDE = {"eyeWideLeft": 1.0, "eyeWideRight": 1.0}


def ball(angle: float, count: int = 400) -> np.ndarray:
    """Points of an eyeball at an angle from its axis in degrees, all around."""
    turn = np.linspace(-np.pi, np.pi, count, endpoint=False)
    off, ahead = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    direction = np.stack([off * np.cos(turn), np.full(count, -ahead), off * np.sin(turn)], axis=1)
    return (EYE_CENTRE + EYE_RADIUS * direction).astype(np.float32)


def albedo(angle: float, **features: object) -> np.ndarray:
    return eye_albedo(ball(angle), EYE_CENTRE, make_identity(**features), {})


def test_pupil_iris_and_white() -> None:
    pupil, iris, white = (albedo(angle).mean(axis=0) for angle in (4, 16, 35))
    assert (pupil < 0.02).all()
    assert (white > 0.3).all()
    assert (pupil < iris).all()
    assert (iris < white).all()
    assert albedo(16).dtype == np.float32


def test_the_iris_has_the_identitys_colour() -> None:
    blue = albedo(18, iris=np.array([0.05, 0.10, 0.20], np.float32)).mean(axis=0)
    brown = albedo(18).mean(axis=0)
    assert blue[2] > 1.5 * blue[0]
    assert brown[0] > 1.5 * brown[2]


def test_iris_has_fibres_and_a_dark_ring() -> None:
    middle, ring = albedo(17), albedo(22.5)
    assert middle[:, 0].std() > 0.15 * middle[:, 0].mean()
    assert ring.mean() < 0.7 * middle.mean()


def test_no_seam_where_the_turn_ends() -> None:
    for angle in (17, 45):
        points = ball(angle, count=20_000)
        around = eye_albedo(points, EYE_CENTRE, make_identity(), {})[:, 1]
        steps = np.abs(np.roll(around, 1) - around)
        assert steps[:2].max() <= 3 * np.quantile(steps, 0.9)


def test_white_is_pinker_towards_the_corners() -> None:
    near, far = albedo(32).mean(axis=0), albedo(65).mean(axis=0)
    assert far[0] / far[1] > 1.1 * near[0] / near[1]


def test_pupils_of_widened_eyes_are_larger() -> None:
    rest = eye_albedo(ball(11), EYE_CENTRE, make_identity(), {}).mean()
    assert eye_albedo(ball(11), EYE_CENTRE, make_identity(), WIDE).mean() < 0.5 * rest


def test_flesh_behind_the_lids_is_red() -> None:
    someone = make_identity()
    flesh = socket_colour(someone)
    assert (flesh < someone.skin).all()
    assert flesh[0] / flesh[1] > someone.skin[0] / someone.skin[1]


def test_nothing_to_paint() -> None:
    nothing = np.zeros((0, 3), np.float32)
    assert eye_albedo(nothing, EYE_CENTRE, make_identity(), {}).shape == (0, 3)


FACE = face_points()
TEETH = {"upper": (upper_teeth, 0.6598, 1), "lower": (lower_teeth, 0.6593, -1)}


def row_of_teeth(edge: float, above: float) -> np.ndarray:
    """Points along the front of a row from left to right, `above` metres from its edge."""
    x = np.linspace(-0.0185, 0.0185, 741)
    y = (-0.150 if above > 0 else -0.1455) + 22 * np.square(x)
    return np.stack([x, y, np.full_like(x, edge + above)], axis=1).astype(np.float32)


def dips(values: np.ndarray) -> int:
    """Number of separate dark gaps."""
    dark = values < 0.8 * np.median(values)
    return int((np.diff(dark.astype(int)) == 1).sum())


class TestLips:
    def test_border_is_soft(self) -> None:
        part = lip_coverage(FACE)
        assert part.dtype == np.float32
        assert part[FACE.lips == 1].min() > 0.99
        assert part[FACE.lips == 0].max() < 0.05
        assert ((part > 0.2) & (part < 0.8)).any()

    @pytest.mark.parametrize("tint", [0.0, 0.5, 1.0])
    def test_redder_than_the_skin(self, tint: float) -> None:
        someone = make_identity(lip_tint=tint)
        colour = lip_albedo(FACE, someone)[FACE.lips == 1].mean(axis=0)
        assert colour[0] / colour[1] > 1.2 * someone.skin[0] / someone.skin[1]
        assert (colour < someone.skin).all()

    def test_darker_where_they_meet(self) -> None:
        colours = lip_albedo(FACE, make_identity()).mean(axis=1)
        inside = np.abs(FACE.z - 0.660) < 0.001
        middle = (np.abs(FACE.z - 0.668) < 0.001) & (FACE.lips == 1)
        assert colours[inside].mean() < 0.9 * colours[middle].mean()

    def test_creases_run_up_and_down(self) -> None:
        bump = lip_bump(face_points(pixel=0.0002)).reshape(-1, 321)
        rows = slice(390, 410)
        across = np.abs(np.diff(bump[rows, 130:190], axis=1)).mean()
        along = np.abs(np.diff(bump[rows, 130:190], axis=0)).mean()
        assert across > 3 * along
        assert np.abs(bump).max() < 5e-4


@pytest.mark.parametrize("row", TEETH)
class TestTeeth:
    def test_ivory_below_gums(self, row: str) -> None:
        paint, edge, upwards = TEETH[row]
        tooth, bump = paint(row_of_teeth(edge, upwards * 0.005))
        gum, _ = paint(row_of_teeth(edge, upwards * 0.017))
        tooth, gum = np.median(tooth, axis=0), np.median(gum, axis=0)
        assert (tooth > 0.5).all()
        assert tooth[0] > tooth[1] > tooth[2]
        assert gum[0] > 2 * gum[1]
        assert np.abs(bump).max() < 1e-3

    def test_separate(self, row: str) -> None:
        paint, edge, upwards = TEETH[row]
        values = paint(row_of_teeth(edge, upwards * 0.002))[0].mean(axis=1)
        # One between the two middle teeth, and on both sides those beyond the visible incisors.
        assert dips(values) == (5 if row == "upper" else 7)

    def test_one_gap_in_the_middle(self, row: str) -> None:
        paint, edge, upwards = TEETH[row]
        for above in (0.001, 0.004):
            values = paint(row_of_teeth(edge, upwards * above))[0].mean(axis=1)
            assert values[370] < 0.75 * np.median(values)

    def test_both_sides_alike(self, row: str) -> None:
        paint, edge, upwards = TEETH[row]
        values = paint(row_of_teeth(edge, upwards * 0.003))[0]
        assert values == pytest.approx(values[::-1], abs=1e-3)

    def test_none_in_view(self, row: str) -> None:
        albedo, bump = TEETH[row][0](np.zeros((0, 3), np.float32))
        assert albedo.shape == (0, 3)
        assert bump.shape == (0,)


def test_upper_incisors_are_wider_than_lower() -> None:
    assert dips(upper_teeth(row_of_teeth(0.6598, 0.002))[0].mean(axis=1)) < dips(
        lower_teeth(row_of_teeth(0.6593, -0.002))[0].mean(axis=1)
    )


def test_tongue_and_cavity_are_red_and_the_cavity_darker() -> None:
    points = row_of_teeth(0.655, 0.0)
    tongue, cavity = tongue_albedo(points).mean(axis=0), cavity_albedo(points).mean(axis=0)
    for colour in (tongue, cavity):
        assert colour[0] > 2 * colour[1]
    assert (cavity < 0.6 * tongue).all()
    assert tongue_albedo(points)[370].mean() < 0.9 * tongue.mean()
