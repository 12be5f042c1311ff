"""Light on a painted head: four lights, scattered by its surface or mirrored by its gloss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from made_faces.renderer.camera import Camera
from made_faces.scene.scene import Lighting
from made_faces.surface import TOWARDS_CAMERA, Floats, Material, Surface, unit

SKY_MEAN, SKY_GAIN = np.float32(0.62), np.float32(0.38)
"""Parts of the light from around that reach whatever faces sideways, and more what faces up."""
SCATTERED = np.float32(0.62)
"""What a white surface scatters to the camera of the light that falls on it."""


def halfway(lighting: Lighting) -> Floats:
    """[3] the unit normal that mirrors the key light towards the camera."""
    return unit(lighting.key + TOWARDS_CAMERA)


def diffuse_light(normal: Floats, lighting: Lighting, wrap: float = 0.15) -> Floats:
    """[P, 3] light that a white matte surface sends out; `wrap` lets it reach round the edge."""
    softness = np.float32(wrap)
    light = lighting.ambient * (SKY_MEAN + SKY_GAIN * normal[:, 2:])
    for direction, colour in (
        (lighting.key, lighting.key_colour),
        (lighting.fill, lighting.fill_colour),
    ):
        facing = np.clip((normal @ direction + softness) / (1 + softness), 0, 1)
        light = light + facing[:, None] * colour
    rim = np.clip(normal @ lighting.rim, 0, 1) * np.float32(lighting.rim_strength)
    lit: Floats = ((light + rim[:, None]) * SCATTERED).astype(np.float32)
    return lit


def specular_light(normal: Floats, lighting: Lighting, sharpness: float) -> Floats:
    """[P, 3] the key light's reflection; `sharpness` as Blinn and Phong's exponent."""
    shine = np.power(np.clip(normal @ halfway(lighting), 0, 1), np.float32(sharpness))
    glint: Floats = (shine[:, None] * lighting.key_colour).astype(np.float32)
    return glint


_STEEPEST = 0.9
"""Slope to which the relief is held, where two regions meet at different heights."""
_CREASES = 450.0
"""Loss of light a metre of depth, in creases too fine for the depth of the mesh to show."""
_DARKEST_CREASE, _BRIGHTEST_RIDGE = -0.35, 0.1
"""The most that creases lose and ridges gain."""


def perturb_normals(
    surface: Surface, height: Floats, width: int, rows: int, pixels_per_metre: float
) -> Floats:
    """[P, 3] the surface's normals, bent by the slope of the relief [P] in metres.

    width, rows: the picture's size in pixels.
    """
    at = (surface.rows, surface.columns)
    image = np.zeros((rows, width), np.float32)
    image[at] = height
    scale = pixels_per_metre / 8  # A Sobel filter sums eight differences of one pixel each.
    to_right: Any = cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=scale)
    downwards: Any = cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=scale)
    slope = np.zeros_like(surface.normal)
    # The picture's columns follow x and its rows run against z.
    slope[:, 0], slope[:, 2] = to_right[at], -downwards[at]
    np.clip(slope, -_STEEPEST, _STEEPEST, out=slope)
    lean = np.einsum("pi,pi->p", slope, surface.normal)[:, None]
    return unit(surface.normal - (slope - lean * surface.normal))


def crease_light(height: Floats) -> Floats:
    """[P] how much of the light reaches the bottom of the relief's creases, about 1."""
    light: Floats = 1 + np.clip(height * np.float32(_CREASES), _DARKEST_CREASE, _BRIGHTEST_RIDGE)
    return light.astype(np.float32)


_WRAP = np.array([0.32, 0.14, 0.09], np.float32)
"""How far light creeps past the edge of the lit side of skin; red, which blood lets through,
farthest (after Green, "Real-time approximations to subsurface scattering", GPU Gems, 2004)."""
_FALL = np.float32(0.24)
"""Extra fall of the light on skin towards that edge."""
_PENUMBRA = np.array([0.18, -0.04, -0.1], np.float32)
"""What the half-shadow on skin gains and loses: it is redder than light or shadow."""
_HOLLOW = np.array([0.22, -0.05, -0.1], np.float32)
"""The same for hollows, where light bounces from skin to skin."""
_SPECULAR_SCALE = np.float32(0.9)
"""Strength of all that gloss mirrors; sets its balance with the scattered part."""
_FACING_REFLECTANCE = np.float32(0.04)
"""Part of the light that a dielectric mirrors straight back."""
_ROUGHEST_MIRROR = np.float32(0.2)
"""Roughness below which a highlight would slip between two pixels."""
_BRIGHTEST_HIGHLIGHT = np.float32(6)
"""Highlights above this would burn into blots."""
_RIM = np.float32(0.9)
"""Brightness of an edge in a rim light of strength 1."""
_SHEEN = np.float32(0.02)
"""Part of the light from around that gloss mirrors at its edges."""


