"""Glasses: frames drawn as strokes, with clear or dark lenses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from made_faces.face_model.head import Head
from made_faces.renderer.camera import Camera
from made_faces.renderer.head_fit import SKULL, HeadFit, fit_head, look_up_disc
from made_faces.renderer.overlays import composite, draw_strokes, project_paths, visible_points
from made_faces.renderer.shading import diffuse_light, specular_light
from made_faces.scene.scene import Lighting, Scene
from made_faces.surface import TOWARDS_CAMERA, Canvas, Floats, Ints, unit
from made_faces.texture import gaussian, smooth_step

_BRIDGE = np.array([0, -0.160, 0.7285], np.float32)
"""Centre of the frame on the base head in metres."""
_EAR = np.array([0.0785, -0.035, 0.742], np.float32)
"""Where the left temple rests on the ear, on the base head in metres."""
_CORNERS = 40
"""Vertices around a lens."""
_WRAP = np.float32(3.2)
"""Curvature of the frame towards the temples, in metres per square metre."""
_SLACK = 0.0025
"""Metres by which the frame may sink into the skin and still be visible; it is thicker than a line.
"""
_FRAME_COLOURS = np.array(
    [
        [0.012, 0.012, 0.013],
        [0.05, 0.022, 0.012],
        [0.42, 0.42, 0.44],
        [0.45, 0.31, 0.12],
        [0.16, 0.01, 0.015],
        [0.015, 0.03, 0.11],
        [0.13, 0.10, 0.08],
    ],
    np.float32,
)
"""Black, tortoise, steel, gold, red, blue, horn."""
_DARK_TINTS = np.array(
    [[0.010, 0.010, 0.011], [0.030, 0.018, 0.010], [0.012, 0.02, 0.016]], np.float32
)
"""Gray, brown and green lenses."""


@dataclass(frozen=True)
class _Frame:
    """A pair of glasses; lengths in metres."""

    half_width: float
    half_height: float
    squareness: float
    """Exponent of the superellipse of the rim: 2 round, 5 a rounded rectangle."""
    drop: float
    """Fraction by which the lower half is narrower."""
    rim: float
    """Breadth of the rim; 0 for none."""
    temple: float
    """Breadth of the temples."""
    colour: Floats
    tint: Floats
    shade: float
    """Alpha of the lenses."""


def draw_glasses(
    canvas: Canvas,
    head: Head,
    scene: Scene,
    points: Floats,
    camera: Camera,
) -> None:
    """Draw the glasses that the scene asks for; points [V, 3]: the posed head."""
    if scene.glasses == "none":
        return
    lighting = scene.lighting
    frame = _sample_frame(scene.accessory_seed, dark=scene.glasses == "dark")
    fit = fit_head(head, points)
    for side in (-1, 1):
        _draw_lens(canvas, fit, frame, side, camera, lighting)
    for line, breadth in _lines(fit, frame):
        _draw_line(canvas, line, breadth, frame.colour, camera, lighting)


def _sample_frame(seed: int, dark: bool) -> _Frame:
    rng = np.random.default_rng([21, seed])
    thick = rng.random() < 0.55 or dark
    rim = 0.0
    if thick:
        rim = rng.uniform(0.0022, 0.0045)
    elif rng.random() >= 0.15:
        rim = rng.uniform(0.0009, 0.0014)
    size = rng.uniform(1.0, 1.25) if dark else rng.uniform(0.88, 1.1)
    number = rng.choice(len(_FRAME_COLOURS), p=[0.38, 0.2, 0.12, 0.1, 0.05, 0.07, 0.08])
    return _Frame(
        half_width=0.0255 * size,
        half_height=rng.uniform(0.015, 0.0225) * size,
        squareness=float(rng.choice([2.0, 2.4, 3.2, 4.5])),
        drop=rng.uniform(0.0, 0.22),
        rim=rim,
        temple=max(rim * 0.8, 0.0016),
        colour=_FRAME_COLOURS[number],
        tint=_DARK_TINTS[rng.integers(len(_DARK_TINTS))],
        shade=rng.uniform(0.8, 0.985) if dark else rng.uniform(0.02, 0.08),
    )


def _rim(frame: _Frame, side: int) -> Floats:
    """[_CORNERS, 3] outline of the lens on the base head, from its outer corner upwards."""
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    power = 2 / frame.squareness
    across = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power
    up = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power
    across = across * (1 - frame.drop * np.maximum(-up, 0))
    middle = 0.0085 + frame.half_width
    x = side * (middle + frame.half_width * across)
    z = _BRIDGE[2] - 0.004 + frame.half_height * up
    return _on_frame(x.astype(np.float32), z.astype(np.float32))


def _on_frame(x: Floats, z: Floats) -> Floats:
    """Return points of the curved surface of the frame, which leans towards the cheeks."""
    y = _BRIDGE[1] + _WRAP * np.square(x) + np.float32(0.14) * (_BRIDGE[2] - z)
    return np.stack([x, y, z], axis=-1).astype(np.float32)


def _to_posed(fit: HeadFit, points: Floats) -> Floats:
    """Transform a rigid frame: it rests on the bridge of the nose and on the ears."""
    sides = np.array([_EAR * [-1, 1, 1], _BRIDGE, _EAR], np.float32)
    shift = look_up_disc(fit.residual, sides - SKULL)
    back = smooth_step(float(_BRIDGE[1]) + 0.02, float(_EAR[1]), points[:, 1])[:, None]
    ear = np.where(points[:, :1] < 0, shift[0], shift[2])
    placed: Floats = points @ fit.affine[:3] + fit.affine[3] + shift[1] * (1 - back) + ear * back
    return placed.astype(np.float32)


def _lines(fit: HeadFit, frame: _Frame) -> list[tuple[Floats, float]]:
    """Return the lines [N, 3] of the frame in the world, each with its breadth."""
    lines = []
    for side in (-1, 1):
        rim = _rim(frame, side)
        if frame.rim:
            lines.append((_to_posed(fit, np.vstack([rim, rim[:1]])), frame.rim))
        lines.append((_to_posed(fit, _temple(fit, rim, side)), frame.temple))
    span = np.linspace(-0.0095, 0.0095, 9)
    height = _BRIDGE[2] + 0.002 + 0.003 * (1 - np.square(span / 0.0095))
    bridge = _on_frame(span.astype(np.float32), height.astype(np.float32))
    lines.append((_to_posed(fit, bridge), max(frame.rim, 0.0012)))
    return lines


def _temple(fit: HeadFit, rim: Floats, side: int) -> Floats:
    """Return the line from the outer corner of the rim over the ear, always outside the head."""
    start = rim[_CORNERS // 24] + np.array([side * 0.001, 0, 0.003], np.float32)
    ear = _EAR * [side, 1, 1]
    hook = ear + np.array([0, 0.016, -0.022], np.float32)
    part = np.linspace(0, 1, 12, dtype=np.float32)[:, None]
    line = np.vstack([start * (1 - part) + ear * part, hook])
    line[:, 0] += side * np.float32(0.004) * np.sin(np.linspace(0, np.pi, 13, dtype=np.float32))
    direction = line - SKULL
    distance = np.linalg.norm(direction, axis=1)
    outside = look_up_disc(fit.disc.radius, direction) + np.float32(0.003)
    pushed: Floats = SKULL + direction * np.maximum(1, outside / distance)[:, None]
    return pushed.astype(np.float32)


def _draw_line(
    canvas: Canvas, line: Floats, breadth: float, colour: Floats, camera: Camera, lighting: Lighting
) -> None:
    """Draw a round bar as parallel strokes; the upper ones receive more light."""
    strokes = max(2, int(np.ceil(breadth * camera.pixels_per_metre / 0.6)))
    along = unit(np.gradient(line, axis=0))
    view = np.array([0, 1, 0], np.float32)
    aside = unit(np.cross(along, view))
    aside *= np.where(aside[:, 2:] < 0, np.float32(-1), np.float32(1))
    across = np.linspace(-1, 1, strokes, dtype=np.float32)
    places = line[None] + aside[None] * (across * np.float32(breadth / 2))[:, None, None]
    bulge = np.sqrt(1 - np.square(across * np.float32(0.9)))
    normal = unit(aside[None] * across[:, None, None] - view * bulge[:, None, None])
    flat = normal[:, :-1].reshape(-1, 3)
    lit = colour * diffuse_light(flat, lighting) + specular_light(flat, lighting, 40) * np.float32(
        0.25
    )
    ends = project_paths(camera, places).reshape(-1, 2, 3)
    cover = min(1.0, breadth * camera.pixels_per_metre / strokes)
    count = len(ends)
    full = np.full(count, 2.5 * cover, np.float32)
    draw_strokes(canvas, ends, lit, full, np.zeros(count, np.float32), _SLACK)


def _draw_lens(
    canvas: Canvas, fit: HeadFit, frame: _Frame, side: int, camera: Camera, lighting: Lighting
) -> None:
    """Draw the lens of one eye; side: 1 for the head's left, -1 for its right."""
    rim = _rim(frame, side)
    middle = rim.mean(axis=0, keepdims=True)
    # The lens is curved, which bends its reflections.
    mesh = np.vstack([rim, middle + np.array([0, -0.0015, 0], np.float32)])
    placed = _to_posed(fit, mesh)
    facing = fit.turn_directions(unit(TOWARDS_CAMERA + (mesh - middle) * 12))
    seen = visible_points(canvas, camera, placed, facing, mesh, _fan(), cull=False, slack=_SLACK)
    height = (seen.values[:, 2] - middle[0, 2]) / np.float32(frame.half_height)
    # It reflects a window above as a slanted band, and the sky along its upper edge.
    slant = (seen.values[:, 0] - middle[0, 0]) / np.float32(frame.half_width) + 0.7 * height
    band = gaussian((slant - 0.25) / 0.22) + 0.6 * smooth_step(0.1, 1.1, height)
    mirrored = band * np.float32(0.05) + specular_light(seen.normal, lighting, 120).mean(axis=1)
    glow = np.clip(mirrored, 0, 0.6)[:, None] * lighting.ambient
    shade = np.full(len(height), frame.shade, np.float32)
    if frame.shade > 0.5:
        shade = np.clip(shade * (0.92 + 0.1 * height), 0, 1)
    composite(canvas, seen, frame.tint + glow / np.maximum(shade, 0.25)[:, None], shade)


def _fan() -> Ints:
    """Triangles from the centre of a lens, the last vertex, to its rim."""
    corner = np.arange(_CORNERS)
    hub = np.full(_CORNERS, _CORNERS)
    return np.stack([hub, corner, (corner + 1) % _CORNERS], axis=1).astype(np.int32)
