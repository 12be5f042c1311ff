"""Wrinkles of the face caused by facial actions and by age, as a bump map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.identity import Identity
from made_faces.materials.skin_points import Actions, SkinPoints, mean_strength, side_strength
from made_faces.surface import Floats
from made_faces.texture import gaussian, smooth_ramp

_MILLIMETRE = 1e-3
_MAX_STRENGTH = 1.5
"""Upper bound of the weight of an action."""


def wrinkles(face: SkinPoints, identity: Identity, actions: Actions) -> Floats:
    """[F] height in metres that wrinkles add: negative inside, a little positive beside them.

    Depths in the functions below are millimetres on an adult's face.
    """
    left = face.left_weight()
    bump = _forehead(face, identity, actions, left)
    bump += _glabella(face, identity, actions, left)
    bump += _nose(face, actions, left)
    bump += _crows_feet(face, identity, actions, left)
    bump += _below_eyes(face, identity, actions, left)
    bump += _nasolabial(face, identity, actions, left)
    bump += _around_mouth(face, identity, actions, left)
    bump += _neck(face, identity)
    bump *= _MILLIMETRE * (0.7 + _age_depth(identity, 0.4, 0.66))
    bump *= 1 - np.clip(face.lips * 1.5, 0, 1)
    return bump


def _forehead(face: SkinPoints, identity: Identity, actions: Actions, left: Floats) -> Floats:
    """Horizontal lines: short and curved in the middle (inner brows), full width (outer brows)."""
    inner = _strength(actions, "browInnerUp")
    outer = _fold_strength(actions, "browOuterUp", left)
    age_lines = _age_depth(identity, 0.6, 0.35)
    middle = gaussian(face.x / 0.024)
    sides = gaussian((face.across - 0.034) / 0.021)
    depth = 0.85 * inner * middle + 0.75 * outer * np.maximum(sides, 0.75 * middle)
    depth = np.minimum(depth, 1.15) + age_lines * gaussian(face.x / 0.045)
    if not depth.any():
        return np.zeros_like(face.x)
    # Lines follow the arch of raised outer brows; raised inner brows only lift their middle.
    arch = 0.0035 * np.sin(np.minimum(face.across * 42, np.pi))
    bend = outer * arch - inner * 4.5 * np.minimum(np.square(face.x), 9e-4)
    spacing = 0.0084 + 0.0024 * float(identity.texture_offsets[3])
    wander = 0.0012 * face.patches
    turns = (face.z - 0.7690 - bend + wander) / spacing
    band = smooth_ramp(0.7610, 0.7680, face.z) * smooth_ramp(0.8040, 0.7900, face.z)
    broken = np.clip(1 + 0.35 * face.blotches, 0.3, 1.4)
    height: Floats = -depth * band * broken * _grooves(turns) * face.front
    return height


def _glabella(face: SkinPoints, identity: Identity, actions: Actions, left: Floats) -> Floats:
    """Vertical furrows between the brows, slanted outwards, and a horizontal one below."""
    frown = _fold_strength(actions, "browDown", left)
    sneer = _fold_strength(actions, "noseSneer", left)
    age_lines = _age_depth(identity, 0.7, 0.3)
    foot = 0.0062 + 0.12 * (face.z - 0.745)
    upright = gaussian((face.across - foot) / 0.0018) - 0.35 * gaussian(
        (face.across - foot - 0.0042) / 0.0024
    )
    upright *= gaussian((face.z - 0.7490) / 0.0085)
    middle = gaussian(face.x / 0.0012) * gaussian((face.z - 0.757) / 0.006)
    across = gaussian((face.z - 0.7375 - 12 * np.square(face.x)) / 0.0013)
    across *= gaussian(np.square(face.x / 0.011))
    vertical = (1.15 * frown + age_lines) * (upright + 0.25 * middle)
    horizontal = (0.40 * frown + 0.45 * sneer) * across
    height: Floats = -(vertical + horizontal) * face.front
    return height


def _nose(face: SkinPoints, actions: Actions, left: Floats) -> Floats:
    """Lines of a sneer over the bridge and the sides of the nose."""
    sneer = _fold_strength(actions, "noseSneer", left)
    if not sneer.any():
        return sneer
    # They run outwards and downwards from the bridge, so that both sides form an arch.
    turns = (face.z - 0.7210 + 0.50 * face.across) / 0.0064
    zone = gaussian(np.square(face.across / 0.0135)) * gaussian(
        np.square((face.z - 0.7245) / 0.0115)
    )
    height: Floats = -0.80 * sneer * zone * _grooves(turns)
    return height


def _crows_feet(face: SkinPoints, identity: Identity, actions: Actions, left: Floats) -> Floats:
    """A fan of lines from the outer corner of the eye."""
    smile = _fold_strength(actions, "mouthSmile", left)
    squint = side_strength(actions, "cheekSquint", left) + 0.4 * side_strength(
        actions, "eyeSquint", left
    )
    age_lines = _age_depth(identity, 0.6, 0.4)
    depth = np.minimum(0.55 * smile + 0.65 * squint, 1.2) + age_lines
    outwards = face.across - 0.0405
    upwards = face.z - 0.7265
    distance = np.hypot(outwards, upwards)
    reach = smooth_ramp(0.0075, 0.0120, distance) * smooth_ramp(0.0260, 0.0150, distance)
    # Over the narrow fan, upwards / outwards is nearly the angle.
    angle = upwards / np.maximum(outwards, 0.002)
    fan = np.where(outwards > 0.002, gaussian(np.square(angle * 1.15)), 0)
    turns = angle * 2.3 + 0.25 + 0.03 * face.blotches
    height: Floats = -0.45 * depth * reach * fan * _grooves(turns)
    return height


def _below_eyes(face: SkinPoints, identity: Identity, actions: Actions, left: Floats) -> Floats:
    """Furrow under the lower lid caused by raised cheeks, and bags caused by age."""
    squint = 0.9 * side_strength(actions, "cheekSquint", left) + 0.7 * side_strength(
        actions, "eyeSquint", left
    )
    squint += 0.4 * _fold_strength(actions, "noseSneer", left)
    age_lines = _age_depth(identity, 0.6, 0.55)
    depth = np.minimum(0.6 * squint, 1.0) + age_lines
    rise = 10 * np.square(face.across - 0.031)
    width = gaussian(np.square((face.across - 0.031) / 0.014))
    upper = gaussian((face.z - 0.7165 - rise) / 0.0013)
    lower = gaussian((face.z - 0.7115 - rise * 0.8) / 0.0020)
    bag = gaussian((face.z - 0.7190 - rise) / 0.0018)
    height: Floats = -depth * width * (0.8 * upper + 0.55 * lower - 0.35 * bag) * face.front
    return height


def _nasolabial(face: SkinPoints, identity: Identity, actions: Actions, left: Floats) -> Floats:
    """The nasolabial fold from the wing of the nose past the corner of the mouth."""
    smile = _fold_strength(actions, "mouthSmile", left)
    sneer = _fold_strength(actions, "noseSneer", left)
    raised = _fold_strength(actions, "mouthUpperUp", left)
    stretch = _fold_strength(actions, "mouthStretch", left)
    age_lines = 0.12 + _age_depth(identity, 0.5, 0.38)
    down = np.clip((0.6930 - face.z) * (1 / 0.038), 0, 1)
    curve = 0.0195 + 0.0205 * down - 0.0045 * down * down
    beside = face.across - curve
    # A sneer folds the upper end beside the nose, a smile the whole length.
    begin = smooth_ramp(0.6975, 0.6890, face.z)
    length = begin * smooth_ramp(0.6500, 0.6660, face.z)
    upper = begin * smooth_ramp(0.6600, 0.6800, face.z)
    # A smile flattens the lower part and has a fold of its own.
    depth = (0.35 * stretch + age_lines * (1 - 0.55 * np.minimum(smile, 1))) * length
    depth += (0.20 * smile + 1.15 * sneer + 0.45 * raised) * (0.75 * upper + 0.25 * length)
    # A soft valley with a crease, and the cheek that bulges beside it.
    groove = 0.55 * gaussian(beside / 0.0018) + 0.45 * gaussian(beside / 0.0042)
    bulge = gaussian((beside - 0.0066) / 0.0045)
    fold = np.minimum(depth, 1.6) * (groove - 0.35 * bulge) + 0.8 * smile * _smile_fold(face)
    height: Floats = -fold * face.front
    return height


def _smile_fold(face: SkinPoints) -> Floats:
    """[F] crease of a smile, from the wing of the nose outwards below the cheek.

    The mouth corners move so far that it is much flatter on the base head than on the posed face.
    """
    outwards = face.across - 0.0195
    above = (face.z - 0.6925 + 0.76 * outwards) * 0.8
    length = smooth_ramp(-0.0020, 0.0030, outwards) * smooth_ramp(0.0190, 0.0130, outwards)
    groove = 0.55 * gaussian(above / 0.0016) + 0.45 * gaussian(above / 0.0038)
    crease: Floats = length * (groove - 0.35 * gaussian((above - 0.006) / 0.004))
    return crease


def _around_mouth(face: SkinPoints, identity: Identity, actions: Actions, left: Floats) -> Floats:
    """Dimples, lines below lowered mouth corners, chin pits and lines of pursed lips."""
    frown = _fold_strength(actions, "mouthFrown", left)
    dimple = side_strength(actions, "mouthDimple", left) + 0.5 * side_strength(
        actions, "mouthStretch", left
    )
    chin = _strength(actions, "mouthShrugLower") + 0.3 * mean_strength(actions, "mouthFrown")
    purse = _strength(actions, "mouthPucker") + 0.4 * _strength(actions, "mouthRollUpper")
    age_lines = _age_depth(identity, 0.65, 1)
    slanted = face.across - 0.0285 - 0.32 * (0.6550 - face.z)
    marionette = gaussian(slanted / 0.0017) * gaussian(np.square((face.z - 0.6475) / 0.0095))
    beside = gaussian((face.across - 0.0345) / 0.0016) * gaussian((face.z - 0.6610) / 0.0075)
    below_lip = gaussian((face.z - 0.6395) / 0.0026) * gaussian(np.square(face.across / 0.017))
    pits = face.blob(0, 0.626, 0.015, 0.0085) * np.clip(face.blotches, -0.5, 1.5)
    pits *= smooth_ramp(-0.115, -0.132, face.y)
    bump = (0.8 * frown + 0.35 * age_lines) * marionette + 0.9 * dimple * beside
    bump += 0.6 * chin * below_lip + 0.16 * chin * pits
    if purse + age_lines > 0:
        lines = _grooves(face.x / 0.0042 + 0.1 * face.blotches)
        rim = face.blob(0, 0.6765, 0.018, 0.0045) + 0.6 * face.blob(0, 0.6440, 0.016, 0.0035)
        bump += (0.35 * purse + 0.3 * age_lines) * rim * lines
    height: Floats = -bump * face.front
    return height


def _neck(face: SkinPoints, identity: Identity) -> Floats:
    """Rings around the neck, caused by age."""
    age_lines = _age_depth(identity, 0.55, 1)
    if age_lines == 0:
        return np.zeros_like(face.x)
    turns = (face.z - 0.585 + 0.0015 * face.patches) / 0.017
    height: Floats = -0.4 * age_lines * smooth_ramp(0.612, 0.600, face.z) * _grooves(turns)
    return height


def _grooves(turns: NDArray[Any]) -> Floats:
    """Sharp periodic furrows: 1 at the bottom, once per turn, with broad rounded ridges between."""
    groove: Floats = np.exp(2.4 * (np.cos(turns * (2 * np.pi)) - 1))
    groove -= 0.25
    return groove


def _strength(actions: Actions, name: str) -> float:
    return min(max(actions.get(name, 0.0), 0.0), _MAX_STRENGTH)


def _fold_strength(actions: Actions, name: str, left: Floats) -> Floats:
    """[F] weight of an action on its side, clipped to the range that deepens wrinkles."""
    strength: Floats = np.minimum(side_strength(actions, name, left), _MAX_STRENGTH)
    return strength


def _age_depth(identity: Identity, start: float, depth: float) -> float:
    """0 up to the age `start`, rising linearly to `depth` at age 1."""
    return depth * max(float(identity.age) - start, 0) / (1 - start)