@dataclass(frozen=True)
class LightVisibility:
    """How much of the light arrives at each point of a surface."""

    shadow: Floats
    """[P] 0 in the key light to 1 in its shadow."""
    ambient_occlusion: Floats
    """[P] 1 in the open to 0 in a hollow."""
    cavity: Floats
    """[P] part of all light that is left, between lids and lips and in creases."""


def shade(
    surface: Surface,
    material: Material,
    normals: Floats,
    camera: Camera,
    lighting: Lighting,
    visibility: LightVisibility,
) -> Floats:
    """[P, 3] linear light that the surface sends to the camera.

    normals [P, 3]: the surface's, with its relief.
    """
    view = unit(camera.place - surface.position)
    facing = np.clip(_dot(normals, view), 0, 1)
    lit = 1 - visibility.shadow
    hollow = _tinted(visibility.ambient_occlusion, material.scatter, _HOLLOW)
    sky = (SKY_MEAN + SKY_GAIN * normals[:, 2])[:, None] * hollow * lighting.ambient
    key = _wrapped_diffuse(normals @ lighting.key, material.scatter)
    key *= _tinted(lit, material.scatter, _PENUMBRA) * lighting.key_colour
    fill = (
        _wrapped_diffuse(normals @ lighting.fill, material.scatter) * hollow * lighting.fill_colour
    )
    light = (sky + key + fill) * SCATTERED
    light += _rim(normals, facing, lighting, visibility)[:, None]
    light *= visibility.cavity[:, None]
    gloss = (
        lighting.key_colour
        * (_ggx_specular(normals, view, facing, lighting.key, material) * lit)[:, None]
    )
    gloss += (
        lighting.fill_colour
        * (
            _ggx_specular(normals, view, facing, lighting.fill, material)
            * visibility.ambient_occlusion
        )[:, None]
    )
    grazing = 1 - facing
    gloss += (
        lighting.ambient
        * (_SHEEN * grazing * grazing * grazing * visibility.ambient_occlusion)[:, None]
    )
    gloss *= (material.specular * visibility.cavity * _SPECULAR_SCALE)[:, None]
    colour: Floats = material.albedo * light + gloss
    return colour


def _wrapped_diffuse(cosine: Floats, scatter: Floats) -> Floats:
    """[P, 3] diffuse light by the cosine of its angle; past 90 degrees where light seeps."""
    wrap = scatter[:, None] * _WRAP
    wrapped = np.clip((cosine[:, None] + wrap) / (1 + wrap), 0, 1)
    diffuse: Floats = wrapped * (1 - _FALL * scatter[:, None] * (1 - wrapped))
    return diffuse


def _tinted(part: Floats, scatter: Floats, tint: Floats) -> Floats:
    """[P, 3] a part of the light, tinted half-way between none and all of it."""
    tinted: Floats = part[:, None] + (part * (1 - part) * scatter)[:, None] * tint
    return tinted


def _rim(
    normals: Floats, facing: Floats, lighting: Lighting, visibility: LightVisibility
) -> Floats:
    """[P] light from behind, which reaches only what turns away from the camera."""
    if lighting.rim_strength <= 0:
        return np.zeros(len(normals), np.float32)
    grazing = np.clip(np.float32(1.25) - facing, 0, 1)
    strength = np.float32(lighting.rim_strength) * _RIM
    light: Floats = (
        strength * np.clip(normals @ lighting.rim, 0, 1) * grazing * visibility.ambient_occlusion
    )
    return light


def _ggx_specular(
    normals: Floats, view: Floats, facing: Floats, light: Floats, material: Material
) -> Floats:
    """[P] light mirrored towards the camera: GGX with Schlick's Fresnel and a short masking term.

    Walter et al., "Microfacet models for refraction through rough surfaces", 2007.
    """
    half = unit(view + light)
    spread = np.square(np.square(np.maximum(material.roughness, _ROUGHEST_MIRROR)))
    closeness = np.square(_dot(normals, half))
    lobe = spread / (np.float32(np.pi) * np.square(closeness * (spread - 1) + 1))
    glance = 1 - np.clip(_dot(view, half), 0, 1)
    squared = glance * glance
    fresnel = _FACING_REFLECTANCE + (1 - _FACING_REFLECTANCE) * squared * squared * glance
    cosine = np.clip(normals @ light, 0, 1)
    masking = 1 + 3 * facing
    mirrored: Floats = np.minimum(lobe * fresnel * cosine / masking, _BRIGHTEST_HIGHLIGHT)
    return mirrored


def _dot(first: Floats, second: Floats) -> Floats:
    """[P] scalar products, row by row."""
    products: Floats = np.einsum("pi,pi->p", first, second)
    return products
