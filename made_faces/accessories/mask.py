"""A face mask over nose, mouth and chin, with pleats and ear loops."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fer_det.imaging.mask import COLOURS, FREQUENCIES
from made_faces.face_model.head import Head
from made_faces.renderer.camera import Camera
from made_faces.renderer.head_fit import SKULL, HeadFit, fit_head, look_up_disc
from made_faces.renderer.overlays import (
    alpha_image,
    cast_soft_shadow,
    composite,
    draw_strokes,
    project_paths,
    visible_points,
)
from made_faces.renderer.shading import diffuse_light
from made_faces.scene.scene import Lighting, Scene
from made_faces.surface import Canvas, Floats, grid_triangles, vertex_normals
from made_faces.texture import gaussian, noise, smooth_step

_COLUMNS, _ROWS = 33, 21
"""Vertices of the cloth across and downwards."""
_HALF_WIDTH = 66.0
"""Degrees around the vertical axis of the skull from the nose to the side of the mask."""
_TOP = ((0, 111.5), (9, 113), (22, 119), (40, 123), (66, 129))
_BOTTOM = ((0, 153), (30, 153), (66, 149))
"""Upper and lower edge as (degrees to the side, degrees from straight up)."""
_EAR = np.array([0.081, -0.022, 0.735], np.float32)
"""Where a loop goes behind the left ear, on the base head in metres."""
_OFF_SKIN = 0.0025
"""Gap between skin and cloth in metres."""
_SLACK = 0.006
"""Metres by which a lip or a chin may penetrate the cloth from below."""
_SHADOW_FALL = 0.003
"""Length in metres of the shadow on the cheek."""


@dataclass(frozen=True)
class _Cloth:
    """A mask."""

    colour: Floats
    pleats: bool
    seam: bool
    """Whether a seam runs down the middle."""
    printed: float
    """Strength of a printed pattern, 0 for none."""


def draw_mask(
    canvas: Canvas,
    head: Head,
    scene: Scene,
    points: Floats,
    camera: Camera,
) -> None:
    """Draw the mask that the scene asks for; points [V, 3]: the posed head."""
    if not scene.mask:
        return
    lighting = scene.lighting
    cloth = _sample_cloth(scene.accessory_seed)
    fit = fit_head(head, points)
    cloth_points, place_on_cloth = _cloth_mesh(fit)
    placed = fit.to_posed(cloth_points)
    _draw_loops(canvas, fit, placed, cloth, camera, lighting)
    triangles = grid_triangles(_COLUMNS, _ROWS, downwards=True)
    facing = vertex_normals(placed, triangles)
    seen = visible_points(canvas, camera, placed, facing, place_on_cloth, triangles, slack=_SLACK)
    across, down = seen.values.T
    shade, tint = _tilt_and_brightness(across, down, cloth)
    normal = seen.normal + np.stack([0 * shade, 0 * shade, shade], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    light = diffuse_light(normal.astype(np.float32), lighting, wrap=0.25)
    inside = smooth_step(0, 0.02, np.minimum(np.minimum(down, 1 - down), (1 - np.abs(across)) / 2))
    edge = np.float32(0.72) + np.float32(0.28) * inside
    colour = cloth.colour * light * (edge * tint)[:, None]
    alpha = np.ones(len(across), np.float32)
    cast_soft_shadow(canvas, alpha_image(canvas, seen, alpha), camera, lighting, _SHADOW_FALL)
    composite(canvas, seen, colour.astype(np.float32), alpha)


def _sample_cloth(seed: int) -> _Cloth:
    rng = np.random.default_rng([22, seed])
    number = rng.choice(len(COLOURS), p=FREQUENCIES)
    pleats = number < 3 or (number == 3 and rng.random() < 0.6)
    colour = np.array(COLOURS[number], np.float32) * np.float32(rng.uniform(0.85, 1.12))
    printed = rng.uniform(0.1, 0.35) if number > 3 and rng.random() < 0.4 else 0.0
    return _Cloth(colour=colour, pleats=bool(pleats), seam=not pleats, printed=printed)


def _cloth_mesh(fit: HeadFit) -> tuple[Floats, Floats]:
    """[_ROWS * _COLUMNS, 3] the cloth around the base head, and its own coordinates [.., 2].

    Coordinates run from -1 to 1 across and from 0 to 1 downwards.
    """
    across = np.linspace(-1, 1, _COLUMNS)
    down = np.linspace(0, 1, _ROWS)
    side = np.radians(across * _HALF_WIDTH)
    top = np.interp(np.abs(across) * _HALF_WIDTH, *np.transpose(_TOP))
    bottom = np.interp(np.abs(across) * _HALF_WIDTH, *np.transpose(_BOTTOM))
    polar = np.radians(top + (bottom - top) * down[:, None])
    direction = np.stack(
        [np.sin(polar) * np.sin(side), -np.sin(polar) * np.cos(side), np.cos(polar)], axis=2
    )
    direction = direction.reshape(-1, 3).astype(np.float32)
    places = np.stack(np.broadcast_arrays(across, down[:, None]), axis=2).reshape(-1, 2)
    edge = np.minimum(np.minimum(places[:, 1], 1 - places[:, 1]), (1 - np.abs(places[:, 0])) / 2)
    tented = smooth_step(0.0, 0.22, edge.astype(np.float32))
    skin = look_up_disc(fit.disc.radius, direction)
    tent = look_up_disc(_spanned_radius(fit.disc.radius), direction)
    radius = skin + (tent - skin) * tented + np.float32(_OFF_SKIN) * (0.4 + tented)
    return (SKULL + direction * radius[:, None]).astype(np.float32), places.astype(np.float32)


def _spanned_radius(radius: Floats) -> Floats:
    """Return the radius of cloth that spans the hollows between nose, chin and cheeks."""
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
    closed = cv2.morphologyEx(radius, cv2.MORPH_CLOSE, wide)
    smooth = cv2.GaussianBlur(closed, (0, 0), 2.0)
    # The smoothed cloth must not let the tip of the nose through.
    reached = cv2.dilate(radius, np.ones((3, 3), np.uint8))
    return np.asarray(np.maximum(smooth, reached), np.float32)


def _tilt_and_brightness(across: Floats, down: Floats, cloth: _Cloth) -> tuple[Floats, Floats]:
    """Return the upward tilt [P] of the cloth and its brightness [P]."""
    tilt = np.float32(0.16) * noise("low", across * 0.35 + 0.2, down * 0.5)
    tint = 1 + np.float32(0.025) * noise("fine", across * 3, down * 2)
    if cloth.pleats:
        for fold in (0.30, 0.50, 0.70):
            # Each pleat overhangs: a bright ledge above a thin dark line.
            below = down - np.float32(fold) - 0.015 * np.square(across)
            tilt = tilt + np.float32(0.5) * gaussian((below + 0.03) / 0.02)
            tilt = tilt - np.float32(0.5) * gaussian((below - 0.02) / 0.02)
            tint = tint * (1 - np.float32(0.30) * gaussian(below / 0.008))
    if cloth.seam:
        tint = tint * (1 - np.float32(0.25) * gaussian(across / 0.012))
    if cloth.printed:
        spots = noise("mid", across * 0.8, down * 0.6)
        tint = tint * (1 + np.float32(cloth.printed) * np.tanh(2 * spots))
    return np.asarray(tilt, np.float32), np.asarray(np.clip(tint, 0.3, 1.6), np.float32)


def _draw_loops(
    canvas: Canvas, fit: HeadFit, placed: Floats, cloth: _Cloth, camera: Camera, lighting: Lighting
) -> None:
    """Draw two thin strings on each side, from the corners of the mask to the ear.

    placed: the posed cloth.
    """
    grid = placed.reshape(_ROWS, _COLUMNS, 3)
    part = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    lines = []
    for side, column in ((-1, 0), (1, -1)):
        for row, rise in ((1, 0.004), (-2, -0.024)):
            ear = fit.to_posed((_EAR * [side, 1, 1] + [0, 0, rise]).astype(np.float32)[None])
            line = grid[row, column] * (1 - part) + ear * part
            out = fit.turn_directions(np.array([[side, 0, 0]], np.float32))
            lines.append(line + out * np.float32(0.006) * np.sin(np.pi * part))
    for shift in (-0.0004, 0.0004):
        path = np.stack(lines) + np.array([0, -0.002, shift], np.float32)
        ends = project_paths(camera, path).reshape(-1, 2, 3)
        count = len(ends)
        facing = np.array([[0, -0.9, 0.4]], np.float32)
        pale = np.maximum(cloth.colour, 0.05) * 0.5 + np.float32(0.35) * (cloth.colour.mean() > 0.1)
        colour = np.repeat(pale * diffuse_light(facing, lighting), count, axis=0)
        cover = np.full(count, 1.2, np.float32)
        draw_strokes(canvas, ends, colour, cover, np.zeros(count, np.float32), 0.003)
