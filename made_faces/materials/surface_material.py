"""The material of every visible point of a head: skin, hair, eyes, mouth and shirt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.head import Head
from made_faces.face_model.identity import Identity
from made_faces.materials.eyes_and_mouth import (
    CAVITY_ROUGHNESS,
    CAVITY_SPECULAR,
    EYE_ROUGHNESS,
    EYE_SPECULAR,
    LIPS_ROUGHNESS_OFFSET,
    LIPS_SPECULAR,
    SOCKET_SPECULAR,
    TEETH_ROUGHNESS,
    TEETH_SPECULAR,
    TONGUE_ROUGHNESS,
    TONGUE_SPECULAR,
    cavity_albedo,
    eye_albedo,
    lip_albedo,
    lip_bump,
    lip_coverage,
    lower_teeth,
    socket_colour,
    tongue_albedo,
    upper_teeth,
)
from made_faces.materials.face_hair import (
    beard,
    beard_colour,
    brow_colour,
    brows,
    near_brows,
    scalp_hair,
)
from made_faces.materials.skin import skin_albedo, skin_bump, skin_gloss
from made_faces.materials.skin_points import Actions, SkinPoints, head_noise_u, mix
from made_faces.materials.wrinkles import wrinkles
from made_faces.surface import Floats, Ints, Material, Region, Surface
from made_faces.texture import gaussian, look_up_mask, noise, smooth_ramp

_SCATTERING_TEETH = 0.5
_SCATTERING_EYES = 0.3
"""Material.scatter of both."""
_NO_PIXEL = 0.001
"""Assumed pixel size in metres where no neighbouring pixels are available."""


def surface_material(
    surface: Surface, head: Head, identity: Identity, actions: Actions
) -> Material:
    """Return the material of each point of `surface`, looked up on the base head.

    actions: the facial actions of the expression; they move brows and wrinkle the skin.
    """
    count = len(surface.region)
    material = Material(
        albedo=np.zeros((count, 3), np.float32),
        roughness=np.full(count, 0.5, np.float32),
        specular=np.zeros(count, np.float32),
        scatter=np.zeros(count, np.float32),
        height=np.zeros(count, np.float32),
    )
    _write_skin(material, surface, head, identity, actions)
    _write_eyes(material, surface, head, identity, actions)
    _write_mouth(material, surface)
    return material


def _write_skin(
    material: Material, surface: Surface, head: Head, identity: Identity, actions: Actions
) -> None:
    index = np.flatnonzero(surface.region == Region.SKIN)
    skin = _skin_points(surface, index, head, identity)
    roughness, specular = skin_gloss(skin, identity)
    height = skin_bump(skin, identity)
    # Selected after the lookups, so that the face shares the skin's noise.
    in_face = np.flatnonzero((skin.y < -0.03) & (skin.z > 0.57) & (skin.z < 0.83))
    face = skin.subset(in_face)
    albedo = skin_albedo(skin, face, in_face, identity)
    height[in_face] += wrinkles(face, identity, actions)
    lips, hairs = np.zeros_like(skin.x), np.zeros_like(skin.x)
    lips[in_face] = _apply_lips(albedo, height, face, in_face, identity)
    hairs[in_face] = _apply_face_hair(albedo, height, face, in_face, identity, actions)
    roots = scalp_hair(skin, identity)
    albedo = mix(albedo, np.asarray(identity.hair, np.float32), roots)
    hairs = np.maximum(hairs, roots)
    specular = specular * (1 - 0.7 * hairs) * (1 - lips) + LIPS_SPECULAR * lips
    roughness = roughness + LIPS_ROUGHNESS_OFFSET * lips
    cloth = shirt(skin, identity)
    bare = 1 - cloth.cover
    material.albedo[index] = mix(albedo, cloth.albedo, cloth.cover)
    material.roughness[index] = roughness * bare + SHIRT_ROUGHNESS * cloth.cover
    material.specular[index] = specular * bare + SHIRT_SPECULAR * cloth.cover
    material.scatter[index] = (1 - 0.6 * hairs) * bare
    material.height[index] = height * bare + cloth.bump


def _apply_lips(
    albedo: Floats, height: Floats, face: SkinPoints, in_face: NDArray[Any], identity: Identity
) -> Floats:
    """Apply lips to the points of the face; returns [F] how much of each is lip."""
    part = lip_coverage(face)
    near = np.flatnonzero(part > 0)
    lips, at = face.subset(near), in_face[near]
    albedo[at] = mix(albedo[at], lip_albedo(lips, identity), part[near] * 0.9)
    height[at] = height[at] * (1 - part[near]) + lip_bump(lips) * part[near]
    return part


def _apply_face_hair(
    albedo: Floats,
    height: Floats,
    face: SkinPoints,
    in_face: NDArray[Any],
    identity: Identity,
    actions: Actions,
) -> Floats:
    """Apply beard and brows to the points of the face; returns [F] how much of each is hair."""
    hairs, bump = beard(face, identity)
    if identity.beard > 0:
        albedo[in_face] = mix(albedo[in_face], beard_colour(identity), hairs)
        height[in_face] += bump
    near = np.flatnonzero(near_brows(face))
    cover = brows(face.subset(near), identity, actions)
    at = in_face[near]
    albedo[at] = mix(albedo[at], brow_colour(identity), cover)
    hairs[near] = np.maximum(hairs[near], cover)
    return hairs


def _write_eyes(
    material: Material, surface: Surface, head: Head, identity: Identity, actions: Actions
) -> None:
    for region, ball in zip((Region.LEFT_EYE, Region.RIGHT_EYE), head.eyes, strict=True):
        index = np.flatnonzero(surface.region == region)
        points = head.template[ball]
        centre = (points.min(axis=0) + points.max(axis=0)) / 2
        material.albedo[index] = eye_albedo(surface.template[index], centre, identity, actions)
        material.roughness[index] = EYE_ROUGHNESS
        material.specular[index] = EYE_SPECULAR
        material.scatter[index] = _SCATTERING_EYES
    socket = np.flatnonzero(surface.region == Region.EYE_SOCKET)
    material.albedo[socket] = socket_colour(identity)
    material.specular[socket] = SOCKET_SPECULAR
    material.scatter[socket] = 1


def _write_mouth(material: Material, surface: Surface) -> None:
    def points(region: Region) -> tuple[NDArray[Any], Floats]:
        index = np.flatnonzero(surface.region == region)
        return index, surface.template[index]

    for region, teeth in (
        (Region.UPPER_TEETH, upper_teeth),
        (Region.LOWER_TEETH, lower_teeth),
    ):
        index, template = points(region)
        material.albedo[index], material.height[index] = teeth(template)
        material.roughness[index] = TEETH_ROUGHNESS
        material.specular[index] = TEETH_SPECULAR
        material.scatter[index] = _SCATTERING_TEETH
    index, template = points(Region.TONGUE)
    material.albedo[index] = tongue_albedo(template)
    material.roughness[index] = TONGUE_ROUGHNESS
    material.specular[index] = TONGUE_SPECULAR
    material.scatter[index] = 1
    index, template = points(Region.MOUTH_CAVITY)
    material.albedo[index] = cavity_albedo(template)
    material.roughness[index] = CAVITY_ROUGHNESS
    material.specular[index] = CAVITY_SPECULAR


def _skin_points(
    surface: Surface, index: NDArray[Any], head: Head, identity: Identity
) -> SkinPoints:
    """Return the skin's points; each mask is looked up only where it can differ from 0."""
    x, y, z = np.ascontiguousarray(surface.template[index].T)
    across = np.abs(x)
    front = y < -0.08
    regions = {
        "lips": front & (across < 0.045) & (z > 0.625) & (z < 0.695),
        "eyelids": front & (across < 0.062) & (z > 0.700) & (z < 0.755),
        "ears": (across > 0.050) & (z > 0.66) & (z < 0.76),
    }
    masks = {name: np.zeros_like(x) for name in regions}
    for name, near in regions.items():
        at = np.flatnonzero(near)
        masks[name][at] = look_up_mask(head.masks[name], surface.uv[index[at]])
    return SkinPoints(
        x=x,
        y=y,
        z=z,
        lips=masks["lips"],
        eyelids=masks["eyelids"],
        ears=masks["ears"],
        noise_u=head_noise_u(x, y),
        offsets=np.asarray(identity.texture_offsets, np.float32),
        pixel=_pixel_size(surface),
    )


