"""Units become actions that the head has, one side or both."""

from __future__ import annotations

import numpy as np
import pytest

from made_faces.expression.action_units import ONE_FOR_BOTH_SIDES, facial_actions
from made_faces.expression.prototypes import UNIT_NAMES
from made_faces.face_model.identity_draw import draw_identity

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


def test_the_inner_brow_is_one_whatever_the_side():
    halves = facial_actions({"1L": 0.5, "1R": 0.3}, blink=0.0)
    assert halves["browInnerUp"] == pytest.approx(0.4)
    assert "1" not in ONE_FOR_BOTH_SIDES


def test_gaze_turns_both_eyes_the_same_way():
    left = facial_actions({"61": 0.4}, blink=0.0)
    # The person's left: outwards for the left eye, inwards for the right.
    assert left["eyeLookOutLeft"] == left["eyeLookInRight"] == 0.4
    assert left.keys().isdisjoint({"eyeLookInLeft", "eyeLookOutRight"})


def test_hanging_lids_are_lifted_by_wide_eyes():
    rest = facial_actions({}, blink=0.2)
    assert rest["eyeBlinkLeft"] == rest["eyeBlinkRight"] == 0.2
    wide = facial_actions({"5L": 1.0}, blink=0.2)
    assert wide["eyeBlinkLeft"] == 0
    assert wide["eyeBlinkRight"] == 0.2


def test_corners_of_the_mouth_at_rest_are_level_with_where_the_lips_meet(head):
    corners, lips = head.landmarks68[[48, 54]], head.landmarks68[[62, 66]]
    heights = []
    for number in range(20):
        face = head.express(head.shape(draw_identity(5, number)), facial_actions({}, blink=0.1))
        heights.append(face[corners, 2].mean() - face[lips, 2].mean())
    assert abs(np.mean(heights)) < 0.0006


@pytest.mark.parametrize("pull", ["15L", "20L"])
def test_corners_drawn_down_or_aside_are_held_up_less(pull):
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
