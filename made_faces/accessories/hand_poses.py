"""Poses of a hand at the face: bones with their thickness, placed on the posed head."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.renderer.head_fit import SKULL, HeadFit, look_up_disc
from made_faces.surface import Floats


@dataclass(frozen=True)
class Bars:
    """Tapered round bars in the world; metres."""

    first: Floats
    """[B, 3]"""
    last: Floats
    """[B, 3]"""
    radius: Floats
    """[B, 2] at both ends."""
    tips: NDArray[np.bool_]
    """[B] whether the last end is a fingertip."""


@dataclass(frozen=True)
class _Pose:
    """A hand at the face of the base head, seen from the front as (x, z) in metres.

    Given for the head's left side and mirrored for its right side.
    """

    wrist: tuple[float, float]
    palm: tuple[float, float]
    """Centre of the knuckles."""
    spread: tuple[float, float]
    """Vector from the middle knuckle to the knuckle of the first finger."""
    reach: tuple[float, float]
    """Vector from the knuckles to the tip of the middle finger."""
    fan: float
    """Angle in radians between the outermost fingers."""
    bend: float
    """0 straight fingers to 1 a fist."""
    thumb: tuple[tuple[float, float], tuple[float, float]]
    """Root and tip."""
    off: float
    """Distance in metres between hand and skin."""


_OVER_MOUTH = _Pose(
    wrist=(0.115, 0.545),
    palm=(0.052, 0.640),
    spread=(-0.010, 0.0255),
    reach=(-0.078, 0.020),
    fan=0.14,
    bend=0.1,
    thumb=((0.068, 0.640), (0.066, 0.700)),
    off=0.002,
)
_ON_CHEEK = _Pose(
    wrist=(0.082, 0.520),
    palm=(0.066, 0.635),
    spread=(-0.0265, 0.004),
    reach=(0.010, 0.085),
    fan=0.22,
    bend=0.1,
    thumb=((0.048, 0.590), (0.018, 0.618)),
    off=0.0,
)
_UNDER_CHIN = _Pose(
    wrist=(0.060, 0.500),
    palm=(0.022, 0.592),
    spread=(-0.0265, 0.006),
    reach=(-0.030, 0.018),
    fan=0.2,
    bend=1.0,
    thumb=((0.046, 0.585), (0.040, 0.650)),
    off=0.004,
)
_POSES = (_OVER_MOUTH, _ON_CHEEK, _UNDER_CHIN)
_FINGER_LENGTHS = (0.92, 1.0, 0.94, 0.76)
"""First to little finger, relative to the middle finger."""
_FINGER_RADII = (0.0084, 0.0086, 0.0080, 0.0070)
"""Metres at the root."""


def sample_hand(fit: HeadFit, seed: int) -> Bars:
    """Sample a hand and place it on the posed head; the same seed gives the same hand."""
    rng = np.random.default_rng([24, seed])
    pose = _POSES[rng.choice(len(_POSES), p=[0.42, 0.33, 0.25])]
    side = -1.0 if rng.random() < 0.5 else 1.0
    shift = rng.normal(0, 0.006, 2)
    turn = rng.normal(0, 0.12)
    size = rng.uniform(0.9, 1.08)
    lines = _lines(pose, size, rng)
    bars = []
    for line, radii, tip in lines:
        flat = _turned(line, pose.palm, turn) + shift
        flat[:, 0] *= side
        placed = fit.to_posed(_in_front_of_skin(fit, flat, np.array(radii) + pose.off))
        for joint in range(len(line) - 1):
            ends = radii[joint], radii[joint + 1]
            bars.append((placed[joint], placed[joint + 1], ends, tip and joint == len(line) - 2))
    first, last, radius, tips = zip(*bars, strict=True)
    return Bars(
        np.array(first, np.float32),
        np.array(last, np.float32),
        np.array(radius, np.float32),
        np.array(tips, np.bool_),
    )


_Line = tuple[NDArray[np.float64], tuple[float, ...], bool]


def _lines(pose: _Pose, size: float, rng: np.random.Generator) -> list[_Line]:
    """Return bones as (x, z) joints [J, 2], their radii, and whether they end in a fingertip."""
    wrist, palm = np.array(pose.wrist), np.array(pose.palm)
    spread, reach = np.array(pose.spread) * size, np.array(pose.reach) * size
    lines: list[_Line] = []
    forearm = wrist + (wrist - palm) * 1.6
    lines.append((np.array([forearm, wrist]), (0.032 * size, 0.026 * size), False))
    for number, length in enumerate(_FINGER_LENGTHS):
        place = 1 - number * (2 / 3)
        knuckle = palm + spread * place
        root = wrist + spread * 0.7 * place
        angle = -pose.fan * place / 2 * np.sign(spread[0] * reach[1] - spread[1] * reach[0])
        angle += rng.normal(0, 0.03)
        direction = _turned(reach[None], (0.0, 0.0), angle)[0]
        radius = _FINGER_RADII[number] * size
        lines.append((np.array([root, knuckle]), (0.018 * size, 0.0125 * size), False))
        lines.append(_finger(knuckle, direction * length, radius, pose.bend))
    root, tip = (np.array(place) for place in pose.thumb)
    middle = root + (tip - root) * 0.55
    lines.append((np.array([wrist, root]), (0.020 * size, 0.016 * size), False))
    lines.append(
        (np.array([root, middle, tip]), (0.0145 * size, 0.0105 * size, 0.0085 * size), True)
    )
    return lines


def _finger(
    knuckle: NDArray[np.float64], reach: NDArray[np.float64], radius: float, bend: float
) -> _Line:
    """Return a finger of three bones; a bent one folds back towards the palm."""
    if bend > 0.5:
        joints = np.array([knuckle, knuckle + reach * 0.9, knuckle + reach * 0.55])
        return joints, (radius * 1.15, radius * 1.05, radius * 0.95), False
    joints = knuckle + reach * np.array([0, 0.45, 0.75, 1.0])[:, None]
    return joints, (radius * 1.1, radius, radius * 0.93, radius * 0.78), True


def _turned(
    points: NDArray[np.float64], pivot: tuple[float, float], angle: float
) -> NDArray[np.float64]:
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.array([[cosine, sine], [-sine, cosine]])
    turned: NDArray[np.float64] = (points - np.array(pivot)) @ rotation + np.array(pivot)
    return turned


def _in_front_of_skin(fit: HeadFit, flat: NDArray[np.float64], off: NDArray[np.float64]) -> Floats:
    """Move (x, z) [J, 2] to points [J, 3] on the base head, at the distance `off` in front of the
    skin.
    """
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    smooth = cv2.GaussianBlur(cv2.morphologyEx(fit.disc.radius, cv2.MORPH_CLOSE, wide), (0, 0), 1.5)
    points = np.stack([flat[:, 0], np.full(len(flat), -0.14), flat[:, 1]], axis=1)
    # Find the skin in front of a position by iterating along the line of sight.
    for _ in range(6):
        direction = points.astype(np.float32) - SKULL
        distance = np.linalg.norm(direction, axis=1)
        gap = look_up_disc(np.asarray(smooth, np.float32), direction) + off - distance
        points[:, 1] -= gap * distance / np.maximum(-direction[:, 1], 0.05)
        points[:, 1] = np.clip(points[:, 1], -0.19, -0.06)
    return points.astype(np.float32)
