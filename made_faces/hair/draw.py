"""Draw hair and lashes: a dark shell over the scalp, dark bands in hanging hair, and strands."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.accessories.hat import Headgear
from made_faces.face_model.head import Head
from made_faces.face_model.identity import Identity
from made_faces.hair.guides import Guides, above_hairline, grow_guides, hair_density, hair_thickness
from made_faces.hair.haircut import Haircut, flatten_under_hat, haircut_of
from made_faces.hair.strands import grow_strands, shade_hair, shade_strands
from made_faces.renderer.camera import Camera
from made_faces.renderer.head_fit import SKULL, HeadFit, disc_directions, fit_head, look_up_disc
from made_faces.renderer.overlays import (
    Strokes,
    VisiblePoints,
    alpha_image,
    cast_soft_shadow,
    composite,
    composite_strokes,
    project_paths,
    visible_points,
)
from made_faces.renderer.rasteriser import rasterise
from made_faces.renderer.shading import diffuse_light
from made_faces.scene.scene import Lighting
from made_faces.surface import Canvas, Floats, grid_triangles, unit, vertex_normals
from made_faces.texture import noise, smooth_step

_DOWN = np.array([0, 0, -1], np.float32)
_USUAL_SCALE = 1100.0
"""Pixels per metre at which the number of strands of a haircut fills the hair."""
_LEAST_STRANDS, _MOST_STRANDS = 0.6, 2.0
"""Bounds of the factor on that number: strokes are a pixel wide, so a larger head needs more."""
_SHADOW_FALL = 0.007
"""Length in metres of the shadow of hair on the skin."""


def draw_hair(
    canvas: Canvas,
    head: Head,
    identity: Identity,
    points: Floats,
    camera: Camera,
    lighting: Lighting,
    headgear: Headgear = "none",
) -> None:
    """Draw the hair of a head; points [V, 3]: the posed head.

    headgear: already drawn; it flattens the hair, and a scarf covers all of it.
    """
    cut = haircut_of(identity)
    if cut is None or headgear == "scarf":
        return
    if headgear != "none":
        cut = flatten_under_hat(cut)
    fit = fit_head(head, points)
    seen, colour, alpha = shade_shell(canvas, fit, identity, cut, camera, lighting)
    composite(canvas, seen, colour, alpha)
    cover = alpha_image(canvas, seen, alpha)
    guides = grow_guides(fit.disc, cut, fit.turn_back(_DOWN), cut.points)
    if cut.hangs:
        bands = shade_bands(canvas, guides, fit, identity, camera, lighting)
        composite_strokes(canvas, bands)
        cover.reshape(-1)[bands.pixels] = bands.alpha
    scale = camera.pixels_per_metre / _USUAL_SCALE
    count = int(cut.strands * np.clip(scale, _LEAST_STRANDS, _MOST_STRANDS))
    strands = grow_strands(guides, cut, count)
    strokes = shade_strands(canvas, strands, fit, identity, cut, camera, lighting)
    flat = cover.reshape(-1)
    flat[strokes.pixels] = np.maximum(flat[strokes.pixels], strokes.alpha)
    cast_soft_shadow(canvas, cover, camera, lighting, _SHADOW_FALL)
    composite_strokes(canvas, strokes)


_SHELL_GRID = 56
"""Vertices along a side of the shell's grid over the disc of directions."""
_SHELL_LIGHT = 0.58
"""Fraction of the light that reaches the inside of the hair."""


