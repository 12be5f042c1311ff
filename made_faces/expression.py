"""Expressions as FACS action units, and action units as facial actions of the head.

Action units are numbered as in Ekman and Friesen's Facial Action Coding System; a letter L or R
after the number restricts a unit to the subject's own left or right side. Facial actions are shapes
of the head: the 52 of ARKit and a few more. The action units of each expression follow EMFACS
(Ekman and Friesen) and the table of variants in "Facial Action Coding System: Investigator's Guide"
(Ekman, Friesen and Hager 2002); the weights are those at which this head shows them clearly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fer_det.core.expression import Expression

ActionUnits = Mapping[str, float]
"""FACS number, such as "12" or "12L", to its weight: 0 at rest, 1 clearly visible, at most 1.6."""

MAX_UNIT_WEIGHT = 1.6
"""Upper bound of any sampled unit."""

_SIDES = {"L": "Left", "R": "Right"}
_GAZE_ACTIONS = {
    "61": ("Out", "In"),
    "62": ("In", "Out"),
    "63": ("Up", "Up"),
    "64": ("Down", "Down"),
}
"""Gaze to the subject's left, right, up and down: action of the left eye and of the right eye."""

_SIDED_ACTIONS: dict[str, dict[str, float]] = {
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
"""Actions that exist once for each side of the face."""
_UNSIDED_ACTIONS: dict[str, dict[str, float]] = {
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
"""Actions that exist only once."""

UNSIDED_UNITS = frozenset({*_UNSIDED_ACTIONS, *_GAZE_ACTIONS} - {"1"})
"""Units without a left and a right version."""

_MAX_ACTION_WEIGHTS = {"nose": 2.0, "mouth": 1.5, "brow": 1.5, "eyeWide": 1.3}
"""Largest weight of actions by the start of their name; 1 for all others."""

_REST_SMILE = 0.15
"""Raises the mouth corners of the neutral face, which would be a millimetre too low and look sad.
"""


def facial_actions(units: ActionUnits, blink: float) -> dict[str, float]:
    """Return the facial actions that show `units`; KeyError for a unit that the head cannot show.

    blink: how far the lids are closed at rest, about 0.05 to 0.2; wide eyes (5) reduce it. The
    mouth corners are raised a little unless they are pulled down (15) or stretched (20).
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
    return {name: min(max(weight, 0.0), _max_weight(name)) for name, weight in actions.items()}


def _actions_of(unit: str) -> dict[str, float]:
    """Return the actions of one unit at weight 1."""
    if unit in _GAZE_ACTIONS:
        return {
            f"eyeLook{way}{side}": 1.0
            for way, side in zip(_GAZE_ACTIONS[unit], _SIDES.values(), strict=True)
        }
    number, letter = unit.rstrip("LR"), unit[-1]
    sides = [_SIDES[letter]] if letter in _SIDES else list(_SIDES.values())
    if number not in _SIDED_ACTIONS and number not in _UNSIDED_ACTIONS:
        raise KeyError(unit)
    actions = {
        f"{name}{side}": part
        for name, part in _SIDED_ACTIONS.get(number, {}).items()
        for side in sides
    }
    for name, part in _UNSIDED_ACTIONS.get(number, {}).items():
        actions[name] = part * len(sides) / len(_SIDES)
    return actions


def _max_weight(action: str) -> float:
    """Return the largest weight of an action."""
    for start, largest in _MAX_ACTION_WEIGHTS.items():
        if action.startswith(start):
            return largest
    return 1.0


Units = dict[str, float]

# fmt: off
UNIT_NAMES: tuple[str, ...] = (
    "1", "2", "4", "5", "6", "7", "9", "10", "12", "14", "15", "16", "17", "20", "21", "23", "24",
    "25", "26", "27", "43",
)
"""The units reported for each face, in this order."""

_VARIANTS: Mapping[Expression, tuple[Units, ...]] = {
    Expression.NEUTRAL: ({},),
    Expression.HAPPINESS: (
        {"6": 0.7, "12": 1.25, "25": 1.0, "10": 0.4, "7": 0.15},
        {"6": 0.8, "12": 1.35, "25": 0.2, "7": 0.1},
        {"6": 0.7, "12": 1.2, "25": 1.1, "26": 0.5, "10": 0.3},
        {"6": 1.0, "12": 1.35, "25": 1.0, "26": 0.9, "7": 0.3, "10": 0.3},
        {"6": 0.4, "12": 1.0},
        {"6": 0.6, "12": 1.1, "1": 0.4, "2": 0.4, "25": 0.8, "26": 0.3, "10": 0.3},
    ),
    Expression.SADNESS: (
        {"1": 1.2, "4": 0.3, "15": 1.1, "17": 1.0, "64": 0.5, "43": 0.1},
        {"1": 1.3, "4": 0.36, "15": 1.0, "17": 0.7, "64": 0.6, "7": 0.2},
        {"1": 1.2, "4": 0.24, "15": 1.4, "17": 0.9, "64": 0.5, "43": 0.15},
        {"1": 1.3, "4": 0.3, "15": 0.8, "11": 0.6, "25": 0.4, "64": 0.4, "43": 0.15},
        {"1": 1.3, "4": 0.42, "6": 0.6, "15": 1.1, "20": 0.6, "25": 0.7, "43": 0.35},
        {"1": 0.9, "4": 0.12, "15": 1.0, "64": 0.9, "43": 0.15},
    ),
    Expression.SURPRISE: (
        {"1": 1.1, "2": 1.0, "5": 0.8, "26": 1.3},
        {"1": 1.1, "2": 1.1, "5": 0.8, "27": 0.9},
        {"1": 1.1, "2": 1.0, "5": 0.9, "25": 0.4, "26": 1.0},
        {"1": 1.2, "2": 1.2, "5": 0.5, "26": 0.6, "18": 0.3},
        {"1": 1.0, "2": 0.9, "5": 1.0, "27": 1.1},
        {"1": 1.3, "2": 1.3, "5": 0.6, "26": 0.8},
    ),
    Expression.FEAR: (
        {"1": 1.3, "2": 0.6, "4": 0.7, "5": 1.2, "16": 0.8, "20": 1.2, "21": 0.8, "25": 1.0},
        {"1": 1.4, "2": 0.6, "4": 0.6, "5": 1.1, "16": 0.4, "20": 1.3, "25": 1.0, "26": 0.4},
        {"1": 1.4, "2": 0.6, "4": 0.6, "5": 1.2, "20": 1.3, "21": 0.4, "25": 0.7},
        {"1": 1.3, "2": 0.6, "4": 0.6, "5": 1.2, "20": 1.1, "25": 0.8, "27": 0.5},
        {"1": 1.3, "2": 0.6, "4": 0.6, "5": 1.1, "20": 1.3, "21": 0.4, "25": 0.6},
        {"1": 1.3, "2": 0.6, "4": 0.6, "5": 1.2, "7": 0.3, "20": 1.2, "25": 0.9, "26": 0.7},
    ),
    Expression.ANGER: (
        {"4": 1.5, "5": 0.7, "7": 0.4, "9": 0.4, "16": 0.8, "20": 0.5, "25": 0.8},
        {"4": 1.5, "5": 0.7, "7": 0.4, "17": 0.4, "23": 0.6},
        {"4": 1.5, "5": 0.7, "7": 0.4, "9": 0.4, "10": 0.4, "16": 0.4, "25": 1.0, "27": 0.6},
        {"4": 1.5, "5": 0.8, "7": 0.5, "17": 0.6, "24": 0.9},
        {"4": 1.4, "5": 0.8, "7": 0.3, "9": 0.5, "10": 0.4, "25": 1.0, "27": 0.7},
        {"4": 1.5, "5": 0.8, "7": 0.3, "15": 0.3, "17": 0.7, "24": 0.5},
    ),
    Expression.DISGUST: (
        {"9": 1.3, "10": 1.2, "6": 0.7, "7": 0.5, "4": 0.25, "15": 0.3, "25": 0.3},
        {"9": 1.4, "10": 1.2, "6": 0.8, "7": 0.6, "4": 0.2, "17": 0.7, "15": 0.4},
        {"9": 1.2, "10": 1.4, "6": 0.7, "7": 0.4, "16": 0.5, "25": 0.5, "26": 0.5},
        {"10": 1.5, "9": 0.8, "7": 0.4, "6": 0.5, "15": 0.6, "17": 0.5},
        {"9": 1.4, "10": 1.0, "6": 0.9, "7": 0.8, "26": 0.6, "25": 0.4, "19": 0.5},
        {"9": 1.1, "10": 1.3, "6": 0.6, "7": 0.4, "1": 0.4, "15": 0.8, "17": 0.4},
    ),
    Expression.CONTEMPT: (
        {"14L": 1.1, "12L": 0.7},
        {"12L": 0.9, "14L": 0.6, "10L": 0.3},
        {"14L": 1.2, "12L": 0.4, "2L": 0.6},
        {"12L": 0.8, "14L": 0.7, "17": 0.3, "64": 0.3},
    ),
}
"""Sets of units for each expression; the first three of each are the common ones."""

_CORE: Mapping[Expression, frozenset[str]] = {
    Expression.NEUTRAL: frozenset(),
    Expression.HAPPINESS: frozenset({"12"}),
    Expression.SADNESS: frozenset({"1", "15"}),
    Expression.SURPRISE: frozenset({"1", "2", "26", "27"}),
    Expression.FEAR: frozenset({"1", "4", "5", "20"}),
    Expression.ANGER: frozenset({"4", "5"}),
    Expression.DISGUST: frozenset({"9", "10"}),
    Expression.CONTEMPT: frozenset({"12L", "14L"}),
}
"""Units without which the expression would not be recognised."""

_EXTRAS: Mapping[Expression, tuple[str, ...]] = {
    Expression.NEUTRAL: ("2", "4", "7", "12", "14", "24", "25"),
    Expression.HAPPINESS: ("1", "2", "7", "14", "16", "17"),
    Expression.SADNESS: ("6", "7", "11", "14", "24"),
    Expression.SURPRISE: ("12", "16", "18", "20", "25"),
    Expression.FEAR: ("7", "10", "11", "15", "16"),
    Expression.ANGER: ("16", "17", "22", "24"),
    Expression.DISGUST: ("14", "16", "17", "20", "24"),
    Expression.CONTEMPT: ("1", "2", "4", "7", "17", "24"),
}
"""Units that may be added without changing the expression."""
# fmt: on

_COMMON_VARIANTS = 3
"""Number of sets that variety 0 samples from."""
_JITTER = (0.06, 0.16)
"""Relative standard deviation of each unit's weight: value at variety 0, and what variety 1 adds.
"""
_ASYMMETRY = (0.04, 0.12)
"""Standard deviation of the difference between the sides: value at variety 0, and what variety 1
adds."""
_DROP_CHANCE = 0.35
"""Probability at variety 1 that one unit outside the core is dropped."""
_MAX_EXTRA_WEIGHT = 0.4
"""Largest weight of an added unit at variety 1."""
_GAZE_UNITS = ("61", "62", "63", "64")
"""Gaze to the subject's left, right, up and down."""
_GAZE_SPREAD = 0.25
"""Standard deviation of the horizontal gaze at variety 1; the vertical one has half of it."""
_BLINK_CHANCE = 0.05
"""Probability of a blink at variety 1."""
_WIDE_EYED = frozenset({Expression.SURPRISE, Expression.FEAR})


def sample_units(
    expression: Expression, intensity: float, rng: np.random.Generator, variety: float
) -> Units:
    """Sample the action units of one subject who shows `expression`.

    intensity: 0 at rest, 1 full strength, a little more if exaggerated. variety: 0 for textbook
    expressions to 1 for rarer sets of units, other strengths, asymmetry, additional units, gaze and
    blinks. The same generator state gives the same face at any intensity, so that a sequence can be
    sampled frame by frame.
    """
    units = _sample_variant(expression, rng, variety)
    spread = _JITTER[0] + _JITTER[1] * variety
    # A log-normal factor is never negative and symmetric on a logarithmic scale.
    units = {unit: weight * float(np.exp(rng.normal(0, spread))) for unit, weight in units.items()}
    units = _sample_asymmetry(units, rng, variety)
    at_rest = _sample_gaze_and_blink(expression, rng, variety)
    strength = 1.0 if expression is Expression.NEUTRAL else intensity
    shown = {unit: min(weight * strength, MAX_UNIT_WEIGHT) for unit, weight in units.items()}
    for unit, weight in at_rest.items():
        shown[unit] = shown.get(unit, 0.0) + weight
    return {unit: weight for unit, weight in shown.items() if weight > 0}


def _sample_variant(expression: Expression, rng: np.random.Generator, variety: float) -> Units:
    """Sample one set of units of the expression; at higher variety drop a unit or add some."""
    variants = _VARIANTS[expression]
    usual = variants[:_COMMON_VARIANTS]
    pool = variants if rng.random() < variety else usual
    units = dict(pool[int(rng.integers(len(pool)))])
    beside = [unit for unit in units if unit not in _CORE[expression]]
    leaving = rng.random()
    if beside and leaving < _DROP_CHANCE * variety:
        del units[beside[int(leaving / (_DROP_CHANCE * variety) * len(beside))]]
    for unit in _EXTRAS[expression]:
        # About a quarter of them are added.
        weight = (float(rng.random()) - 0.75) / 0.25 * _MAX_EXTRA_WEIGHT * variety
        if weight > 0 and unit not in units:
            units[unit] = weight
    if expression is Expression.CONTEMPT and rng.random() < 0.5:
        units = {unit.replace("L", "R"): weight for unit, weight in units.items()}
    return units


def _sample_asymmetry(units: Units, rng: np.random.Generator, variety: float) -> Units:
    """Sample a small difference between left and right for each unit that has both."""
    spread = _ASYMMETRY[0] + _ASYMMETRY[1] * variety
    # Half of the difference is common to the whole face.
    whole = rng.normal(0, spread / 2)
    sided: Units = {}
    for unit, weight in units.items():
        if unit[-1] in "LR" or unit in UNSIDED_UNITS:
            sided[unit] = weight
            continue
        uneven = float(np.clip(whole + rng.normal(0, spread / 2), -0.6, 0.6))
        sided[f"{unit}L"] = weight * (1 + uneven)
        sided[f"{unit}R"] = weight * (1 - uneven)
    return sided


def _sample_gaze_and_blink(
    expression: Expression, rng: np.random.Generator, variety: float
) -> Units:
    """Sample gaze and blink, which do not depend on the expression."""
    across, up = rng.normal(0, _GAZE_SPREAD * variety, 2)
    blink, closed = rng.random(2)
    gaze = dict(zip(_GAZE_UNITS, (across, -across, up / 2, -up / 2), strict=True))
    units = {unit: min(float(weight), 1.0) for unit, weight in gaze.items() if weight > 0}
    if blink < _BLINK_CHANCE * variety and expression not in _WIDE_EYED:
        units["43"] = 0.4 + 0.6 * float(closed)
    return units
