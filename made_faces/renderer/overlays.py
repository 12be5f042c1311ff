"""Meshes and thin strokes drawn over a finished head, each hidden behind what is nearer."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.renderer.camera import Camera
from made_faces.renderer.rasteriser import rasterise
from made_faces.scene.scene import Lighting
from made_faces.surface import Canvas, Floats, Ints, unit

_SHADOW = np.float32(0.42)
"""Fraction of the light that an object blocks from the skin beside it."""


@dataclass(frozen=True)
class VisiblePoints:
    """The points of a mesh in front of the canvas, one row for each pixel."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    inverse_depth: Floats
    """[P]"""
    position: Floats
    """[P, 3] world coordinates."""
    normal: Floats
    """[P, 3] unit normals, turned towards the camera."""
    values: Floats
    """[P, C] interpolated values of the vertices."""


def visible_points(
    canvas: Canvas,
    camera: Camera,
    points: Floats,
    normals: Floats,
    values: Floats,
    triangles: Ints,
    cull: bool = True,
    slack: float = 0.0,
) -> VisiblePoints:
    """Rasterise a mesh and return the points in front of the canvas.

    points, normals [V, 3] and values [V, C]: of the vertices; slack: metres by which the mesh may
    lie behind the canvas and still be visible.
    """
    height, width = canvas.alpha.shape
    found = rasterise(camera.project(points), triangles, width, height, cull)
    reach = _nearer(found.inverse_depth, slack)
    rows, columns = np.nonzero((found.triangle >= 0) & (reach > canvas.inverse_depth))
    corners = triangles.take(found.triangle[rows, columns], axis=0)
    first, second = found.weights[rows, columns].T
    weights = np.stack([first, second, 1 - first - second], axis=1)
    carried = np.hstack([points, normals, values]).astype(np.float32)
    at = np.einsum("pcv,pc->pv", carried.take(corners, axis=0), weights)
    normal = unit(at[:, 3:6])
    normal[normal[:, 1] > 0.35] *= np.float32(-1)
    return VisiblePoints(
        rows, columns, found.inverse_depth[rows, columns], at[:, :3], normal, at[:, 6:]
    )


def alpha_image(canvas: Canvas, seen: VisiblePoints, alpha: Floats) -> Floats:
    """[H, W] the alpha of visible points, 0 elsewhere."""
    cover = np.zeros_like(canvas.alpha)
    cover[seen.rows, seen.columns] = alpha
    return cover


def composite(canvas: Canvas, seen: VisiblePoints, colour: Floats, alpha: Floats) -> None:
    """Composite visible points in colour [P, 3] with alpha [P] over the canvas."""
    canvas.composite(seen.rows, seen.columns, seen.inverse_depth, colour, alpha)


def cast_soft_shadow(
    canvas: Canvas, cover: Floats, camera: Camera, lighting: Lighting, fall: float
) -> None:
    """Darken the area beside an object, away from the key light; call it before drawing the object.

    cover [H, W]: alpha of the object; fall: length of the shadow in metres.
    """
    length = np.float32(fall * camera.pixels_per_metre)
    height, width = cover.shape
    shift = np.eye(2, 3, dtype=np.float32)
    # The light comes from above and the side; rows grow downwards.
    shift[:, 2] = -lighting.key[0] * length, lighting.key[2] * length
    thrown = cv2.warpAffine(cover, shift, (width, height))
    soft = cv2.GaussianBlur(thrown, (0, 0), max(0.7 * float(length), 0.5))
    canvas.colour[:] *= (1 - _SHADOW * soft * (1 - cover))[..., None]


Longs = NDArray[np.int64]

_LONGEST = 4096.0
"""Pixels; longer strokes are out of view."""
_FAINTEST = 1e-4
"""Coverage below which a pixel is skipped."""
_STROKE_LENGTHS = (8, 16, 32, 64)
"""Pixels; strokes of up to these lengths are skipped early if they are hidden."""
_PART = 2048
"""Number of strokes processed at once, so that their steps fit into the processor's cache."""
_DENSER = 1.3
"""Compensates the exponential below, so that a single stroke is about as opaque as its coverage."""


