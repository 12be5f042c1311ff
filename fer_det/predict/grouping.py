"""Pictures gathered into batches of bounded number and size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

MOST_PIXELS = 32_000_000
"""A batch ends with the picture that reaches this, so that large ones do not fill the memory."""


def in_groups(items: Iterable[T], size: int, pixels_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Lists of at most `size` items, in order, each read only when its list is."""
    group: list[T] = []
    pixels = 0
    for item in items:
        group.append(item)
        pixels += pixels_of(item)
        if len(group) == size or pixels >= MOST_PIXELS:
            yield group
            group, pixels = [], 0
    if group:
        yield group