def shade_shell(
    canvas: Canvas,
    fit: HeadFit,
    identity: Identity,
    cut: Haircut,
    camera: Camera,
    lighting: Lighting,
) -> tuple[VisiblePoints, Floats, Floats]:
    """Return the visible points of the inner shell, their colour [P, 3] and alpha [P]."""
    directions = disc_directions(_SHELL_GRID).reshape(-1, 3)
    skin = SKULL + directions * look_up_disc(fit.disc.radius, directions)[:, None]
    height = hair_thickness(skin, cut) * np.float32(cut.bulk)
    if cut.combing == "outward":
        height = height * (1 + np.float32(0.14) * noise("low", skin[:, 0] * 5, skin[:, 2] * 5))
    placed = fit.to_posed(skin + directions * height[:, None])
    triangles = grid_triangles(_SHELL_GRID, _SHELL_GRID)
    triangles = triangles[hair_density(skin, cut)[triangles].max(axis=1) > 0]
    normals = vertex_normals(placed, triangles)
    seen = visible_points(canvas, camera, placed, normals, skin, triangles, cull=False, slack=0.003)
    place = seen.values
    # The density is evaluated for each pixel, since the hairline is finer than the grid.
    ragged = np.float32(0.0025) * noise("low", place[:, 0] * 6, place[:, 2] * 6)
    behind = smooth_step(-0.006, cut.thinning, above_hairline(place, cut) + ragged)
    alpha = smooth_step(0.15, 1.0, hair_density(place, cut)) * (0.25 + 0.75 * behind)
    # Seen edge-on the shell is transparent, so that only strands form the outline.
    alpha *= smooth_step(
        0.0, 0.3, -seen.normal[:, 1] + 0.06 * noise("fine", place[:, 0], place[:, 2])
    )
    light = diffuse_light(seen.normal, lighting, wrap=0.35)
    curls = np.float32(0.35 if cut.combing == "outward" else 0.0)
    fleck = 1 + curls * noise("fine", place[:, 0] * 2 + place[:, 1], place[:, 2] * 2 + place[:, 1])
    fleck += np.float32(0.12) * noise("low", place[:, 0] * 6 + place[:, 1] * 5, place[:, 2] * 6)
    colour = identity.hair * light * (np.float32(_SHELL_LIGHT) * fleck)[:, None]
    return seen, np.maximum(colour, 0).astype(np.float32), np.float32(cut.cover) * alpha


_BAND_STEP = 2
"""Bands use every second point of a guide."""
_BAND_BREADTH = 0.010
"""Breadth in metres where a band begins; it tapers to the tip."""
_BAND_LAYERS = 0.72
"""Bands follow the guides of layers below this one; strands form the outer layers."""
_BAND_DEPTH = np.float32(0.006)
"""Metres by which bands are deeper in the hair than their guides."""
_BANDS_BELOW = 0.755
"""Height in metres below which hair no longer lies on the scalp."""
_BAND_REACH = 0.68
"""Fraction of the length that bands cover; only strands form the tips."""
_BAND_OCCLUSION = np.float32(0.5)
"""Ambient occlusion of bands."""


def shade_bands(
    canvas: Canvas,
    guides: Guides,
    fit: HeadFit,
    identity: Identity,
    camera: Camera,
    lighting: Lighting,
) -> Strokes:
    """Rasterise dark bands along the guides of hanging hair, in front of the canvas."""
    inner = guides.layer < _BAND_LAYERS
    paths = guides.points[inner, ::_BAND_STEP]
    paths = paths - unit(paths - SKULL) * _BAND_DEPTH
    last = guides.ends[inner, None]
    count = paths.shape[1]
    reached = np.linspace(0, 1, count)[1:] <= _BAND_REACH * last
    low = paths[:, 1:, 2] < _BANDS_BELOW
    placed = fit.to_posed(paths)
    ends = project_paths(camera, placed)[low & reached]
    along = unit(np.diff(placed, axis=1))[low & reached]
    outward = fit.turn_directions(unit(paths[:, 1:] - SKULL))[low & reached]
    part = np.broadcast_to(np.linspace(0, 1, count - 1), low.shape)[low & reached]
    part = part / np.broadcast_to(last, low.shape)[low & reached]
    breadth = _BAND_BREADTH * camera.pixels_per_metre * (1 - 0.9 * np.square(np.minimum(part, 1)))
    numbers = _draw_bands(ends, breadth, canvas.alpha.shape)
    pixels = np.flatnonzero(numbers)
    band = numbers.reshape(-1)[pixels].astype(np.int64) - 1
    inverse_depth = ends[:, :, 2].mean(axis=1)[band]
    shown = inverse_depth > canvas.inverse_depth.reshape(-1)[pixels]
    tint = np.broadcast_to(identity.hair, along.shape)
    colour = shade_hair(along, outward, np.full(len(along), _BAND_OCCLUSION), tint, lighting)
    soft = cv2.blur((numbers > 0).astype(np.float32), (3, 3)).reshape(-1)
    pixels, band = pixels[shown], band[shown]
    return Strokes(pixels, colour[band], soft[pixels], inverse_depth[shown])


