from __future__ import annotations

import numpy as np
import pytest
from fake_data.plain_face import face_points, make_identity

from made_faces.materials.face_hair import (
    beard,
    beard_area,
    beard_colour,
    brow_colour,
    brows,
    near_brows,
    scalp_hair,
)
from made_faces.materials.skin_points import SkinPoints

FACE = face_points()
FROWN = {"browDownLeft": 1.0, "browDownRight": 1.0}


def height(part: np.ndarray, where: np.ndarray, face: SkinPoints = FACE) -> float:
    """Mean height of the hairs in the region, in metres."""
    return float((part[where] * face.z[where]).sum() / part[where].sum())


INNER = (FACE.across > 0.013) & (FACE.across < 0.025)
OUTER = (FACE.across > 0.042) & (FACE.across < 0.055)


def test_brows_lie_above_the_eyes_and_nowhere_else() -> None:
    part = brows(FACE, make_identity(), {})
    assert part.dtype == np.float32
    assert 0 <= part.min() <= part.max() <= 0.94
    dense = part > 0.3
    assert 0.742 < FACE.z[dense].min() < FACE.z[dense].max() < 0.764
    assert 0.008 < FACE.across[dense].min() < 0.014
    assert 0.045 < FACE.across[dense].max() < 0.060
    assert part[~near_brows(FACE)].max() < 0.01


def test_no_expression_reaches_further_than_near_brows() -> None:
    strong = {"browDownLeft": 1.5, "browDownRight": 1.5}
    raised = {"browInnerUp": 1.5, "browOuterUpLeft": 1.5, "browOuterUpRight": 1.5}
    for actions in (strong, raised):
        part = brows(FACE, make_identity(brow_lift=0.003, brow_width=1.35), actions)
        assert part[~near_brows(FACE)].max() < 0.05


def test_a_frown_lowers_the_inner_ends_most_and_draws_them_together() -> None:
    rest, frown = brows(FACE, make_identity(), {}), brows(FACE, make_identity(), FROWN)
    assert height(rest, INNER) - height(frown, INNER) > 0.002
    assert abs(height(rest, OUTER) - height(frown, OUTER)) < 0.001
    assert FACE.across[frown > 0.5].min() < FACE.across[rest > 0.5].min() - 0.001


def test_a_frown_of_one_side_stays_there() -> None:
    rest, frown = (
        brows(FACE, make_identity(), {}),
        brows(FACE, make_identity(), {"browDownLeft": 1.0}),
    )
    left, right = INNER & (FACE.x > 0), INNER & (FACE.x < 0)
    assert height(rest, left) - height(frown, left) > 0.002
    assert height(rest, right) == pytest.approx(height(frown, right), abs=1e-4)


def test_raised_inner_brows_slant_also_while_frowning() -> None:
    rest = brows(FACE, make_identity(), {})
    sad = brows(
        FACE, make_identity(), {"browInnerUp": 1.2, "browDownLeft": 0.5, "browDownRight": 0.5}
    )
    assert height(sad, INNER) - height(rest, INNER) > 0.0015
    assert height(rest, OUTER) - height(sad, OUTER) > 0.0005


