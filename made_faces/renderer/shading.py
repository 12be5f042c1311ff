"""Light on a painted head: four lights, scattered by its surface or mirrored by its gloss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from made_faces.geometry import unit
from made_faces.renderer.camera import Camera
from made_faces.renderer.plain_light import SCATTERED, SKY_GAIN, SKY_MEAN
from made_faces.scene.scene import Lighting
from made_faces.surface import Floats, Paint, Surface

_WRAP = np.array([0.32, 0.14, 0.09], np.float32)
"""How far light creeps past the edge of the lit side of skin; red, which blood lets through,
farthest (after Green, "Real-time approximations to subsurface scattering", GPU Gems, 2004)."""
_FALL = np.float32(0.24)
"""Extra fall of the light on skin towards that edge."""
_PENUMBRA = np.array([0.18, -0.04, -0.1], np.float32)
"""What the half-shadow on skin gains and loses: it is redder than light or shadow."""
_HOLLOW = np.array([0.22, -0.05, -0.1], np.float32)
"""The same for hollows, where light bounces from skin to skin."""
_MIRRORED = np.float32(0.9)
"""Strength of all that gloss mirrors; sets its balance with the scattered part."""
_FACING_REFLECTANCE = np.float32(0.04)
"""Part of the light that a dielectric mirrors straight back."""
_ROUGHEST_MIRROR = np.float32(0.2)
"""Roughness below which a highlight would slip between two pixels."""
_BRIGHTEST = np.float32(6)
"""Highlights above this would burn into blots."""
_RIM = np.float32(0.9)
"""Brightness of an edge in a rim light of strength 1."""
_SHEEN = np.float32(0.02)
"""Part of the light from around that gloss mirrors at its edges."""


@dataclass(frozen=True)
class Reach:
    """How much of the light arrives at each point of a surface."""

    shadow: Floats
    """[P] 0 in the key light to 1 in its shadow."""
    openness: Floats
    """[P] 1 in the open to 0 in a hollow."""
    recess: Floats
    """[P] part of all light that is left, between lids and lips and in creases."""


def shade(
    surface: Surface,
    paint: Paint,
    normals: Floats,
    camera: Camera,
    lighting: Lighting,
    reach: Reach,
) -> Floats:
    """[P, 3] linear light that the surface sends to the camera.

    normals [P, 3]: the surface's, with its relief.
    """
    view = unit(camera.place - surface.position)
    facing = np.clip(_dot(normals, view), 0, 1)
    lit = 1 - reach.shadow
    hollow = _tinted(reach.openness, paint.scatter, _HOLLOW)
    sky = (SKY_MEAN + SKY_GAIN * normals[:, 2])[:, None] * hollow * lighting.ambient
    key = _scatter(normals @ lighting.key, paint.scatter)
    key *= _tinted(lit, paint.scatter, _PENUMBRA) * lighting.key_colour
    fill = _scatter(normals @ lighting.fill, paint.scatter) * hollow * lighting.fill_colour
    light = (sky + key + fill) * SCATTERED
    light += _rim(normals, facing, lighting, reach)[:, None]
    light *= reach.recess[:, None]
    gloss = (
        lighting.key_colour * (_mirror(normals, view, facing, lighting.key, paint) * lit)[:, None]
    )
    gloss += (
        lighting.fill_colour
        * (_mirror(normals, view, facing, lighting.fill, paint) * reach.openness)[:, None]
    )
    grazing = 1 - facing
    gloss += lighting.ambient * (_SHEEN * grazing * grazing * grazing * reach.openness)[:, None]
    gloss *= (paint.specular * reach.recess * _MIRRORED)[:, None]
    colour: Floats = paint.albedo * light + gloss
    return colour


def _scatter(cosine: Floats, scatter: Floats) -> Floats:
    """[P, 3] diffuse light by the cosine of its angle; past 90 degrees where light seeps."""
    wrap = scatter[:, None] * _WRAP
    wrapped = np.clip((cosine[:, None] + wrap) / (1 + wrap), 0, 1)
    diffuse: Floats = wrapped * (1 - _FALL * scatter[:, None] * (1 - wrapped))
    return diffuse


def _tinted(part: Floats, scatter: Floats, tint: Floats) -> Floats:
    """[P, 3] a part of the light, tinted half-way between none and all of it."""
    tinted: Floats = part[:, None] + (part * (1 - part) * scatter)[:, None] * tint
    return tinted


def _rim(normals: Floats, facing: Floats, lighting: Lighting, reach: Reach) -> Floats:
    """[P] light from behind, which reaches only what turns away from the camera."""
    if lighting.rim_strength <= 0:
        return np.zeros(len(normals), np.float32)
    grazing = np.clip(np.float32(1.25) - facing, 0, 1)
    strength = np.float32(lighting.rim_strength) * _RIM
    light: Floats = strength * np.clip(normals @ lighting.rim, 0, 1) * grazing * reach.openness
    return light


def _mirror(normals: Floats, view: Floats, facing: Floats, light: Floats, paint: Paint) -> Floats:
    """[P] light mirrored towards the camera: GGX with Schlick's Fresnel and a short masking term.

    Walter et al., "Microfacet models for refraction through rough surfaces", 2007.
    """
    half = unit(view + light)
    spread = np.square(np.square(np.maximum(paint.roughness, _ROUGHEST_MIRROR)))
    closeness = np.square(_dot(normals, half))
    lobe = spread / (np.float32(np.pi) * np.square(closeness * (spread - 1) + 1))
    glance = 1 - np.clip(_dot(view, half), 0, 1)
    squared = glance * glance
    fresnel = _FACING_REFLECTANCE + (1 - _FACING_REFLECTANCE) * squared * squared * glance
    cosine = np.clip(normals @ light, 0, 1)
    masking = 1 + 3 * facing
    mirrored: Floats = np.minimum(lobe * fresnel * cosine / masking, _BRIGHTEST)
    return mirrored


def _dot(first: Floats, second: Floats) -> Floats:
    """[P] scalar products, row by row."""
    products: Floats = np.einsum("pi,pi->p", first, second)
    return products