def _draw_bands(ends: Floats, breadth: NDArray[np.floating], size: tuple[int, ...]) -> Floats:
    """[H, W] 1 + the index of the nearest band [M, 2, 3] at each pixel, 0 for none."""
    numbers = np.zeros(size, np.float32)
    limit = 4.0 * max(size)
    places = np.clip(np.nan_to_num(ends[:, :, :2]), -limit, limit)
    corners = np.rint(places * 16).astype(np.int32).tolist()
    thickness = np.maximum(np.rint(breadth), 1).astype(int).tolist()
    for number in np.argsort(ends[:, :, 2].sum(axis=1), kind="stable").tolist():
        first, last = corners[number]
        cv2.line(numbers, first, last, number + 1, thickness[number], cv2.LINE_8, 4)
    return numbers


_LASH_SUPERSAMPLING = 2
"""Lashes are thinner than a pixel and rendered at this multiple of the resolution."""
_LASH_SLACK = 0.004
"""Metres by which lashes may lie behind the lid and still be visible, as they grow from its edge.
"""
_LASH_ALPHA = np.float32(0.95)
"""Alpha of the darkest lashes at the root."""
_LASH_ROOT, _LASH_TIP = 0.0148, 0.0235
"""Distances in metres from the centre of the eyeball to root and tip on the base head."""
_LID_CORNERS = 0.7276
"""Height in metres between upper and lower lashes."""
_LOWER_LASHES = np.float32(0.35)
"""Strength of the lower lashes relative to the upper ones."""
_LASH_COUNT = np.float32(46)
"""Lashes per half turn around an eye."""


def draw_lashes(
    canvas: Canvas, head: Head, identity: Identity, points: Floats, camera: Camera
) -> None:
    """Draw the lashes of a head; points [V, 3]: the posed head."""
    projected = camera.project(points)
    window = canvas.window(projected[np.unique(head.lashes)])
    rows, columns = window
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if not height or not width:
        return
    projected[:, :2] -= columns.start, rows.start
    projected[:, :2] *= _LASH_SUPERSAMPLING
    found = rasterise(
        projected,
        head.lashes,
        width * _LASH_SUPERSAMPLING,
        height * _LASH_SUPERSAMPLING,
        cull=False,
    )
    before = np.repeat(
        np.repeat(canvas.inverse_depth[window], _LASH_SUPERSAMPLING, axis=0),
        _LASH_SUPERSAMPLING,
        axis=1,
    )
    shown = (found.triangle >= 0) & (
        found.inverse_depth + _LASH_SLACK * np.square(found.inverse_depth) > before
    )
    first, second = found.weights[shown].T
    weights = np.stack([first, second, 1 - first - second], axis=1)
    corners = head.lashes[found.triangle[shown]]
    fine = np.zeros(shown.shape, np.float32)
    fine[shown] = _lash_strength(np.einsum("pci,pc->pi", head.template[corners], weights), head)
    alpha = fine.reshape(height, _LASH_SUPERSAMPLING, width, _LASH_SUPERSAMPLING).mean(
        axis=(1, 3), dtype=np.float32
    )
    alpha *= _LASH_ALPHA * np.float32(identity.lashes)
    colour = identity.hair * np.float32(0.25)
    under = canvas.colour[window]
    canvas.colour[window] = under * (1 - alpha[..., None]) + colour * alpha[..., None]
    canvas.alpha[window] = canvas.alpha[window] * (1 - alpha) + alpha


def _lash_strength(places: Floats, head: Head) -> Floats:
    """[P] opacity of lashes at positions [P, 3] on the base head, 0 to 1."""
    left = head.template[head.eyes[0]].mean(axis=0)
    # The eyes are symmetric.
    offset = np.abs(places) * [1, 0, 0] + places * [0, 1, 1] - left
    away = np.linalg.norm(offset, axis=1).astype(np.float32)
    fade = np.power(1 - smooth_step(_LASH_ROOT, _LASH_TIP, away), np.float32(0.8))
    turn = np.arctan2(offset[:, 2], offset[:, 0]).astype(np.float32)
    # Lashes merge into a dark line at the root.
    root = 1 - smooth_step(_LASH_ROOT + 0.001, _LASH_ROOT + 0.004, away)
    hairs = np.maximum(np.float32(0.5) + np.float32(0.5) * np.sin(turn * 2 * _LASH_COUNT), root)
    part = np.where(places[:, 2] < _LID_CORNERS, _LOWER_LASHES, np.float32(1))
    return np.asarray(fade * hairs * part, np.float32)
