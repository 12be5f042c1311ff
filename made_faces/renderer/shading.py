"""Shading: diffuse and specular light of four light sources, skin scattering and bump mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from made_faces.renderer.camera import Camera
from made_faces.scene.scene import Lighting
from made_faces.surface import TOWARDS_CAMERA, Floats, Material, Surface, unit

SKY_MEAN, SKY_GAIN = np.float32(0.62), np.float32(0.38)
"""Fraction of ambient light that reaches vertical surfaces, and the gain of those that face up."""
SCATTERED = np.float32(0.62)
"""Fraction of the incoming light that a white surface scatters to the camera."""


def halfway(lighting: Lighting) -> Floats:
    """[3] the unit normal that reflects the key light to the camera."""
    return unit(lighting.key + TOWARDS_CAMERA)


def diffuse_light(normal: Floats, lighting: Lighting, wrap: float = 0.15) -> Floats:
    """[P, 3] diffuse light of a white surface; `wrap` lets light reach past the terminator."""
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
    """[P, 3] reflection of the key light; `sharpness` is Blinn and Phong's exponent."""
    shine = np.power(np.clip(normal @ halfway(lighting), 0, 1), np.float32(sharpness))
    glint: Floats = (shine[:, None] * lighting.key_colour).astype(np.float32)
    return glint


_STEEPEST = 0.9
"""Upper bound of the bump map's slope, reached where regions of different heights meet."""
_CREASES = 450.0
"""Loss of light per metre of depth, in creases too fine for the ambient occlusion of the mesh."""
_DARKEST_CREASE, _BRIGHTEST_RIDGE = -0.35, 0.1
"""Largest loss in creases and largest gain on ridges."""


def perturb_normals(
    surface: Surface, height: Floats, width: int, rows: int, pixels_per_metre: float
) -> Floats:
    """Return the surface normals [P, 3] perturbed by the slope of the bump map `height` [P] in
    metres.

    width, rows: size of the picture in pixels.
    """
    at = (surface.rows, surface.columns)
    image = np.zeros((rows, width), np.float32)
    image[at] = height
    scale = pixels_per_metre / 8  # A Sobel filter sums eight differences of one pixel.
    to_right: Any = cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=scale)
    downwards: Any = cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=scale)
    slope = np.zeros_like(surface.normal)
    # Columns grow with x, rows against z.
    slope[:, 0], slope[:, 2] = to_right[at], -downwards[at]
    np.clip(slope, -_STEEPEST, _STEEPEST, out=slope)
    lean = np.einsum("pi,pi->p", slope, surface.normal)[:, None]
    return unit(surface.normal - (slope - lean * surface.normal))


def crease_light(height: Floats) -> Floats:
    """[P] factor about 1 by which the creases of a bump map darken the light."""
    light: Floats = 1 + np.clip(height * np.float32(_CREASES), _DARKEST_CREASE, _BRIGHTEST_RIDGE)
    return light.astype(np.float32)


_WRAP = np.array([0.32, 0.14, 0.09], np.float32)
"""How far light wraps around the terminator on skin, per channel; red travels farthest in skin
(after Green, "Real-time approximations to subsurface scattering", GPU Gems, 2004)."""
_FALL = np.float32(0.24)
"""Additional darkening of skin towards the terminator."""
_PENUMBRA = np.array([0.18, -0.04, -0.1], np.float32)
"""Tint of partial shadow on skin: it is redder than both light and shadow."""
_HOLLOW = np.array([0.22, -0.05, -0.1], np.float32)
"""Tint of hollows on skin, where light is reflected from skin to skin."""
_SPECULAR_SCALE = np.float32(0.9)
"""Strength of all specular light relative to diffuse light."""
_FACING_REFLECTANCE = np.float32(0.04)
"""Fresnel reflectance of a dielectric at normal incidence."""
_ROUGHEST_MIRROR = np.float32(0.2)
"""Lower bound of the roughness; narrower highlights would fall between pixels."""
_BRIGHTEST_HIGHLIGHT = np.float32(6)
"""Upper bound of a highlight."""
_RIM = np.float32(0.9)
"""Brightness of an edge at rim light strength 1."""
_SHEEN = np.float32(0.02)
"""Fraction of the ambient light reflected at grazing angles."""


@dataclass(frozen=True)
class LightVisibility:
    """How much light reaches each point of a surface."""

    shadow: Floats
    """[P] 0 in the key light to 1 in its shadow."""
    ambient_occlusion: Floats
    """[P] 1 unoccluded to 0 fully occluded."""
    cavity: Floats
    """[P] fraction of all light that is left between lids and lips and in creases."""


def shade(
    surface: Surface,
    material: Material,
    normals: Floats,
    camera: Camera,
    lighting: Lighting,
    visibility: LightVisibility,
) -> Floats:
    """[P, 3] linear light that the surface sends to the camera.

    normals [P, 3]: the surface normals perturbed by the bump map.
    """
    view = unit(camera.position - surface.position)
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
    """[P, 3] diffuse light by the cosine of the angle of incidence, wrapped on scattering skin."""
    wrap = scatter[:, None] * _WRAP
    wrapped = np.clip((cosine[:, None] + wrap) / (1 + wrap), 0, 1)
    diffuse: Floats = wrapped * (1 - _FALL * scatter[:, None] * (1 - wrapped))
    return diffuse


def _tinted(part: Floats, scatter: Floats, tint: Floats) -> Floats:
    """[P, 3] a fraction of the light, tinted where it is neither 0 nor 1."""
    tinted: Floats = part[:, None] + (part * (1 - part) * scatter)[:, None] * tint
    return tinted


def _rim(
    normals: Floats, facing: Floats, lighting: Lighting, visibility: LightVisibility
) -> Floats:
    """[P] light from behind, visible only on surfaces that turn away from the camera."""
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
    """[P] specular light: GGX with Schlick's Fresnel term and a short masking term.

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
    """[P] dot products of rows."""
    products: Floats = np.einsum("pi,pi->p", first, second)
    return products