@dataclass(frozen=True)
class Strokes:
    """Strokes as drawn in the picture, one row for each touched pixel."""

    pixels: Longs
    """[P] row * width + column."""
    colour: Floats
    """[P, 3]"""
    alpha: Floats
    """[P]"""
    inverse_depth: Floats
    """[P]"""


def project_paths(camera: Camera, paths: Floats) -> Floats:
    """Project polylines [N, K, 3] of the world -> their segments [N, K - 1, 2, 3] in the picture.

    Both ends of each segment as from Camera.project: column, row and inverse depth.
    """
    projected = camera.project(paths.reshape(-1, 3)).reshape(paths.shape)
    return np.stack([projected[:, :-1], projected[:, 1:]], axis=2)


def draw_strokes(
    canvas: Canvas, ends: Floats, colour: Floats, cover: Floats, rank: Floats, slack: float
) -> None:
    """Draw straight strokes; arguments as in rasterise_strokes."""
    composite_strokes(canvas, rasterise_strokes(canvas, ends, colour, cover, rank, slack))


def rasterise_strokes(
    canvas: Canvas, ends: Floats, colour: Floats, cover: Floats, rank: Floats, slack: float
) -> Strokes:
    """Rasterise straight strokes, one pixel wide, and mix those that share a pixel.

    ends [M, 2, 3]: column, row and inverse depth; colour [M, 3]; cover [M]: opacity, 0 to 1; rank
    [M]: where strokes cross, a higher rank has the larger weight. slack: metres by which a stroke
    may lie behind the canvas. After Wu: a stroke advances one pixel at a time along its longer side
    and is shared between the two pixels across it.
    """
    kept = _in_view(canvas, ends, slack)
    ends = ends.take(kept, axis=0)
    strength = (cover * np.exp(rank))[kept]
    inverse_depth = _mean(ends[:, 0, 2], ends[:, 1, 2])
    carried = [
        cover[kept],
        strength,
        *(strength[:, None] * colour[kept]).T,
        strength * inverse_depth,
    ]
    steps = _visible_steps(canvas, ends, slack)
    first = min(int(pixel.min(initial=canvas.alpha.size)) for _, pixel, _ in steps)
    size = max(0, *(int(pixel.max(initial=-1)) + 1 - first for _, pixel, _ in steps))
    # Only over the range of pixels that the strokes touch.
    sums = np.zeros((6, size))
    for owner, pixel, share in steps:
        for total, values in zip(sums, carried, strict=True):
            total += np.bincount(pixel - first, share * values.take(owner), size)
    touched = np.flatnonzero(sums[0] > _FAINTEST)
    mean = (sums[2:, touched] / sums[1, touched]).astype(np.float32)
    # Strokes are distributed at random, so each covers its share of what the others leave visible.
    alpha = (1 - np.exp(-_DENSER * sums[0, touched])).astype(np.float32)
    return Strokes(touched + first, np.ascontiguousarray(mean[:3].T), alpha, mean[3])


def composite_strokes(canvas: Canvas, strokes: Strokes) -> None:
    """Composite rasterised strokes over the canvas."""
    rows, columns = np.divmod(strokes.pixels, canvas.alpha.shape[1])
    canvas.composite(rows, columns, strokes.inverse_depth, strokes.colour, strokes.alpha)


def _in_view(canvas: Canvas, ends: Floats, slack: float) -> Longs:
    """Return the indices of strokes that may touch the picture and are not certainly hidden."""
    height, width = canvas.alpha.shape
    # Column, row and depth of both ends; contiguous, which makes this several times faster.
    one, other = np.ascontiguousarray(ends.reshape(-1, 6).T).reshape(2, 3, -1)
    low, high = np.minimum(one, other), np.maximum(one, other)
    extent = (high - low)[:2].max(axis=0)
    kept = np.flatnonzero(
        (high[0] > 0)
        & (low[0] < width)
        & (high[1] > 0)
        & (low[1] < height)
        & (low[2] > 0)
        & (extent < _LONGEST)
    )
    low, high, extent = low.take(kept, axis=1), high.take(kept, axis=1), extent.take(kept)
    column = ((low[0] + high[0]) / 2).clip(0, width - 1).astype(np.int32)
    row = ((low[1] + high[1]) / 2).clip(0, height - 1).astype(np.int32)
    middle = row * width + column
    # A stroke is hidden if it lies behind everything in a square around its middle.
    farthest = np.zeros_like(extent)
    shorter = -1
    for longest in _STROKE_LENGTHS:
        square = np.ones((longest + 5, longest + 5), np.uint8)
        around = np.asarray(cv2.erode(canvas.inverse_depth, square), np.float32)
        of_length = np.flatnonzero((extent > shorter) & (extent <= longest))
        farthest[of_length] = around.reshape(-1).take(middle.take(of_length))
        shorter = longest
    nearer = _nearer(_mean(one[2].take(kept), other[2].take(kept)), slack)
    visible: Longs = kept[nearer > farthest]
    return visible


