"""Drawn expressions: the books' units, people's differences, and the same draw each time."""

from __future__ import annotations

import numpy as np
import pytest

from fer_det.core.expression import Expression
from made_faces.expression.action_units import facial_actions
from made_faces.expression.prototypes import UNIT_NAMES, draw_units
from made_faces.face_model.identity_draw import draw_identity

EMOTIONS = [each for each in Expression if each is not Expression.NEUTRAL]


def draw(emotion, number: int, variety: float = 0.0, intensity: float = 1.0) -> dict[str, float]:
    return draw_units(emotion, intensity, np.random.default_rng([3, number]), variety)


def side_sum(units: dict[str, float], number: str) -> float:
    whole = units.get(number, 0.0)
    return whole + (units.get(f"{number}L", 0.0) + units.get(f"{number}R", 0.0)) / 2


@pytest.mark.parametrize("variety", [0.0, 1.0])
@pytest.mark.parametrize("emotion", list(Expression))
def test_every_draw_can_be_shown(head, emotion, variety):
    for number in range(30):
        units = draw(emotion, number, variety)
        assert all(0 < weight <= 2 for weight in units.values())
        assert set(facial_actions(units, 0.1)) <= set(head.actions.names)


# Ekman and Friesen's prototypes: what each expression is known by.
@pytest.mark.parametrize(
    ("emotion", "units"),
    [
        (Expression.HAPPINESS, "6 12"),
        (Expression.SADNESS, "1 15"),
        (Expression.SURPRISE, "1 2"),
        (Expression.FEAR, "1 4 5 20"),
        (Expression.ANGER, "4 5 7"),
        (Expression.DISGUST, "9 10"),
    ],
)
def test_the_books_units_are_there(emotion, units):
    for number in range(20):
        drawn = draw(emotion, number)
        assert all(side_sum(drawn, unit) > 0.05 for unit in units.split())


@pytest.mark.parametrize("variety", [0.0, 1.0])
def test_disgust_is_told_from_anger_by_nose_and_lip_against_brow(variety):
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


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_intensity_scales_the_same_draw(emotion):
    full, half = draw(emotion, 5, 0.5), draw(emotion, 5, 0.5, intensity=0.5)
    moved = [unit for unit in half if unit not in ("43", "61", "62", "63", "64")]
    assert moved
    for unit in moved:
        assert half[unit] == pytest.approx(full[unit] / 2, rel=0.25)
    assert draw(emotion, 5, 0.0, intensity=0.0) == {}


def test_neutral_is_at_rest_for_the_books_and_nearly_so_for_people():
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


def test_draws_are_the_same_each_time_and_differ_between_people():
    assert draw(Expression.FEAR, 1, 1.0) == draw(Expression.FEAR, 1, 1.0)
    assert draw(Expression.FEAR, 1, 1.0) != draw(Expression.FEAR, 2, 1.0)


def test_reported_units_are_distinct_and_all_of_them_occur():
    assert len(set(UNIT_NAMES)) == len(UNIT_NAMES)
    seen = {
        unit.rstrip("LR")
        for emotion in Expression
        for n in range(120)
        for unit in draw(emotion, n, 1)
    }
    assert set(UNIT_NAMES) <= seen


def test_smiles_bare_the_upper_teeth(head):
    """Some of the upper teeth lie between the lips, in most people's open smiles."""
    bared = 0
    for number in range(10):
        shape = head.shape(draw_identity(4, number))
        smile = {"6": 0.7, "12": 1.25, "25": 1.0, "10": 0.4}
        face = head.express(shape, facial_actions(smile, 0.05))
        edge = face[head.landmarks68[61:64], 2].min()
        bared += face[head.teeth.upper_front, 2].min() < edge - 0.002
    assert bared >= 9
