"""Where hair grows on the base head, and guide hairs that follow the combing and then gravity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from made_faces.hair.haircut import SEED_SCALE, Haircut
from made_faces.renderer.head_fit import SKULL, HeadDisc, look_up_disc
from made_faces.surface import Floats, unit
from made_faces.texture import noise, smooth_step

_CROWN = np.array([0, 0.012, 0.835], np.float32)
"""Centre of the part that becomes bald, in metres."""
_JAW = 0.69
"""Height in metres; below it and in front of the ears no hair of the head grows."""


def hair_density(positions: Floats, cut: Haircut) -> Floats:
    """[P] density of hair at positions [P, 3] on the base head, 0 to 1."""
    height, softness = _hairline(positions, cut)
    wander = np.float32(0.0022) * _hairline_noise(positions, cut)
    edge = (positions[:, 2] - height + wander) / softness
    # The throat is also behind the centre of the skull but has no hair.
    head = np.maximum(smooth_step(-0.03, -0.015, positions[:, 1]), positions[:, 2] > _JAW)
    return np.asarray(
        smooth_step(-1, 1, np.asarray(edge, np.float32)) * head * _crown_density(positions, cut),
        np.float32,
    )


def above_hairline(positions: Floats, cut: Haircut) -> Floats:
    """[P] metres by which positions [P, 3] are above the hairline."""
    return np.asarray(positions[:, 2] - _hairline(positions, cut)[0], np.float32)


def hair_thickness(positions: Floats, cut: Haircut) -> Floats:
    """[P] thickness of the hair in metres at positions [P, 3] on the base head; thin at the
    hairline.
    """
    height, _ = _hairline(positions, cut)
    # Thick hair rises gradually like a dome, flat hair reaches its full height soon.
    inside = smooth_step(-0.004, 0.035 + 0.5 * cut.thickness, positions[:, 2] - height)
    least = np.float32(min(0.25, 0.003 / max(cut.thickness, 1e-4)))
    top = smooth_step(0.755, 0.825, positions[:, 2])
    thickness = cut.side_thickness + (cut.thickness - cut.side_thickness) * top
    lumps = 1 + np.float32(0.12) * noise(
        "low", positions[:, 0] * 3 + _noise_offset(cut, 0), positions[:, 1] * 3 + positions[:, 2]
    )
    full: Floats = thickness * (least + (1 - least) * inside) * lumps
    return np.asarray(full * (0.3 + 0.7 * _crown_density(positions, cut)), np.float32)


def _hairline(positions: Floats, cut: Haircut) -> tuple[Floats, Floats]:
    """[P] height of the hairline, and half the width over which the hair thins out there."""
    across = np.abs(positions[:, 0])
    turn = np.degrees(np.arctan2(across, SKULL[1] - positions[:, 1]))
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


def _hairline_noise(positions: Floats, cut: Haircut) -> Floats:
    """[P] noise of standard deviation slightly above 1 that makes the hairline uneven."""
    u = positions[:, 0] * 4 + _noise_offset(cut, 1)
    v = (positions[:, 2] + positions[:, 1]) * 4 + _noise_offset(cut, 2)
    wandering: Floats = noise("low", u, v) + np.float32(0.5) * noise("mid", u, v)
    return wandering


def _crown_density(positions: Floats, cut: Haircut) -> Floats:
    """[P] fraction of the hair that is left by age."""
    away = np.linalg.norm((positions - _CROWN) * np.array([1, 0.8, 0.8], np.float32), axis=1)
    # Hair loss spreads from the crown.
    reach = 0.02 + 0.07 * cut.crown_loss
    bald = (1 - smooth_step(reach * 0.6, reach * 1.3, away)) * min(cut.crown_loss * 1.6, 1.0)
    return np.asarray(1 - bald, np.float32)


def _noise_offset(cut: Haircut, number: int) -> np.float32:
    """Offset of this haircut in the noise, 0 to 1; number: which of the eight seeds."""
    return np.float32(cut.seed[number] / SEED_SCALE)


Bools = NDArray[np.bool_]

_ROOTS = 1600
"""Number of guides if hair grew all over the head."""
_WHORL = np.array([0.12, 0.62, 0.78], np.float32)
"""Direction of the whorl at the crown, from which hair grows away."""
_KNOT = np.array([0, 0.118, -0.005], np.float32) + SKULL
"""Where tied hair meets, in metres."""
_FRINGE = 0.075
"""Length of a fringe in metres before it is cut."""
_STIFFNESS = np.float32(0.35)
"""Weight of the previous direction from one point to the next."""
_SHARE_OF_RISE = 4.0
"""Rate at which a hair rises to its layer along its length."""


@dataclass(frozen=True)
class Guides:
    """Guide hairs around the base head."""

    points: Floats
    """[G, K, 3] metres, from the root to the tip."""
    ends: Floats
    """[G] fraction of the length at which the hair is cut off, 0 to 1."""
    layer: Floats
    """[G] 0 for hairs on the skin to 1 for hairs on top."""


def grow_guides(disc: HeadDisc, cut: Haircut, down: Floats, points: int) -> Guides:
    """Grow guide hairs of `points` points each.

    down [3]: direction of gravity in the space of the base head.
    """
    rng = np.random.default_rng([6, *cut.seed])
    directions = _spread_directions(rng)
    skin = SKULL + directions * look_up_disc(disc.radius, directions)[:, None]
    place = skin[hair_density(skin, cut) > rng.uniform(0.1, 0.9, len(skin))]
    count = len(place)
    layer = np.sqrt(rng.random(count)).astype(np.float32)
    stray = rng.normal(0, 0.12, (count, 3)).astype(np.float32)
    fringe = _in_fringe(place, cut, rng)
    shortest = 0.68 if cut.hangs else 0.85
    length = _lengths(place, cut) * rng.uniform(shortest, 1.06, count).astype(np.float32)
    length = np.where(fringe, np.minimum(length, np.float32(_FRINGE)), length)
    lowest = _lowest(place, cut, rng)
    step = length / np.float32(points - 1)
    thickness = hair_thickness(place, cut)
    if cut.combing == "outward":
        place = _push_off_scalp(place, disc, cut, thickness, layer, 0.0)
    path, cut_off = [place], np.zeros(count, np.bool_)
    ends = np.zeros(count, np.float32)
    heading = np.zeros_like(place)
    for number in range(1, points):
        outward = unit(place - SKULL)
        comb = _combing_direction(place, outward, cut, fringe) + stray
        weight = _weight_of_gravity(place, cut, number / points)[:, None]
        wanted = unit(_along(comb, outward)) * (1 - weight) + down * weight
        heading = unit(heading * _STIFFNESS + wanted)
        place = place + heading * step[:, None]
        place = _push_off_scalp(place, disc, cut, thickness, layer, number / (points - 1))
        cut_off |= _is_cut(place, lowest, cut)
        ends[~cut_off] = number / (points - 1)
        path.append(place)
    paths = np.stack(path, axis=1).astype(np.float32)
    return Guides(_add_waves(paths, cut) if cut.wave else paths, ends, layer)


def _spread_directions(rng: np.random.Generator) -> Floats:
    """[_ROOTS, 3] directions evenly spread over the sphere, with a small random displacement."""
    number = np.arange(_ROOTS) + 0.5
    height = 1 - 2 * number / _ROOTS
    # The golden angle keeps neighbours apart.
    turn = number * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(1 - np.square(height))
    sphere = np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=1)
    return unit((sphere + rng.normal(0, 0.02, sphere.shape)).astype(np.float32))


def _in_fringe(roots: Floats, cut: Haircut, rng: np.random.Generator) -> Bools:
    """[G] whether a hair is combed over the forehead."""
    front = (roots[:, 1] < -0.085) & (np.abs(roots[:, 0]) < 0.060)
    drawn = rng.random(len(roots)) < cut.fringe
    return np.asarray(front & drawn & (cut.combing != "back"), np.bool_)


def _lengths(roots: Floats, cut: Haircut) -> Floats:
    """[G] length in metres."""
    top = smooth_step(0.755, 0.815, roots[:, 2])
    length = cut.side_length + (cut.length - cut.side_length) * top
    if not cut.hangs:
        # The hair of the neck is shorter the lower it grows.
        length = length * (0.35 + 0.65 * smooth_step(0.65, 0.72, roots[:, 2]))
    return np.asarray(length, np.float32)


def _lowest(roots: Floats, cut: Haircut, rng: np.random.Generator) -> Floats:
    """[G] lowest height that a hair may reach in front of the face."""
    ragged = rng.normal(0, 0.0035, len(roots))
    # A fringe is a little longer at its sides.
    sides = 0.006 * np.square(np.abs(roots[:, 0]) / 0.05)
    return np.asarray(cut.fringe_end + ragged - sides, np.float32)


def _is_cut(place: Floats, lowest: Floats, cut: Haircut) -> Bools:
    """[G] whether a hair has reached the point where it is cut off."""
    across = np.abs(place[:, 0])
    before_face = (place[:, 1] < -0.085) & (place[:, 2] < lowest)
    before_face &= across < 0.056 + 0.25 * (place[:, 1] + 0.16)
    if cut.hangs:
        return np.asarray(before_face, np.bool_)
    on_neck = (place[:, 2] < 0.632) | ((place[:, 2] < 0.68) & (place[:, 1] < -0.06))
    return np.asarray(before_face | on_neck, np.bool_)


def _combing_direction(place: Floats, outward: Floats, cut: Haircut, fringe: Bools) -> Floats:
    """[G, 3] direction of combing."""
    away = unit(_along(np.broadcast_to(-unit(_WHORL), outward.shape), outward))
    if cut.combing == "outward":
        return np.asarray(np.float32(0.6) * away + outward, np.float32)
    if cut.combing == "tied":
        return unit(_KNOT - place)
    comb = away
    side = np.tanh((place[:, 0] - np.float32(cut.parting)) / np.float32(0.012))
    if cut.combing != "forward":
        ahead = np.zeros_like(place)
        if cut.combing == "back":
            ahead[:] = 0, 1, -0.25
            ahead[:, 0] = 0.12 * side
        else:
            ahead[:, 0] = side
            front = 1 - smooth_step(-0.11, -0.06, place[:, 1])
            ahead[:, 1] = 0.35 + 0.75 * front
            ahead[:, 2] = -0.3 * (1 - front)
        low = (1 - smooth_step(0.70, 0.78, place[:, 2]))[:, None]
        comb = ahead * (1 - low) + (away + np.array([0, 0.2, -0.6], np.float32)) * low
    forward = np.empty_like(place)
    forward[:] = 0, -1, -0.15
    forward[:, 0] = 0.25 * side
    return np.where(fringe[:, None], forward, comb).astype(np.float32)


def _weight_of_gravity(place: Floats, cut: Haircut, part: float) -> Floats:
    """[G] weight of gravity against combing, 0 to 1; part: position along the hair, 0 to 1."""
    if cut.combing in ("tied", "outward"):
        return np.zeros(len(place), np.float32)
    if not cut.hangs:
        return np.full(len(place), 0.25 * part, np.float32)
    # Above the brows the hair is still combed to the side; below, it falls.
    below = 1 - smooth_step(0.70, 0.80, place[:, 2])
    behind = smooth_step(-0.115, -0.085, place[:, 1])
    return np.asarray(0.1 + 0.85 * below * np.maximum(behind, place[:, 2] < 0.70), np.float32)


def _push_off_scalp(
    place: Floats, disc: HeadDisc, cut: Haircut, thickness: Floats, layer: Floats, part: float
) -> Floats:
    """Push hair out of the head, and keep short hair on its layer."""
    offset = place - SKULL
    distance = np.linalg.norm(offset, axis=1)
    direction = offset / distance[:, None]
    # Hair that stands off begins at the surface of the inner shell.
    rise = np.float32(1 if cut.combing == "outward" else 1 - np.exp(-_SHARE_OF_RISE * part))
    lowest = look_up_disc(disc.radius, direction) + thickness * (0.15 + 0.85 * layer) * rise
    if cut.hangs:
        lying = smooth_step(0.74, 0.79, place[:, 2])
        wanted = np.maximum(distance, lowest) * (1 - lying) + lowest * lying
    elif cut.combing == "outward":
        wanted = np.clip(distance, lowest, lowest + 0.3 * thickness + np.float32(0.004))
    else:
        wanted = lowest + np.float32(cut.spikes) * layer * part * part
    return np.asarray(SKULL + direction * wanted[:, None], np.float32)


def _add_waves(paths: Floats, cut: Haircut) -> Floats:
    """Add waves that neighbouring hairs share."""
    steps = np.linalg.norm(np.diff(paths, axis=1, prepend=paths[:, :1]), axis=2)
    metres = steps.cumsum(axis=1)
    outward = unit(paths - SKULL)
    aside = unit(np.cross(unit(np.gradient(paths, axis=1)), outward))
    phase = paths[:, :1] @ np.array([40, 25, 15], np.float32)
    swing = np.float32(2 * np.pi * cut.wave_turns) * metres + phase
    size = np.float32(cut.wave) * np.minimum(metres / np.float32(0.10), 1)
    waved = aside * (np.sin(swing) * size)[:, :, None]
    waved += outward * ((1 + np.cos(swing)) * np.float32(0.5) * size)[:, :, None]
    return np.asarray(paths + waved, np.float32)


def _along(vectors: Floats, outward: Floats) -> Floats:
    """Return the component of vectors [G, 3] tangential to the scalp."""
    along: Floats = vectors - np.einsum("gi,gi->g", vectors, outward)[:, None] * outward
    return along
