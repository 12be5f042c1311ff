from __future__ import annotations

import numpy as np
import pytest
from fake_data.plain_face import face_points, make_identity

from made_faces.face_model.identity import Identity
from made_faces.materials.skin import skin_albedo, skin_bump, skin_gloss

FACE = face_points()
ALL = np.arange(len(FACE.x))


def albedo(identity: Identity) -> np.ndarray:
    return skin_albedo(FACE, FACE, ALL, identity)


def near(across: float, height: float, radius: float = 0.004) -> np.ndarray:
    return np.hypot(FACE.across - across, FACE.z - height) < radius


def redness(colours: np.ndarray, where: np.ndarray) -> float:
    return float((colours[where, 0] / colours[where, 1]).mean())


FOREHEAD = near(0.02, 0.785, 0.008)


def test_close_to_the_identitys_colour() -> None:
    someone = make_identity(female=1.0)
    colours = albedo(someone)
    assert colours.dtype == np.float32
    assert 0 < colours.min() <= colours.max() < 1
    assert colours.mean(axis=0) == pytest.approx(someone.skin, rel=0.2)


@pytest.mark.parametrize(("across", "height"), [(0.042, 0.692), (0.0, 0.690), (0.0165, 0.7245)])
def test_cheeks_nose_and_inner_corners_are_redder(across: float, height: float) -> None:
    colours = albedo(make_identity())
    assert redness(colours, near(across, height)) > 1.06 * redness(colours, FOREHEAD)


def test_ears_are_redder() -> None:
    someone = make_identity()
    ears = face_points()
    ears.ears[:] = 1
    plain = skin_albedo(FACE, FACE, ALL, someone)
    assert redness(skin_albedo(ears, FACE, ALL, someone), ALL) > 1.1 * redness(plain, ALL)


def test_dark_below_the_eyes_the_more_with_age() -> None:
    below, beside = near(0.029, 0.7137, 0.002), near(0.03, 0.697, 0.003)
    young, old = (albedo(make_identity(age=age)) for age in (0.4, 1.0))
    assert young[below].mean() < 0.95 * young[beside].mean()
    assert old[below].mean() < 0.95 * young[below].mean()


def test_uneven_as_the_identity_is() -> None:
    smooth, blotched = (albedo(make_identity(blotches=much))[FOREHEAD, 1] for much in (0.2, 1.6))
    assert blotched.std() > 3 * smooth.std()
    assert smooth.std() > 0


def test_freckles_on_cheeks_and_nose_of_those_who_have_them() -> None:
    zone = near(0.02, 0.698, 0.012)
    plain, freckled = (albedo(make_identity(freckles=much)) for much in (0.0, 0.8))
    assert (freckled[zone].mean(axis=1) < 0.85 * plain[zone].mean(axis=1)).mean() > 0.03
    assert freckled[near(0, 0.62)] == pytest.approx(plain[near(0, 0.62)], rel=0.01)


def test_moles_differ_between_identities() -> None:
    first, second = albedo(make_identity(number=3)), albedo(make_identity(number=4))
    changed = (np.abs(first - second) > 0.02).any(axis=1)
    assert 0 < changed.mean() < 0.002


def test_the_shaven_jaw_of_men_is_darker() -> None:
    jaw = near(0.02, 0.632)
    man, boy, woman = (
        albedo(make_identity(female=female, age=age))[jaw].mean()
        for female, age in ((0.0, 0.5), (0.0, 0.35), (1.0, 0.5))
    )
    assert man < 0.93 * woman
    assert boy == pytest.approx(woman)


def test_forehead_and_nose_shine() -> None:
    roughness, specular = skin_gloss(FACE, make_identity())
    neck = near(0.0, 0.60)
    for shiny in (near(0.0, 0.785), near(0.0, 0.70)):
        assert specular[shiny].mean() > 1.2 * specular[neck].mean()
        assert roughness[shiny].mean() < roughness[neck].mean() - 0.1
    assert 0.1 < roughness.min() <= roughness.max() < 1


def test_bump_map_is_fine_and_finer_where_pixels_show_it() -> None:
    far, close = (skin_bump(face_points(pixel=pixel), make_identity()) for pixel in (1.5e-3, 2e-4))
    steps = [float(np.abs(np.diff(bump)).mean()) for bump in (far, close)]
    assert steps[1] > 1.5 * steps[0]
    assert np.abs(close).max() < 1.5e-4
    assert far.dtype == close.dtype == np.float32


def test_old_skin_is_coarser() -> None:
    young, old = (skin_bump(FACE, make_identity(age=age)) for age in (0.35, 0.95))
    assert old.std() > 1.3 * young.std()