def _mean(first: Floats, last: Floats) -> Floats:
    """[M] mean of the depths of both ends."""
    return np.asarray((first + last) / 2, np.float32)


def _nearer(inverse_depth: Floats, slack: float) -> Floats:
    """[M] inverse depth `slack` metres closer to the camera."""
    # 1 / (1 / n - slack) is about n + slack * n * n.
    return np.asarray(inverse_depth + np.float32(slack) * np.square(inverse_depth), np.float32)


def _visible_steps(canvas: Canvas, ends: Floats, slack: float) -> list[tuple[Longs, Longs, Floats]]:
    """Return stroke, pixel and share of each visible step, for both pixels that steps touch."""
    height, width = canvas.alpha.shape
    before = canvas.inverse_depth.ravel()
    found: tuple[list[tuple[Longs, Longs, Floats]], ...] = ([], [])
    for start in range(0, max(len(ends), 1), _PART):
        part = ends[start : start + _PART]
        owner, pixels, shares = _steps(part, width, height)
        reach = _nearer(_mean(part[:, 0, 2], part[:, 1, 2]), slack).take(owner)
        for steps, pixel, share in zip(found, pixels, shares, strict=True):
            seen = np.flatnonzero(reach > before.take(pixel))
            steps.append((owner.take(seen) + start, pixel.take(seen), share.take(seen)))
    return [
        (np.concatenate(owner), np.concatenate(pixel), np.concatenate(share))
        for owner, pixel, share in (zip(*steps, strict=True) for steps in found)
    ]


def _steps(
    ends: Floats, width: int, height: int
) -> tuple[Longs, tuple[Longs, Longs], tuple[Floats, Floats]]:
    """Return the stroke of each step, the two pixels it touches, and their shares of it."""
    # Pixel centres are at + 0.5.
    first, last = ends[:, 0, :2] - np.float32(0.5), ends[:, 1, :2] - np.float32(0.5)
    run = last - first
    steep = np.abs(run[:, 1]) > np.abs(run[:, 0])
    start = np.where(steep, first[:, 1], first[:, 0])
    across = np.where(steep, first[:, 0], first[:, 1])
    long = np.where(steep, run[:, 1], run[:, 0])
    short = np.where(steep, run[:, 0], run[:, 1])
    slope = short / np.where(np.abs(long) < 1e-6, np.float32(1e-6), long)
    slope = np.clip(slope, -1, 1)
    low = np.ceil(np.minimum(start, start + long)).astype(np.int32)
    counts = np.ceil(np.maximum(start, start + long)).astype(np.int32) - low
    owner = np.repeat(np.arange(len(counts)), counts)
    begins = (np.cumsum(counts) - counts).astype(np.int32)
    along = np.arange(len(owner), dtype=np.int32) + (low - begins).take(owner)
    exact = (across - start * slope).take(owner) + along * slope.take(owner)
    lower = np.floor(exact).astype(np.int32)
    share = (exact - lower).astype(np.float32)
    upright = steep.take(owner)
    inside = (along >= 0) & (along < np.where(upright, height, width))
    inside &= (lower >= 0) & (lower < np.where(upright, width, height) - 1)
    if not inside.all():
        kept = np.flatnonzero(inside)
        along, lower, share = along.take(kept), lower.take(kept), share.take(kept)
        owner, upright = owner.take(kept), upright.take(kept)
    pixel = np.where(upright, along * width + lower, lower * width + along).astype(np.int64)
    beside = pixel + np.where(upright, 1, width)
    return owner, (pixel, beside), (1 - share, share)
