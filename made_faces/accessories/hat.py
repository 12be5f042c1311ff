"""Headgear: a knitted hat, a cap with a brim, or a scarf around head and neck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from made_faces.face_model.head import Head
from made_faces.renderer.camera import Camera
from made_faces.renderer.head_fit import SKULL, HeadFit, disc_directions, fit_head, look_up_disc
from made_faces.renderer.overlays import (
    VisiblePoints,
    alpha_image,
    cast_soft_shadow,
    composite,
    visible_points,
)
from made_faces.renderer.shading import diffuse_light
from made_faces.scene.scene import Lighting, Scene
from made_faces.surface import Canvas, Floats, grid_triangles, unit, vertex_normals
from made_faces.texture import gaussian, noise, smooth_step

Headgear = Literal["none", "beanie", "cap", "scarf"]

_GRID = 64
"""Vertices along a side of the grid over the disc of directions."""
_COLOURS = np.array(
    [
        [0.02, 0.02, 0.022],
        [0.25, 0.26, 0.28],
        [0.03, 0.05, 0.14],
        [0.32, 0.03, 0.03],
        [0.05, 0.13, 0.07],
        [0.55, 0.50, 0.40],
        [0.40, 0.20, 0.05],
        [0.65, 0.65, 0.66],
        [0.35, 0.10, 0.22],
        [0.10, 0.28, 0.36],
    ],
    np.float32,
)
_RIM_AT = ((0, 0.786), (45, 0.782), (80, 0.768), (110, 0.760), (140, 0.735), (180, 0.715))
"""Edge of a hat as (degrees around from the face, height on the base head in metres)."""
_HEM = 0.010
"""Metres of cloth beyond the edge, which lead back to the skin."""
_SCARF_REACH = 2.56
"""Angle in radians from straight up to the lower end of a scarf, on the neck."""
_SHADOW_FALL = 0.006
"""Length in metres of the shadow on the forehead."""
_BRIM_SHADOW_FALL = 0.022
_BRIM_LENGTH = 0.068
_BRIM_HALF_WIDTH = 0.070
"""Metres."""
_BRIM_COLUMNS, _BRIM_ROWS = 21, 9
"""Vertices of a brim across and outwards."""


@dataclass(frozen=True)
class _Cloth:
    """One piece of headgear."""

    kind: Headgear
    colour: Floats
    brim: Floats
    thickness: float
    """Metres from the skin to the outer surface."""
    lift: float
    """Metres by which the edge is higher than usual."""
    slouch: float
    """Metres of surplus cloth on top."""


def headgear_of(scene: Scene) -> Headgear:
    """Return the headgear that the scene asks for."""
    return _sample_cloth(scene.accessory_seed).kind if scene.hat else "none"


def draw_hat(
    canvas: Canvas,
    head: Head,
    scene: Scene,
    points: Floats,
    camera: Camera,
) -> None:
    """Draw the headgear that the scene asks for; points [V, 3]: the posed head."""
    if not scene.hat:
        return
    lighting = scene.lighting
    cloth = _sample_cloth(scene.accessory_seed)
    fit = fit_head(head, points)
    if cloth.kind == "cap":
        _draw_brim(canvas, fit, cloth, camera, lighting)
    _draw_shell(canvas, fit, cloth, camera, lighting)


def _sample_cloth(seed: int) -> _Cloth:
    rng = np.random.default_rng([23, seed])
    kinds: tuple[Headgear, ...] = ("beanie", "cap", "scarf")
    kind = kinds[rng.choice(3, p=[0.4, 0.38, 0.22])]
    colour = _COLOURS[rng.integers(len(_COLOURS))] * np.float32(rng.uniform(0.7, 1.3))
    same = rng.random() < 0.7
    return _Cloth(
        kind=kind,
        colour=colour,
        brim=colour if same else _COLOURS[rng.integers(len(_COLOURS))],
        thickness={"beanie": 0.016, "cap": 0.014, "scarf": 0.012}[kind] + rng.uniform(0, 0.004),
        lift=rng.uniform(-0.004, 0.010),
        slouch=rng.uniform(0.0, 0.03) if kind == "beanie" else 0.0,
    )


def _draw_shell(
    canvas: Canvas, fit: HeadFit, cloth: _Cloth, camera: Camera, lighting: Lighting
) -> None:
    """Draw the cloth around the skull: the dome of a hat, or a whole scarf."""
    direction = disc_directions(_GRID).reshape(-1, 3)
    radius = fit.disc.radius
    if cloth.kind == "scarf":
        radius = _smooth_radius(radius)
    skin = SKULL + direction * look_up_disc(radius, direction)[:, None]
    above = _above_edge(skin, cloth)
    # The edge leads back to the skin, so that there is no gap below it.
    full = 0.006 if cloth.kind == "beanie" else 0.03
    thickness = cloth.thickness * (0.4 + 0.6 * smooth_step(0, full, above))
    thickness = thickness * smooth_step(-_HEM, 0, above)
    if cloth.kind == "beanie":
        # The turned-up edge has two layers.
        thickness = thickness + 0.004 * (1 - smooth_step(0.028, 0.034, above))
    top = smooth_step(0.80, 0.86, skin[:, 2])
    shell = skin + direction * thickness[:, None].astype(np.float32)
    shell += np.array([0, 0.6, 0.8], np.float32) * (cloth.slouch * top)[:, None]
    placed = fit.to_posed(shell.astype(np.float32))
    triangles = grid_triangles(_GRID, _GRID)
    triangles = triangles[above[triangles].max(axis=1) > -_HEM]
    values = np.hstack([skin, above[:, None]]).astype(np.float32)
    facing = vertex_normals(placed, triangles)
    seen = visible_points(
        canvas, camera, placed, facing, values, triangles, cull=False, slack=0.002
    )
    _draw_points(canvas, seen, cloth, camera, lighting)


def _above_edge(skin: Floats, cloth: _Cloth) -> Floats:
    """[P] metres inside the edge of the cloth, negative outside."""
    if cloth.kind == "scarf":
        offset = skin - SKULL
        # An oval around the face as directions from the centre of the skull, from the brows to
        # below the chin.
        aside = np.arctan2(offset[:, 0], -offset[:, 1]) / np.float32(1.05)
        up = np.arctan2(offset[:, 2], np.hypot(offset[:, 0], offset[:, 1])) + np.float32(0.30)
        away = (np.hypot(aside, up / np.float32(0.66)) - 1) * np.float32(0.075)
        down = np.arctan2(np.hypot(offset[:, 0], offset[:, 1]), offset[:, 2])
        return np.asarray(np.minimum(away, (_SCARF_REACH - down) * np.float32(0.12)), np.float32)
    turn = np.degrees(np.arctan2(np.abs(skin[:, 0]), SKULL[1] - skin[:, 1]))
    edge = np.interp(turn, *np.transpose(_RIM_AT)) + cloth.lift
    return np.asarray(skin[:, 2] - edge, np.float32)


def _smooth_radius(radius: Floats) -> Floats:
    """Return the radius of cloth that spans ears, jaw and neck."""
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (21, 21))
    closed = cv2.morphologyEx(radius, cv2.MORPH_CLOSE, wide)
    return np.asarray(cv2.GaussianBlur(closed, (0, 0), 2.0), np.float32)


def _draw_points(
    canvas: Canvas, seen: VisiblePoints, cloth: _Cloth, camera: Camera, lighting: Lighting
) -> None:
    """Shade and composite the cloth; seen.values [P, 4]: point on the base head, metres inside the
    edge.
    """
    place, above = seen.values[:, :3], seen.values[:, 3]
    offset = place - SKULL
    turn = np.arctan2(offset[:, 0], -offset[:, 1]) / np.float32(2 * np.pi)
    tint = 1 + np.float32(0.05) * noise("fine", turn * 4, place[:, 2] * 6)
    bend = np.float32(0.10) * noise("low", turn * 2, place[:, 2] * 3)
    if cloth.kind == "beanie":
        ribs = np.sin(turn * np.float32(2 * np.pi * 90))
        double = 1 - smooth_step(0.028, 0.032, above)
        tint = tint * (1 + 0.13 * ribs) * (1 - 0.25 * gaussian((above - 0.031) / 0.0015))
        bend = bend + 0.1 * double
    elif cloth.kind == "cap":
        seams = np.abs(np.sin(turn * np.float32(np.pi * 6)))
        tint = tint * (1 - 0.3 * gaussian(seams / 0.03))
    else:
        # Folds run parallel to the opening for the face.
        folds = np.sin(above * np.float32(330) + 3 * noise("low", turn, place[:, 2] * 2))
        bend = bend + 0.35 * folds * smooth_step(0.004, 0.02, above)
    normal = seen.normal.copy()
    normal[:, 2] += bend
    light = diffuse_light(unit(normal), lighting, wrap=0.2)
    hem = np.float32(0.3) + np.float32(0.7) * smooth_step(-0.006, 0.004, above)
    alpha = smooth_step(-0.8 * _HEM, -0.6 * _HEM, above)
    colour = (cloth.colour * light * (tint * hem)[:, None]).astype(np.float32)
    cast_soft_shadow(canvas, alpha_image(canvas, seen, alpha), camera, lighting, _SHADOW_FALL)
    composite(canvas, seen, colour, alpha)


def _draw_brim(
    canvas: Canvas, fit: HeadFit, cloth: _Cloth, camera: Camera, lighting: Lighting
) -> None:
    """Draw a brim over the brows, bent down at its sides."""
    across = np.linspace(-1, 1, _BRIM_COLUMNS)
    out = np.linspace(0, 1, _BRIM_ROWS)[:, None]
    x = across * _BRIM_HALF_WIDTH + 0 * out
    root = -0.148 + 0.060 * np.square(across)
    reach = _BRIM_LENGTH * np.sqrt(np.clip(1 - 0.75 * np.square(across), 0, 1))
    y = root - reach * out
    z = 0.787 + cloth.lift - 0.016 * np.square(across) - 0.014 * out
    brim = np.stack([x, y, z], axis=2).reshape(-1, 3).astype(np.float32)
    placed = fit.to_posed(brim)
    triangles = grid_triangles(_BRIM_COLUMNS, _BRIM_ROWS)
    facing = vertex_normals(placed, triangles)
    seen = visible_points(canvas, camera, placed, facing, brim, triangles, cull=False)
    below = (seen.position[:, 2] > camera.target[2]) & (seen.normal[:, 2] < 0)
    light = diffuse_light(seen.normal, lighting, wrap=0.2)
    light = light * np.where(below, np.float32(0.5), np.float32(1))[:, None]
    alpha = np.ones(len(light), np.float32)
    cast_soft_shadow(canvas, alpha_image(canvas, seen, alpha), camera, lighting, _BRIM_SHADOW_FALL)
    composite(canvas, seen, cloth.brim * light, alpha)
