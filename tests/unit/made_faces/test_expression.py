from __future__ import annotations

import numpy as np
import pytest

from fer_det.core.expression import Expression
from made_faces.expression import UNIT_NAMES, UNSIDED_UNITS, facial_actions, sample_units
from made_faces.face_model.identity import sample_identity

ALL = [*UNIT_NAMES, "11", "18", "19", "22", "28", "34", "61", "62", "63", "64"]


@pytest.mark.parametrize("unit", ALL)
def test_every_unit_moves_something_the_head_has(head, unit):
    actions = facial_actions({unit: 1.0}, blink=0.0)
    rest = facial_actions({}, blink=0.0)
    moving = {name for name, weight in actions.items() if weight > rest.get(name, 0)}
    assert moving
    assert set(actions) <= set(head.actions.names)


@pytest.mark.parametrize("unit", ["2", "4", "6", "12", "14", "15", "43"])
def test_one_side_leaves_the_other_at_rest(unit):
    rest = facial_actions({}, blink=0.0)
    left = facial_actions({f"{unit}L": 1.0}, blink=0.0)
    assert all(left[name] == rest.get(name, 0) for name in left if name.endswith("Right"))
    right = facial_actions({f"{unit}R": 1.0}, blink=0.0)
    assert all(right[name] == rest.get(name, 0) for name in right if name.endswith("Left"))
    both = facial_actions({f"{unit}L": 1.0, f"{unit}R": 1.0}, blink=0.0)
    assert both == facial_actions({unit: 1.0}, blink=0.0)


def test_the_inner_brow_has_one_action_for_both_sides():
    halves = facial_actions({"1L": 0.5, "1R": 0.3}, blink=0.0)
    assert halves["browInnerUp"] == pytest.approx(0.4)
    assert "1" not in UNSIDED_UNITS


def test_gaze_turns_both_eyes_the_same_way():
    left = facial_actions({"61": 0.4}, blink=0.0)
    # The subject's left: outwards for the left eye, inwards for the right.
    assert left["eyeLookOutLeft"] == left["eyeLookInRight"] == 0.4
    assert left.keys().isdisjoint({"eyeLookInLeft", "eyeLookOutRight"})


def test_wide_eyes_open_the_lids():
    rest = facial_actions({}, blink=0.2)
    assert rest["eyeBlinkLeft"] == rest["eyeBlinkRight"] == 0.2
    wide = facial_actions({"5L": 1.0}, blink=0.2)
    assert wide["eyeBlinkLeft"] == 0
    assert wide["eyeBlinkRight"] == 0.2


def test_corners_of_the_mouth_at_rest_are_level_with_where_the_lips_meet(head):
    corners, lips = head.landmarks68[[48, 54]], head.landmarks68[[62, 66]]
    heights = []
    for number in range(20):
        face = head.express(head.shape(sample_identity(5, number)), facial_actions({}, blink=0.1))
        heights.append(face[corners, 2].mean() - face[lips, 2].mean())
    assert abs(np.mean(heights)) < 0.0006


@pytest.mark.parametrize("pull", ["15L", "20L"])
def test_corners_pulled_down_or_stretched_are_not_raised(pull):
    down = facial_actions({pull: 1.25}, blink=0.0)
    assert down["mouthSmileLeft"] == 0
    assert down["mouthSmileRight"] > 0


def test_units_add_up_to_a_bound():
    once = facial_actions({"10": 0.5}, blink=0.0)["mouthUpperUpLeft"]
    more = facial_actions({"10": 0.5, "25": 0.5}, blink=0.0)["mouthUpperUpLeft"]
    assert more > once
    strained = facial_actions(dict.fromkeys(ALL, 3.0), blink=1.0)
    assert max(strained.values()) <= 2
    assert strained["eyeBlinkLeft"] <= 1
    assert min(strained.values()) >= 0


def test_unknown_unit_is_a_key_error():
    with pytest.raises(KeyError, match="99"):
        facial_actions({"99L": 1.0}, blink=0.0)


EXPRESSIONS = [each for each in Expression if each is not Expression.NEUTRAL]


def draw(expression, number: int, variety: float = 0.0, intensity: float = 1.0) -> dict[str, float]:
    return sample_units(expression, intensity, np.random.default_rng([3, number]), variety)


def side_sum(units: dict[str, float], number: str) -> float:
    whole = units.get(number, 0.0)
    return whole + (units.get(f"{number}L", 0.0) + units.get(f"{number}R", 0.0)) / 2


