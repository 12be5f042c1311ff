"""The points of a head that the camera sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.head import Head
from made_faces.geometry import unit
from made_faces.renderer.rasteriser import Fragments, rasterise
from made_faces.surface import Floats, Region, Surface

_LOOSE = (Region.UPPER_TEETH, Region.LOWER_TEETH, Region.TONGUE)
"""What lies in the mouth without being a part of the skin's sheet."""


def see_head(projected: Floats, head: Head, width: int, height: int) -> Fragments:
    """Which of the head's triangles each pixel shows.

    projected [V, 3]: the head as the camera sees it. Teeth and tongue appear only before the
    hollow of the mouth, for in a narrow jaw they may reach through the skin.
    """
    loose = np.isin(head.regions, _LOOSE)
    seen = _rasterise_some(np.flatnonzero(~loose), projected, head, width, height)
    inner = _rasterise_some(np.flatnonzero(loose), projected, head, width, height)
    hollow = head.regions[seen.triangle] == Region.MOUTH_CAVITY
    shown = hollow & (seen.triangle >= 0) & (inner.nearness > seen.nearness)
    for behind, before in (
        (seen.nearness, inner.nearness),
        (seen.triangle, inner.triangle),
        (seen.weights, inner.weights),
    ):
        behind[shown] = before[shown]
    return seen


def _rasterise_some(
    numbers: NDArray[np.intp], projected: Floats, head: Head, width: int, height: int
) -> Fragments:
    """Rasterise the triangles of these numbers, and name them by them."""
    seen = rasterise(projected, head.triangles[numbers], width, height, cull=True)
    filled = seen.triangle >= 0
    seen.triangle[filled] = numbers[seen.triangle[filled]]
    return seen


def visible_surface(fragments: Fragments, head: Head, points: Floats, normals: Floats) -> Surface:
    """What lies at each covered pixel; points, normals [V, 3]: the posed head."""
    rows, columns = np.nonzero(fragments.triangle >= 0)
    triangle = fragments.triangle[rows, columns]
    weights = fragments.weights[rows, columns]
    third = 1 - weights[:, :1] - weights[:, 1:]
    shares = (weights[:, :1], weights[:, 1:], third)
    # One table, so that each vertex is looked up once for all of it.
    table = np.concatenate([head.template, points, normals], axis=1)
    corners = head.triangles[triangle]
    mixed = table[corners[:, 0]] * shares[0]
    mixed += table[corners[:, 1]] * shares[1]
    mixed += table[corners[:, 2]] * shares[2]
    uv = head.uv[triangle]
    return Surface(
        rows=rows.astype(np.int32),
        columns=columns.astype(np.int32),
        template=np.ascontiguousarray(mixed[:, :3]),
        position=np.ascontiguousarray(mixed[:, 3:6]),
        normal=unit(mixed[:, 6:]),
        uv=uv[:, 0] * shares[0] + uv[:, 1] * shares[1] + uv[:, 2] * shares[2],
        region=head.regions[triangle],
    )