def test_raised_outer_brows_rise() -> None:
    actions = {"browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}
    rest, raised = brows(FACE, make_identity(), {}), brows(FACE, make_identity(), actions)
    assert height(raised, OUTER) - height(rest, OUTER) > 0.001


def test_made_of_hairs_that_end_softly() -> None:
    fine = face_points(pixel=0.0002)
    part = brows(fine, make_identity(), {})
    core = (np.abs(fine.z - 0.7545) < 0.001) & (fine.across > 0.025) & (fine.across < 0.035)
    assert part[core].std() > 0.05
    assert ((part > 0.05) & (part < 0.6)).sum() > 0.25 * (part > 0.6).sum()


def test_follows_width_and_density_of_the_identity() -> None:
    plain, thin = brows(FACE, make_identity(), {}), brows(FACE, make_identity(brow_width=0.7), {})
    assert thin.sum() < 0.85 * plain.sum()
    assert brows(FACE, make_identity(brow_density=0.5), {}).sum() < 0.75 * plain.sum()
    lifted = brows(FACE, make_identity(brow_lift=0.003), {})
    assert height(lifted, OUTER) - height(plain, OUTER) == pytest.approx(0.003, abs=0.0005)


def test_darker_than_skin_even_below_white_hair() -> None:
    white = make_identity(hair=np.array([0.7, 0.7, 0.7], np.float32))
    assert (brow_colour(white) < 0.5 * white.skin).all()
    assert (brow_colour(make_identity()) < make_identity().hair).all()


CHIN = np.hypot(FACE.across, FACE.z - 0.630) < 0.005
MOUSTACHE = (FACE.across < 0.012) & (np.abs(FACE.z - 0.6765) < 0.002)
BARE = (
    (FACE.lips > 0.5)
    | (FACE.z > 0.745)
    | (FACE.z < 0.595)
    | ((FACE.z > 0.69) & (FACE.across < 0.05))
)


def test_only_where_beards_grow() -> None:
    part, bump = beard(FACE, make_identity(beard=0.9))
    assert part.dtype == bump.dtype == np.float32
    assert part[CHIN].mean() > 0.6
    assert part[MOUSTACHE].mean() > 0.4
    assert part[BARE].max() < 0.02
    assert np.abs(bump).max() < 4e-4
    assert beard_area(FACE)[BARE].max() < 0.02


def test_none_on_the_shaven() -> None:
    part, bump = beard(FACE, make_identity(beard=0.0))
    assert not part.any()
    assert not bump.any()


def test_fuller() -> None:
    light, full = (beard(FACE, make_identity(beard=much))[0] for much in (0.3, 0.9))
    assert 2 * light[CHIN].mean() < full[CHIN].mean() < 0.95


def test_made_of_hairs() -> None:
    fine = face_points(pixel=0.0002)
    part, _ = beard(fine, make_identity(beard=0.6))
    assert part[CHIN].std() > 0.08


def test_darker_than_skin_and_gray_in_the_old() -> None:
    someone = make_identity(beard=0.8)
    assert (beard_colour(someone) < 0.5 * someone.skin).all()
    white = make_identity(beard=0.8, hair=np.array([0.6, 0.6, 0.6], np.float32))
    assert (beard_colour(someone) < beard_colour(white)).all()
    assert (beard_colour(white) < 0.45).all()


ABOVE = (FACE.z > 0.825) & (FACE.across < 0.02)
FOREHEAD = (FACE.z < 0.770) & (FACE.across < 0.02)


@pytest.mark.parametrize("style", ["short", "cap", "long", "buzz"])
def test_above_the_hairline(style: str) -> None:
    part = scalp_hair(FACE, make_identity(hair_style=style))
    assert part.dtype == np.float32
    assert part.shape == FACE.x.shape
    assert part[ABOVE].mean() > 0.3
    assert part[FOREHEAD].max() == 0
    assert part.max() <= 0.95


def test_a_higher_hairline_leaves_more_forehead() -> None:
    low, high = (
        scalp_hair(FACE, make_identity(hairline=height)).sum() for height in (0.790, 0.805)
    )
    assert high < 0.9 * low


def test_the_back_of_the_head_and_not_its_ears() -> None:
    back = face_points()
    back.y[:] = 0.02
    nape = (back.z > 0.68) & (back.z < 0.72) & (back.across < 0.02)
    assert scalp_hair(back, make_identity())[nape].mean() > 0.3
    back.ears[:] = 1
    assert scalp_hair(back, make_identity())[nape].max() == 0


def test_a_bald_head_is_skin_in_front_and_on_top() -> None:
    assert scalp_hair(FACE, make_identity(hair_style="bald"))[ABOVE | FOREHEAD].max() == 0
