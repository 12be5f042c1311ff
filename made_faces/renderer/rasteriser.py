"""Rasterise triangles: which triangle each pixel shows, and which point of it.

Triangles are cut into spans, one for each row of pixels, so that only covered pixels are processed.
A pixel is covered when its centre is (at + 0.5). Two triangles that share an edge cover each pixel
along it exactly once, since both compute the crossing from the same upper end of the edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.head import Head
from made_faces.surface import Floats, Ints, Region, Surface, unit

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]
_Real = TypeVar("_Real", np.float32, np.float64)

_SMALLEST_AREA = 1e-9
"""Twice the area in square pixels; triangles below it are seen edge-on and skipped."""


@dataclass(frozen=True)
class Fragments:
    """What a camera sees of a mesh; all arrays [H, W]."""

    inverse_depth: Floats
    """1 / distance along the view axis, 0 for the background."""
    triangle: Ints
    """Index of the nearest triangle, -1 for the background."""
    weights: Floats
    """[H, W, 2] perspective-correct barycentric weights of the triangle's corners 0 and 1."""


@dataclass(frozen=True)
class _Planes:
    """Triangles in view, each with its inverse depth as a linear function of the picture."""

    numbers: Longs
    """[N] index in the caller's list."""
    corners: Doubles
    """[N, 3, 3] column, row, inverse depth."""
    area: Doubles
    """[N] twice the signed area in square pixels."""
    slope: Doubles
    """[N, 2] change of the inverse depth per column and per row."""


@dataclass(frozen=True)
class _Coverage:
    """Every pixel that any triangle covers, including hidden ones."""

    pixel: Longs
    """[M] row * width + column."""
    plane: Ints
    """[M] index into the planes."""
    inverse_depth: Floats
    """[M]"""