@pytest.mark.parametrize("variety", [0.0, 1.0])
@pytest.mark.parametrize("expression", list(Expression))
def test_every_sample_can_be_shown(head, expression, variety):
    for number in range(30):
        units = draw(expression, number, variety)
        assert all(0 < weight <= 2 for weight in units.values())
        assert set(facial_actions(units, 0.1)) <= set(head.actions.names)


# The characteristic units of Ekman and Friesen's prototypes.
@pytest.mark.parametrize(
    ("expression", "units"),
    [
        (Expression.HAPPINESS, "6 12"),
        (Expression.SADNESS, "1 15"),
        (Expression.SURPRISE, "1 2"),
        (Expression.FEAR, "1 4 5 20"),
        (Expression.ANGER, "4 5 7"),
        (Expression.DISGUST, "9 10"),
    ],
)
def test_characteristic_units_are_present(expression, units):
    for number in range(20):
        drawn = draw(expression, number)
        assert all(side_sum(drawn, unit) > 0.05 for unit in units.split())


@pytest.mark.parametrize("variety", [0.0, 1.0])
def test_disgust_and_anger_differ_in_nose_lip_and_brow(variety):
    for number in range(40):
        disgust = draw(Expression.DISGUST, number, variety)
        anger = draw(Expression.ANGER, number, variety)
        upper = {
            name: side_sum(units, "9") + side_sum(units, "10")
            for name, units in (("disgust", disgust), ("anger", anger))
        }
        assert upper["disgust"] > 1.3 * side_sum(disgust, "4")
        assert side_sum(anger, "4") > upper["anger"]


def test_contempt_is_on_one_side_and_on_either():
    sides = set()
    for number in range(20):
        units = draw(Expression.CONTEMPT, number)
        ones = {unit[-1] for unit in units if unit.startswith(("12", "14"))}
        assert len(ones) == 1
        sides |= ones
    assert sides == {"L", "R"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_intensity_scales_the_same_sample(expression):
    full, half = draw(expression, 5, 0.5), draw(expression, 5, 0.5, intensity=0.5)
    moved = [unit for unit in half if unit not in ("43", "61", "62", "63", "64")]
    assert moved
    for unit in moved:
        assert half[unit] == pytest.approx(full[unit] / 2, rel=0.25)
    assert draw(expression, 5, 0.0, intensity=0.0) == {}


def test_neutral_is_at_rest_without_variety_and_nearly_so_with_it():
    assert all(draw(Expression.NEUTRAL, number) == {} for number in range(10))
    lively = [draw(Expression.NEUTRAL, number, 1.0) for number in range(40)]
    moving = [
        {unit: w for unit, w in units.items() if unit not in ("43", "61", "62", "63", "64")}
        for units in lively
    ]
    assert any(moving)
    assert max(max(units.values(), default=0) for units in moving) < 0.7


def test_variety_widens_the_spread():
    def spread(variety: float) -> float:
        smiles = [side_sum(draw(Expression.HAPPINESS, n, variety), "12") for n in range(200)]
        return float(np.std(smiles))

    assert spread(1.0) > 1.5 * spread(0.0)

    def unevenness(variety: float) -> float:
        draws = [draw(Expression.HAPPINESS, n, variety) for n in range(200)]
        return float(np.std([units["12L"] / units["12R"] for units in draws]))

    assert unevenness(1.0) > 1.5 * unevenness(0.0)


def test_samples_are_reproducible_and_differ_between_subjects():
    assert draw(Expression.FEAR, 1, 1.0) == draw(Expression.FEAR, 1, 1.0)
    assert draw(Expression.FEAR, 1, 1.0) != draw(Expression.FEAR, 2, 1.0)


def test_reported_units_are_distinct_and_all_of_them_occur():
    assert len(set(UNIT_NAMES)) == len(UNIT_NAMES)
    seen = {
        unit.rstrip("LR")
        for expression in Expression
        for n in range(120)
        for unit in draw(expression, n, 1)
    }
    assert set(UNIT_NAMES) <= seen


def test_smiles_bare_the_upper_teeth(head):
    """In most open smiles some of the upper teeth are visible between the lips."""
    bared = 0
    for number in range(10):
        shape = head.shape(sample_identity(4, number))
        smile = {"6": 0.7, "12": 1.25, "25": 1.0, "10": 0.4}
        face = head.express(shape, facial_actions(smile, 0.05))
        edge = face[head.landmarks68[61:64], 2].min()
        bared += face[head.teeth.upper_front, 2].min() < edge - 0.002
    assert bared >= 9
