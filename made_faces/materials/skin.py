"""Albedo, gloss and bump map of bare skin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.identity import Identity
from made_faces.materials.face_hair import beard_area
from made_faces.materials.skin_points import SkinPoints
from made_faces.surface import Floats
from made_faces.texture import gaussian, smooth_ramp

_PIGMENTS = np.array([[0.03, 0.33, 0.27], [0.26, 0.37, 0.46], [0.50, 0.62, 0.52]], np.float32)
"""Absorption of red, green and blue light by blood, melanin and a bluish shade, as exponents."""

_SPECULAR = 0.45
"""Below that of a plain dielectric, since skin is rough at a scale finer than a pixel."""


def skin_albedo(
    skin: SkinPoints, face: SkinPoints, face_index: NDArray[Any], identity: Identity
) -> Floats:
    """[P, 3] albedo of the points `skin`, of which face_index [F] are the points `face`."""
    uneven = float(identity.blotches)
    blood = 0.10 * np.maximum(skin.patches, -1) + 0.05 * skin.blotches + 0.9 * skin.ears
    melanin = 0.06 * skin.patches + 0.05 * skin.blotches + 0.03 * skin.grain
    blood *= uneven
    melanin *= uneven
    shade = np.zeros_like(blood)
    blood[face_index] += uneven * _flush(face) * float(1 - 0.5 * identity.darkness)
    melanin[face_index] += _tan(face, identity) + _freckles(face, identity) + _moles(face, identity)
    shade[face_index] += _shadows(face, identity) + _stubble(face, identity)
    exponents = np.stack([blood, melanin, shade], axis=1) @ _PIGMENTS
    return np.asarray(identity.skin, np.float32) * np.exp(-exponents)


def skin_gloss(skin: SkinPoints, identity: Identity) -> tuple[Floats, Floats]:
    """Roughness [P] and specular strength [P]: forehead and nose are glossy, the neck is dull."""
    oily = skin.front * (
        0.6 * skin.blob(0, 0.70, 0.012, 0.03) + 0.35 * skin.blob(0, 0.785, 0.04, 0.02)
    )
    dull = smooth_ramp(0.66, 0.63, skin.z)
    roughness = float(identity.gloss + 0.04) - 0.12 * oily + 0.12 * dull + 0.02 * skin.blotches
    specular = _SPECULAR * (1 + 0.5 * oily - 0.35 * dull + 0.08 * skin.grain)
    return roughness, specular


def skin_bump(skin: SkinPoints, identity: Identity) -> Floats:
    """[P] height in metres of the skin's grain and pores.

    Details too fine for the pixels are left out, since they would alias.
    """
    age = float(max(identity.age - 0.3, 0))
    bump = 12e-6 * (1 + age) * skin.blotches
    grain = skin.resolvable(2.0e-3)
    if grain > 0:
        bump += (7e-6 + 5e-6 * age) * grain * skin.grain
    pores = skin.resolvable(0.7e-3)
    if pores > 0:
        open_pores = 0.5 + skin.front * (
            skin.blob(0, 0.695, 0.02, 0.02) + 0.6 * skin.blob(0.035, 0.695, 0.02, 0.02)
        )
        bump -= (9e-6 * pores) * open_pores * np.maximum(skin.pores, 0)
    return bump


def _flush(face: SkinPoints) -> Floats:
    """[F] blood close to the surface: cheeks, nose, chin, lids, around the nostrils."""
    uneven = 1 + 0.15 * face.patches
    flush = 0.55 * face.blob(0.042, 0.692, 0.021, 0.017) * uneven
    flush += 0.60 * face.blob(0, 0.690, 0.014, 0.011) + 0.5 * face.blob(0.019, 0.684, 0.006, 0.006)
    flush += 0.25 * face.blob(0, 0.627, 0.022, 0.012) + 0.45 * face.eyelids
    flush += 0.9 * face.blob(0.0165, 0.7245, 0.0035, 0.003)
    return flush * face.front


def _tan(face: SkinPoints, identity: Identity) -> Floats:
    """[F] melanin: a browner forehead, and for dark skin also around eyes and mouth."""
    around_mouth = face.blob(0.012, 0.660, 0.028, 0.018)
    around_eyes = face.blob(0.032, 0.724, 0.021, 0.014)
    darker = float(0.10 + 0.45 * identity.darkness)
    melanin = darker * (0.5 * around_mouth + 0.6 * around_eyes)
    melanin += 0.14 * face.blob(0, 0.785, 0.05, 0.02)
    return np.asarray(melanin * face.front, np.float32)


def _shadows(face: SkinPoints, identity: Identity) -> Floats:
    """[F] circles under the eyes, crease of the upper lid, dark nostrils."""
    tired = 0.22 + 0.35 * float(identity.texture_offsets[7]) + 0.5 * max(identity.age - 0.5, 0)
    # The circle follows the lower lid: lowest below the pupil, rising towards the nose.
    trough = face.z - 0.7135 - 9 * np.square(face.across - 0.030)
    circles = gaussian(trough / 0.0038) * gaussian((face.across - 0.029) / 0.013)
    lid = face.z - 0.7365 + 14 * np.square(face.across - 0.031)
    crease = gaussian(lid / 0.0016) * gaussian((face.across - 0.032) / 0.012)
    shade: Floats = tired * circles + 0.35 * crease + 3.0 * _nostrils(face)
    return shade * face.front


def _nostrils(face: SkinPoints) -> Floats:
    """[F] 1 at the top of the nostrils, which are only shallow dents in the mesh."""
    hole = face.blob(0.0090, 0.6872, 0.0030, 0.0013)
    return hole * gaussian((face.y + 0.1573) / 0.0034)


def _freckles(face: SkinPoints, identity: Identity) -> Floats:
    """[F] melanin in spots on cheeks, nose and forehead."""
    if identity.freckles <= 0:
        return np.zeros_like(face.x)
    zone = face.blob(0.02, 0.698, 0.045, 0.028) + 0.35 * face.blob(0, 0.78, 0.05, 0.02)
    spots = np.clip(face.grain + 0.6 * face.blotches - 1.0, 0, 1.2)
    melanin = spots * zone * float(2.2 * identity.freckles)
    return np.asarray(melanin * face.front, np.float32)


def _moles(face: SkinPoints, identity: Identity) -> Floats:
    """[F] up to three dark spots at positions specific to the identity."""
    rng = np.random.default_rng([identity.number, 41])
    melanin = np.zeros_like(face.x)
    for _ in range(int(rng.integers(0, 4))):
        x, z = rng.uniform(-0.055, 0.055), rng.uniform(0.63, 0.79)
        size, depth = rng.uniform(0.0007, 0.0014), rng.uniform(0.8, 2.2)
        distance = np.square(face.x - x) + np.square(face.z - z)
        near = distance < 9 * size * size
        melanin[near] += depth * np.exp(-np.square(distance[near] / (size * size)))
    return melanin * face.front


def _stubble(face: SkinPoints, identity: Identity) -> Floats:
    """[F] shade of a shaven jaw, for men only."""
    male = max(1 - 2.2 * identity.female, 0) * min(max((identity.age - 0.4) / 0.1, 0), 1)
    if male == 0:
        return np.zeros_like(face.x)
    dark_hair = 1 - min(float(np.mean(identity.hair)) / 0.25, 0.8)
    return float(0.32 * male * dark_hair) * beard_area(face) * (1 + 0.25 * face.grain)