def rasterise(projected: Floats, triangles: Ints, width: int, height: int, cull: bool) -> Fragments:
    """Find the nearest triangle at each pixel.

    projected [V, 3]: column, row and inverse depth as from Camera.project; triangles [T, 3]. cull:
    skip triangles seen from behind, which are clockwise in the picture. Triangles that reach behind
    the camera (inverse depth not above 0) are skipped. At equal depth the triangle later in the
    list is shown.
    """
    planes = _planes(projected, triangles, width, height, cull)
    covered = _covered_pixels(planes, width, height)
    inverse_depth = np.zeros(height * width, np.float32)
    np.maximum.at(inverse_depth, covered.pixel, covered.inverse_depth)
    seen = covered.inverse_depth == inverse_depth[covered.pixel]
    shown = np.full(height * width, -1, np.int32)
    shown[covered.pixel[seen]] = covered.plane[seen]
    filled = np.flatnonzero(shown >= 0)
    plane = shown[filled]
    weights = np.zeros((height * width, 2), np.float32)
    weights[filled] = _weights(planes, plane, filled % width, filled // width)
    triangle = np.full(height * width, -1, np.int32)
    triangle[filled] = planes.numbers[plane]
    size = (height, width)
    return Fragments(inverse_depth.reshape(size), triangle.reshape(size), weights.reshape(*size, 2))


def inverse_depth_map(projected: Floats, triangles: Ints, width: int, height: int) -> Floats:
    """[H, W] the largest inverse depth at each pixel, 0 for the background; both sides count."""
    covered = _covered_pixels(
        _planes(projected, triangles, width, height, cull=False), width, height
    )
    inverse_depth = np.zeros(height * width, np.float32)
    np.maximum.at(inverse_depth, covered.pixel, covered.inverse_depth)
    return inverse_depth.reshape(height, width)


def _planes(projected: Floats, triangles: Ints, width: int, height: int, cull: bool) -> _Planes:
    """Select the triangles that may cover the centre of a pixel."""
    column, row, inverse_depth = (projected[:, axis][triangles] for axis in range(3))
    area = _twice_area(column, row)
    # Columns grow to the right and rows downwards, so the area of counter-clockwise triangles is
    # negative.
    facing = area < -_SMALLEST_AREA if cull else np.abs(area) > _SMALLEST_AREA
    depth_low, _ = _extent(inverse_depth)
    column_low, column_high = _extent(column)
    row_low, row_high = _extent(row)
    kept = np.flatnonzero(
        facing
        & (column_high > 0.5)
        & (column_low < width - 0.5)
        & (row_high > 0.5)
        & (row_low < height - 0.5)
        # A range of rows that contains no pixel centre covers nothing.
        & (np.ceil(row_low - 0.5) < np.ceil(row_high - 0.5))
        & (depth_low > 0)
    )
    # Thin triangles need double precision; there are few numbers per triangle.
    corners = projected[triangles[kept]].astype(np.float64)
    exact = _twice_area(corners[:, :, 0], corners[:, :, 1])
    exact[exact == 0] = _SMALLEST_AREA
    along, across = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    slope = np.stack(
        [
            (along[:, 2] * across[:, 1] - across[:, 2] * along[:, 1]) / exact,
            (across[:, 2] * along[:, 0] - along[:, 2] * across[:, 0]) / exact,
        ],
        axis=1,
    )
    return _Planes(kept, corners, exact, slope)


def _twice_area(column: NDArray[_Real], row: NDArray[_Real]) -> NDArray[_Real]:
    """Columns and rows [T, 3] of corners -> [T] twice the signed area."""
    area: NDArray[_Real] = (column[:, 1] - column[:, 0]) * (row[:, 2] - row[:, 0])
    area -= (row[:, 1] - row[:, 0]) * (column[:, 2] - column[:, 0])
    return area


def _extent(values: Floats) -> tuple[Floats, Floats]:
    """Minimum and maximum [T] of each triangle's three values [T, 3]."""
    first, second, third = values[:, 0], values[:, 1], values[:, 2]
    low = np.minimum(np.minimum(first, second), third)
    return low, np.maximum(np.maximum(first, second), third)


def _covered_pixels(planes: _Planes, width: int, height: int) -> _Coverage:
    """List the pixels of every triangle: first its rows, then the columns of each row."""
    by_row = np.argsort(planes.corners[:, :, 1], axis=1, kind="stable")
    corners = np.take_along_axis(planes.corners, by_row[:, :, None], axis=1)
    top, middle, bottom = corners[:, 0, :2], corners[:, 1, :2], corners[:, 2, :2]
    first = np.clip(np.ceil(top[:, 1] - 0.5), 0, height).astype(np.int64)
    end = np.clip(np.ceil(bottom[:, 1] - 0.5), 0, height).astype(np.int64)
    plane, row = _expand_ranges(first, end)
    centre = row.astype(np.float64) + 0.5
    long_side = _crossing(top, bottom, plane, centre)
    upper = centre < middle[plane, 1]
    short_side = np.where(
        upper, _crossing(top, middle, plane, centre), _crossing(middle, bottom, plane, centre)
    )
    left = np.clip(np.ceil(np.minimum(long_side, short_side) - 0.5), 0, width).astype(np.int64)
    right = np.clip(np.ceil(np.maximum(long_side, short_side) - 0.5), 0, width).astype(np.int64)
    span, column = _expand_ranges(left, right)
    origin, slope = planes.corners[:, 0], planes.slope
    # Inverse depth on each row at column 0.5, then along the row.
    start = origin[plane, 2] + slope[plane, 1] * (centre - origin[plane, 1])
    start += slope[plane, 0] * (left + 0.5 - origin[plane, 0])
    growth = slope[plane, 0].astype(np.float32)
    inverse_depth = start.astype(np.float32)[span] + growth[span] * (column - left[span])
    of_span = plane.astype(np.int32)[span]
    # The plane of a thin triangle is steep: clip rounding errors to the range of its corners.
    low, high = _extent(planes.corners[:, :, 2].astype(np.float32))
    np.clip(inverse_depth, low[of_span], high[of_span], out=inverse_depth)
    return _Coverage(row[span] * width + column, of_span, inverse_depth.astype(np.float32))


def _expand_ranges(first: Longs, end: Longs) -> tuple[Longs, Longs]:
    """For ranges first..end - 1 return, for each of their numbers, the index of the range and the
    number.
    """
    counts = np.maximum(end - first, 0)
    owner = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) + (first - starts)[owner]


def _crossing(upper: Doubles, lower: Doubles, plane: Longs, row: Doubles) -> Doubles:
    """Column at which each plane's edge from `upper` down to `lower` crosses the row."""
    run = lower - upper
    # A horizontal edge crosses no row centre; its value is never used.
    run[run[:, 1] == 0, 1] = 1
    slant = run[:, 0] / run[:, 1]
    column: Doubles = upper[plane, 0] + (row - upper[plane, 1]) * slant[plane]
    return column


