"""FACS action units as actions of the head's face.

Numbers are those of Ekman and Friesen's Facial Action Coding System; a letter L or R after one
means the person's own left or right side alone. The actions are the head's: the 52 of
ARKit, and a few more.
"""

from __future__ import annotations

from collections.abc import Mapping

ActionUnits = Mapping[str, float]
"""FACS number, such as "12" or "12L", to its weight, 0 at rest, 1 clearly there, 1.6 at most."""

LARGEST_WEIGHT = 1.6
"""Of a unit, in whatever is drawn."""

_SIDES = {"L": "Left", "R": "Right"}
_LOOKS = {"61": ("Out", "In"), "62": ("In", "Out"), "63": ("Up", "Up"), "64": ("Down", "Down")}
"""Gaze to the person's left, right, up and down: what the left and what the right eye does."""

_SIDED: dict[str, dict[str, float]] = {
    "1": {},
    "11": {"mouthUpperUp": 0.3, "mouthElevation": 0.2, "noseSneer": 0.15},
    "2": {"browOuterUp": 1.0},
    "4": {"browDown": 1.0},
    "5": {"eyeWide": 1.0},
    "6": {"cheekSquint": 0.8, "eyeSquint": 0.25},
    "7": {"eyeSquint": 1.0},
    "9": {"noseSneer": 1.0, "noseElevation": 0.5, "noseCompression": 0.3},
    "10": {"mouthUpperUp": 0.55, "mouthElevation": 0.5},
    "12": {"mouthSmile": 0.8, "mouthCornerPuller": 0.4},
    "14": {"mouthDimple": 1.0},
    "15": {"mouthFrown": 1.0},
    "16": {"mouthLowerDown": 0.7, "mouthBared": 0.3},
    "20": {"mouthStretch": 0.8, "mouthRetraction": 0.4},
    "21": {"neckPlatysma": 1.0},
    "23": {"mouthPress": 0.15},
    "24": {"mouthPress": 0.35},
    "25": {"mouthLowerDown": 0.7, "mouthUpperUp": 0.55},
    "43": {"eyeBlink": 1.0},
}
"""Actions that the head has once a side."""
_WHOLE: dict[str, dict[str, float]] = {
    "1": {"browInnerUp": 1.0},
    "17": {"mouthShrugLower": 1.0},
    "18": {"mouthPucker": 1.0},
    "19": {"tongueOut": 1.0},
    "22": {"mouthFunnel": 1.0},
    "23": {"mouthRollLower": 0.35, "mouthRollUpper": 0.25, "mouthPucker": 0.25},
    "24": {"mouthRollLower": 0.5, "mouthRollUpper": 0.4},
    "25": {"jawOpen": 0.12},
    "26": {"jawOpen": 0.35},
    "27": {"jawOpen": 0.75},
    "28": {"mouthRollLower": 0.6, "mouthRollUpper": 0.6},
    "34": {"cheekPuff": 1.0},
}
"""Actions that the head has once only."""

ONE_FOR_BOTH_SIDES = frozenset({*_WHOLE, *_LOOKS} - {"1"})
"""Units that are not told apart by side."""

_LARGEST_ACTIONS = {"nose": 2.0, "mouth": 1.5, "brow": 1.5, "eyeWide": 1.3}
"""Largest weight of the actions that begin so; of all others 1."""

_REST_SMILE = 0.15
"""Mouths come out with their corners a millimetre low, which looks sad; this brings them level."""


def facial_actions(units: ActionUnits, blink: float) -> dict[str, float]:
    """The actions that show `units`; KeyError for a unit that the head cannot show.

    blink: how far the lids hang at rest, about 0.05 to 0.2; wide eyes (5) undo it. Likewise the
    mouth's corners are held up a little, unless they are drawn down (15) or aside (20).
    """
    actions: dict[str, float] = {}
    for unit, weight in units.items():
        for action, part in _actions_of(unit).items():
            actions[action] = actions.get(action, 0.0) + part * weight
    for side in _SIDES.values():
        lid = f"eyeBlink{side}"
        wide = min(1.0, actions.get(f"eyeWide{side}", 0.0))
        actions[lid] = actions.get(lid, 0.0) + blink * (1 - wide)
        smile = f"mouthSmile{side}"
        drawn = sum(actions.get(f"{pull}{side}", 0.0) for pull in ("mouthFrown", "mouthStretch"))
        actions[smile] = actions.get(smile, 0.0) + _REST_SMILE * max(1 - drawn, 0.0)
    return {name: min(max(weight, 0.0), _largest(name)) for name, weight in actions.items()}


def _actions_of(unit: str) -> dict[str, float]:
    """The actions of a unit at weight 1."""
    if unit in _LOOKS:
        return {
            f"eyeLook{way}{side}": 1.0
            for way, side in zip(_LOOKS[unit], _SIDES.values(), strict=True)
        }
    number, letter = unit.rstrip("LR"), unit[-1]
    sides = [_SIDES[letter]] if letter in _SIDES else list(_SIDES.values())
    if number not in _SIDED and number not in _WHOLE:
        raise KeyError(unit)
    actions = {
        f"{name}{side}": part for name, part in _SIDED.get(number, {}).items() for side in sides
    }
    for name, part in _WHOLE.get(number, {}).items():
        actions[name] = part * len(sides) / len(_SIDES)
    return actions


def _largest(action: str) -> float:
    """The largest weight of an action."""
    for start, largest in _LARGEST_ACTIONS.items():
        if action.startswith(start):
            return largest
    return 1.0
