"""What every data set gives the loader, the sampler and the trainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

Entry = tuple[Tensor, dict[str, Tensor]]
"""A picture [3, S, S] uint8 and its target."""


@dataclass(frozen=True)
class Draw:
    """One picture's turn in an epoch: which, and where its random numbers start from."""

    index: int
    seed: int


class LabelledPicture(Protocol):
    """A picture before it is decoded."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def label(self) -> int:
        """Its expression, 1..C."""


class PictureDataset(Protocol):
    """A split whose pictures are decoded as they are asked for."""

    @property
    def pictures(self) -> Sequence[LabelledPicture]:
        """All of the split, in its own order."""

    def __len__(self) -> int: ...

    def __getitem__(self, draw: Draw) -> Entry:
        """The picture as [3, S, S] uint8 and its target, among it index [] and seed [] int64."""
