"""Where on the base head hair grows, and how thick its layer is there."""

from __future__ import annotations

import numpy as np

from made_faces.curves import smooth_step
from made_faces.hair.haircut import SEED_UNIT, Haircut
from made_faces.noise import noise
from made_faces.renderer.head_fit import SKULL
from made_faces.surface import Floats

_CROWN = np.array([0, 0.012, 0.835], np.float32)
"""Middle of the part that goes bald, in metres."""
_JAW = 0.69
"""Height in metres; below it and before the ears there is no hair of the head."""


def hair_density(places: Floats, cut: Haircut) -> Floats:
    """[P] how densely hair grows at places [P, 3] on the base head, 0 to 1."""
    height, softness = _hairline(places, cut)
    wander = np.float32(0.0022) * _wander(places, cut)
    edge = (places[:, 2] - height + wander) / softness
    # The throat lies behind the middle of the skull too, but bears no hair.
    head = np.maximum(smooth_step(-0.03, -0.015, places[:, 1]), places[:, 2] > _JAW)
    return np.asarray(
        smooth_step(-1, 1, np.asarray(edge, np.float32)) * head * _kept_on_crown(places, cut),
        np.float32,
    )


def above_hairline(places: Floats, cut: Haircut) -> Floats:
    """[P] metres by which places [P, 3] lie above the hairline."""
    return np.asarray(places[:, 2] - _hairline(places, cut)[0], np.float32)


def hair_thickness(places: Floats, cut: Haircut) -> Floats:
    """[P] metres of hair over places [P, 3] of the base head; thin near the hairline."""
    height, _ = _hairline(places, cut)
    # Thick hair rises as a dome does; flat hair soon has its full height.
    inside = smooth_step(-0.004, 0.035 + 0.5 * cut.thickness, places[:, 2] - height)
    least = np.float32(min(0.25, 0.003 / max(cut.thickness, 1e-4)))
    top = smooth_step(0.755, 0.825, places[:, 2])
    thickness = cut.side_thickness + (cut.thickness - cut.side_thickness) * top
    lumps = 1 + np.float32(0.12) * noise(
        "low", places[:, 0] * 3 + _shift(cut, 0), places[:, 1] * 3 + places[:, 2]
    )
    full: Floats = thickness * (least + (1 - least) * inside) * lumps
    return np.asarray(full * (0.3 + 0.7 * _kept_on_crown(places, cut)), np.float32)


def _hairline(places: Floats, cut: Haircut) -> tuple[Floats, Floats]:
    """[P] height of the hairline, and half the width over which hair thins out there."""
    across = np.abs(places[:, 0])
    turn = np.degrees(np.arctan2(across, SKULL[1] - places[:, 1]))
    front = cut.hairline
    knots = (
        (0, front),
        (22, front + 0.3 * cut.recession),
        (36, front + cut.recession),
        (50, front - 0.012 + 0.6 * cut.recession),
        (62, 0.772),
        (70, 0.750),
        (77, max(cut.sideburns, 0.70)),
        (84, cut.sideburns),
        (92, cut.sideburns + 0.004),
        (96, 0.752),
        (118, 0.752),
        (126, 0.715),
        (136, 0.675),
        (150, 0.650),
        (180, 0.640),
    )
    turns, heights = np.array(knots, np.float32).T
    height = np.interp(turn, turns, heights).astype(np.float32)
    softness = np.interp(turn, [0, 50, 80, 120, 150], [0.006, 0.007, 0.009, 0.008, 0.013])
    return height, softness.astype(np.float32)


def _wander(places: Floats, cut: Haircut) -> Floats:
    """[P] noise of standard deviation 1 and a little more, by which hairlines are uneven."""
    u = places[:, 0] * 4 + _shift(cut, 1)
    v = (places[:, 2] + places[:, 1]) * 4 + _shift(cut, 2)
    wandering: Floats = noise("low", u, v) + np.float32(0.5) * noise("mid", u, v)
    return wandering


def _kept_on_crown(places: Floats, cut: Haircut) -> Floats:
    """[P] 1 where age has left the hair."""
    away = np.linalg.norm((places - _CROWN) * np.array([1, 0.8, 0.8], np.float32), axis=1)
    # Loss spreads from the crown and, later, from the forehead.
    reach = 0.02 + 0.07 * cut.crown_loss
    bald = (1 - smooth_step(reach * 0.6, reach * 1.3, away)) * min(cut.crown_loss * 1.6, 1.0)
    return np.asarray(1 - bald, np.float32)


def _shift(cut: Haircut, number: int) -> np.float32:
    """Where in the noise this person's hair lies, 0 to 1; number: which of the seed's eight."""
    return np.float32(cut.seed[number] / SEED_UNIT)
