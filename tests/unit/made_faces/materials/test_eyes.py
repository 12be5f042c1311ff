import numpy as np
from fake_data.plain_face import EYE_CENTRE, EYE_RADIUS, person

from made_faces.materials.eyes import eye_albedo, socket_colour

WIDE = {"eyeWideLeft": 1.0, "eyeWideRight": 1.0}


def ball(angle: float, count: int = 400) -> np.ndarray:
    """Points of an eyeball at that angle from its axis in degrees, all around."""
    turn = np.linspace(-np.pi, np.pi, count, endpoint=False)
    off, ahead = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    direction = np.stack([off * np.cos(turn), np.full(count, -ahead), off * np.sin(turn)], axis=1)
    return (EYE_CENTRE + EYE_RADIUS * direction).astype(np.float32)


def albedo(angle: float, **features: object) -> np.ndarray:
    return eye_albedo(ball(angle), EYE_CENTRE, person(**features), {})


def test_pupil_iris_and_white() -> None:
    pupil, iris, white = (albedo(angle).mean(axis=0) for angle in (4, 16, 35))
    assert (pupil < 0.02).all()
    assert (white > 0.3).all()
    assert (pupil < iris).all()
    assert (iris < white).all()
    assert albedo(16).dtype == np.float32


def test_the_irises_colour_is_the_persons() -> None:
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
        around = eye_albedo(points, EYE_CENTRE, person(), {})[:, 1]
        steps = np.abs(np.roll(around, 1) - around)
        assert steps[:2].max() <= 3 * np.quantile(steps, 0.9)


def test_white_is_pinker_towards_the_corners() -> None:
    near, far = albedo(32).mean(axis=0), albedo(65).mean(axis=0)
    assert far[0] / far[1] > 1.1 * near[0] / near[1]


def test_pupils_of_widened_eyes_are_larger() -> None:
    rest = eye_albedo(ball(11), EYE_CENTRE, person(), {}).mean()
    assert eye_albedo(ball(11), EYE_CENTRE, person(), WIDE).mean() < 0.5 * rest


def test_flesh_behind_the_lids_is_red() -> None:
    someone = person()
    flesh = socket_colour(someone)
    assert (flesh < someone.skin).all()
    assert flesh[0] / flesh[1] > someone.skin[0] / someone.skin[1]


def test_nothing_to_paint() -> None:
    nothing = np.zeros((0, 3), np.float32)
    assert eye_albedo(nothing, EYE_CENTRE, person(), {}).shape == (0, 3)