def _pixel_size(surface: Surface) -> float:
    """Distance in metres on the base head between neighbouring pixels where the face is frontal."""
    step = max(1, len(surface.rows) // 4000)
    first: Ints = np.arange(0, len(surface.rows) - 1, step, dtype=np.int32)
    neighbours = (surface.rows[first] == surface.rows[first + 1]) & (
        surface.columns[first] + 1 == surface.columns[first + 1]
    )
    first = first[neighbours & (surface.region[first] == Region.SKIN)]
    if not len(first):
        return _NO_PIXEL
    apart = np.linalg.norm(surface.template[first + 1] - surface.template[first], axis=1)
    return float(np.quantile(apart, 0.3))


SHIRT_ROUGHNESS, SHIRT_SPECULAR = 0.85, 0.15

_RIB = 0.011
"""Height of the collar's knitted band in metres."""


@dataclass(frozen=True)
class Cloth:
    """The shirt's contribution, one row for each point."""

    cover: Floats
    """[P] 1 where there is cloth."""
    albedo: Floats
    """[P, 3] albedo."""
    bump: Floats
    """[P] bump map in metres."""


def shirt(skin: SkinPoints, identity: Identity) -> Cloth:
    """Return the shirt over the points of the skin."""
    below = _below_collar(skin, identity)
    part = smooth_ramp(-0.0012, 0.0012, below)
    weave = noise("fine", skin.x * 7, skin.z * 7)
    folds = noise("low", skin.x * 2.5 + skin.offsets[2], skin.z * 2.5)
    rib = smooth_ramp(_RIB + 0.0006, _RIB - 0.0006, below)
    seam = gaussian((below - _RIB) / 0.0011)
    light = 1 + 0.05 * weave + 0.05 * folds - 0.28 * seam - 0.06 * rib
    albedo = np.asarray(identity.shirt, np.float32) * light[:, None]
    bump = 0.0011 * rib + 0.0009 * folds - 0.0006 * seam
    return Cloth(part, albedo, bump * part)


def _below_collar(skin: SkinPoints, identity: Identity) -> Floats:
    """[P] metres below the collar, which is lower in front and higher at the sides of the neck."""
    front = np.maximum(-skin.y - 0.02, 0)
    middle = np.maximum(0.10 - skin.across, 0)
    below: Floats = float(identity.collar) - 0.34 * front - 0.10 * middle - skin.z
    return below
