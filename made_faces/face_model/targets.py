"""Named moves of a mesh's vertices, which add up to a person's shape or a face's action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from made_faces.surface import Floats, Ints


@dataclass(frozen=True)
class Targets:
    """Sparse moves: most of them touch a few hundred of the head's vertices."""

    names: tuple[str, ...]
    starts: Ints
    """[K + 1] where each target begins in the two tables below."""
    vertices: Ints
    """[N] which vertex moves."""
    moves: Floats
    """[N, 3] how far, in metres, at weight 1."""

    @classmethod
    def collect(cls, parts: Iterable[tuple[str, Ints, Floats]]) -> Targets:
        """Put together (name, vertices, moves) of each target."""
        names, vertices, moves = zip(*parts, strict=True)
        starts = np.cumsum([0, *(len(rows) for rows in vertices)])
        return cls(
            tuple(names), starts.astype(np.int32), np.concatenate(vertices), np.concatenate(moves)
        )

    def of(self, name: str) -> tuple[Ints, Floats]:
        """Vertices [K] and moves [K, 3] of a target; KeyError where there is none of that name."""
        row = self._rows[name]
        part = slice(self.starts[row], self.starts[row + 1])
        return self.vertices[part], self.moves[part]

    def add(self, points: Floats, weights: Mapping[str, float]) -> None:
        """Move `points` [V, 3] in place by each named target times its weight.

        One target after the other in the order given, so that the sum has the same bits anywhere.
        """
        for name, weight in weights.items():
            if weight:
                vertices, moves = self.of(name)
                # A target names a vertex once, so plain indexing adds all of it.
                points[vertices] += moves * np.float32(weight)

    def as_arrays(self, prefix: str) -> dict[str, Any]:
        """What a .npz file keeps of it."""
        return {
            f"{prefix}_names": np.array(self.names),
            f"{prefix}_starts": self.starts,
            f"{prefix}_vertices": self.vertices,
            f"{prefix}_moves": self.moves,
        }

    @classmethod
    def from_arrays(cls, prefix: str, arrays: Mapping[str, Any]) -> Targets:
        """Read it back; KeyError where something is missing."""
        return cls(
            tuple(str(name) for name in arrays[f"{prefix}_names"]),
            arrays[f"{prefix}_starts"],
            arrays[f"{prefix}_vertices"],
            arrays[f"{prefix}_moves"],
        )

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}