def _weights(planes: _Planes, plane: Ints, column: Longs, row: Longs) -> Floats:
    """[P, 2] perspective-correct weights of corners 0 and 1 at the pixels' centres."""
    corners = planes.corners
    area = planes.area
    # In the picture a weight is a linear function: its value at the first corner, and slopes.
    weights = []
    for corner, after, last in ((0, 1, 2), (1, 2, 0)):
        edge = corners[:, last, :2] - corners[:, after, :2]
        by_column = (-edge[:, 1] / area)[plane]
        by_row = (edge[:, 0] / area)[plane]
        away = corners[:, after, :2]
        on_screen = by_column * (column + 0.5 - away[plane, 0])
        on_screen += by_row * (row + 0.5 - away[plane, 1])
        weights.append(np.clip(on_screen, 0, 1) * corners[plane, corner, 2])
    third = 1 - weights[0] / corners[plane, 0, 2] - weights[1] / corners[plane, 1, 2]
    total = weights[0] + weights[1] + np.clip(third, 0, 1) * corners[plane, 2, 2]
    found: Floats = (np.stack(weights, axis=1) / total[:, None]).astype(np.float32)
    return found


_INNER_MOUTH = (Region.UPPER_TEETH, Region.LOWER_TEETH, Region.TONGUE)
"""Parts inside the mouth that are not connected to the skin."""


def rasterise_head(projected: Floats, head: Head, width: int, height: int) -> Fragments:
    """Rasterise the head.

    projected [V, 3]: the head as projected by the camera. Teeth and tongue are shown only in front
    of the mouth cavity, since they may reach through the skin of a narrow jaw.
    """
    loose = np.isin(head.regions, _INNER_MOUTH)
    seen = _rasterise_some(np.flatnonzero(~loose), projected, head, width, height)
    inner = _rasterise_some(np.flatnonzero(loose), projected, head, width, height)
    hollow = head.regions[seen.triangle] == Region.MOUTH_CAVITY
    shown = hollow & (seen.triangle >= 0) & (inner.inverse_depth > seen.inverse_depth)
    for behind, before in (
        (seen.inverse_depth, inner.inverse_depth),
        (seen.triangle, inner.triangle),
        (seen.weights, inner.weights),
    ):
        behind[shown] = before[shown]
    return seen


def _rasterise_some(
    numbers: NDArray[np.intp], projected: Floats, head: Head, width: int, height: int
) -> Fragments:
    """Rasterise the triangles with these indices and return the indices in the result."""
    seen = rasterise(projected, head.triangles[numbers], width, height, cull=True)
    filled = seen.triangle >= 0
    seen.triangle[filled] = numbers[seen.triangle[filled]]
    return seen


def visible_surface(fragments: Fragments, head: Head, points: Floats, normals: Floats) -> Surface:
    """Interpolate the surface at each covered pixel; points, normals [V, 3]: the posed head."""
    pixel = np.flatnonzero(fragments.triangle >= 0)
    rows, columns = np.divmod(pixel, fragments.triangle.shape[1])
    triangle = fragments.triangle.reshape(-1).take(pixel)
    first, second = np.ascontiguousarray(fragments.weights.reshape(-1, 2).take(pixel, axis=0).T)
    shares = (first, second, 1 - first - second)
    # One row a value, since take() is several times faster along the last axis.
    table = np.ascontiguousarray(np.hstack([head.template, points, normals]).T)
    corners = head.triangles.take(triangle, axis=0).T
    mixed = _mix([table.take(corner, axis=1) for corner in corners], shares)
    uv = np.ascontiguousarray(head.uv.reshape(-1, 6).T).take(triangle, axis=1)
    return Surface(
        rows=rows.astype(np.int32),
        columns=columns.astype(np.int32),
        template=np.ascontiguousarray(mixed[:3].T),
        position=np.ascontiguousarray(mixed[3:6].T),
        normal=unit(np.ascontiguousarray(mixed[6:].T)),
        uv=np.ascontiguousarray(_mix([uv[:2], uv[2:4], uv[4:]], shares).T),
        region=head.regions.take(triangle),
    )


def _mix(corners: Sequence[Floats], weights: Sequence[Floats]) -> Floats:
    """Interpolate values [C, P] of three corners with weights [P] each -> [C, P]."""
    mixed: Floats = corners[0] * weights[0]
    mixed += corners[1] * weights[1]
    mixed += corners[2] * weights[2]
    return mixed
