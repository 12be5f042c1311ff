from __future__ import annotations

import numpy as np
import pytest
from fake_data.plain_face import face_points, make_identity

from made_faces.materials.wrinkles import wrinkles

FACE = face_points()
YOUNG = make_identity(age=0.45)


def pair(name: str, strength: float = 1.0) -> dict[str, float]:
    return {f"{name}Left": strength, f"{name}Right": strength}


def zone(across: tuple[float, float], height: tuple[float, float]) -> np.ndarray:
    inside = (FACE.across >= across[0]) & (FACE.across <= across[1])
    return inside & (FACE.z >= height[0]) & (FACE.z <= height[1])


FOREHEAD = zone((0, 0.05), (0.768, 0.80))
BROW_GAP = zone((0, 0.010), (0.741, 0.757))
BRIDGE = zone((0, 0.012), (0.715, 0.732))
EYE_CORNER = zone((0.049, 0.064), (0.717, 0.737))
LOWER_LID = zone((0.022, 0.040), (0.709, 0.719))
NOSE_TO_MOUTH = zone((0.019, 0.034), (0.672, 0.694))
BELOW_CORNER = zone((0.026, 0.034), (0.640, 0.655))
CHIN = zone((0, 0.012), (0.618, 0.634))
BESIDE_CORNER = zone((0.033, 0.036), (0.655, 0.667))

FOLDS = [
    (pair("browOuterUp"), FOREHEAD),
    ({"browInnerUp": 1.0}, FOREHEAD),
    (pair("browDown"), BROW_GAP),
    (pair("noseSneer"), BRIDGE),
    (pair("noseSneer"), NOSE_TO_MOUTH),
    (pair("mouthSmile"), NOSE_TO_MOUTH),
    (pair("mouthSmile"), EYE_CORNER),
    (pair("cheekSquint"), EYE_CORNER),
    (pair("cheekSquint"), LOWER_LID),
    (pair("mouthFrown"), BELOW_CORNER),
    ({"mouthShrugLower": 1.0}, CHIN),
    (pair("mouthDimple"), BESIDE_CORNER),
]


def folded(actions: dict[str, float], age: float = 0.45) -> np.ndarray:
    """What the actions add to the bump map of the neutral face."""
    someone = make_identity(age=age)
    return wrinkles(FACE, someone, actions) - wrinkles(FACE, someone, {})


@pytest.mark.parametrize(("actions", "where"), FOLDS)
class TestEachFold:
    def test_deep_in_its_place(self, actions: dict[str, float], where: np.ndarray) -> None:
        assert -2.5e-3 < folded(actions)[where].min() < -1.2e-4

    def test_grows_with_strength(self, actions: dict[str, float], where: np.ndarray) -> None:
        half = {name: strength / 2 for name, strength in actions.items()}
        assert folded(actions)[where].min() < 1.5 * folded(half)[where].min() < 0

    def test_deeper_in_the_old(self, actions: dict[str, float], where: np.ndarray) -> None:
        young, old = (float(folded(actions, age)[where].std()) for age in (0.45, 0.95))
        assert old > 1.2 * young


def test_a_face_at_rest_is_nearly_smooth_until_old() -> None:
    young, old = (np.abs(wrinkles(FACE, make_identity(age=age), {})) for age in (0.4, 0.95))
    assert young.max() < 1.5e-4
    assert old.max() > 2e-4


@pytest.mark.parametrize(
    ("actions", "where"),
    [
        (pair("browDown"), FOREHEAD | CHIN | NOSE_TO_MOUTH),
        (pair("browOuterUp"), BROW_GAP & (FACE.z < 0.752) | BRIDGE | CHIN),
        (pair("mouthSmile"), FOREHEAD | BROW_GAP | BRIDGE),
        (pair("noseSneer"), FOREHEAD | CHIN),
        (pair("mouthFrown"), FOREHEAD | BROW_GAP | EYE_CORNER),
    ],
)
def test_no_folds_elsewhere(actions: dict[str, float], where: np.ndarray) -> None:
    assert np.abs(folded(actions)[where]).max() < 6e-5


def test_inner_brows_fold_the_middle_of_the_forehead_only() -> None:
    inner = folded({"browInnerUp": 1.0})
    outer = folded(pair("browOuterUp"))
    side = FOREHEAD & (FACE.across > 0.042)
    assert inner[side].std() < 0.1 * inner[FOREHEAD & (FACE.across < 0.015)].std()
    assert outer[side].std() > 3 * inner[side].std()


def test_one_side_alone() -> None:
    lopsided = folded({"mouthSmileLeft": 1.0})
    assert lopsided[NOSE_TO_MOUTH & (FACE.x > 0)].min() < -1.2e-4
    assert np.abs(lopsided[FACE.x < -0.01]).max() < 1e-6


def test_none_on_the_lips() -> None:
    actions = pair("mouthFrown") | {"mouthPucker": 1.0, "mouthShrugLower": 1.0}
    bump = wrinkles(FACE, make_identity(age=1.0), actions)
    assert bump.dtype == np.float32
    assert (bump[FACE.lips >= 0.7] == 0).all()


def test_excessive_weights_fold_no_deeper() -> None:
    for name in ("browDown", "noseSneer", "mouthSmile"):
        assert folded(pair(name, 9.0)) == pytest.approx(folded(pair(name, 1.5)), abs=1e-6)
