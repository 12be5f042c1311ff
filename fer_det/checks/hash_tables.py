"""Hash tables over short keys, and over all pairs of 64-bit hashes that differ in few bits.

The second is multi-index hashing (Norouzi, Punjani and Fleet, "Fast exact search in Hamming space
with multi-index hashing", PAMI 2014): where two hashes differ in r bits or fewer, one of their four
quarters differs in r / 4 bits or fewer, so four tables are asked for all keys that near.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

PAIRS_AT_A_TIME = 2_000_000

Indices = NDArray[np.intp]
Keys = NDArray[np.int32]
Hashes = NDArray[np.uint64]

_QUARTERS = 4
_BITS = 16


class HashTable:
    """Rows in buckets by a key of some bits."""

    def __init__(self, keys: Keys, bits: int) -> None:
        self._rows = np.argsort(keys, kind="stable").astype(np.int32)
        counts = np.bincount(keys, minlength=2**bits)
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def matches(self, keys: Keys) -> Iterator[tuple[Indices, Indices]]:
        """Yield indices into `keys` and rows of the table that have the same key.

        About PAIRS_AT_A_TIME at a time, so that memory is bounded.
        """
        starts = self._starts[keys]
        counts = self._starts[keys + 1] - starts
        ends = np.cumsum(counts)
        begin = done = 0
        while begin < len(keys):
            fit = int(np.searchsorted(ends, done + PAIRS_AT_A_TIME, side="right"))
            end = max(begin + 1, fit)
            part = counts[begin:end]
            offsets = np.arange(part.sum()) - np.repeat(ends[begin:end] - part - done, part)
            asked = np.repeat(np.arange(begin, end), part)
            yield asked, self._rows[starts[asked] + offsets]
            begin, done = end, int(ends[end - 1])


class HammingTables:
    """64-bit hashes, found by their distance."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes
        self._tables = [HashTable(keys, _BITS) for keys in _quarters(hashes)]

    def within(self, asked: Hashes, radius: int) -> Iterator[tuple[Indices, Indices]]:
        """Yield every pair (index into `asked`, index of a hash here) of `radius` bits or fewer.

        Each pair comes once, in no particular order.
        """
        near = radius // _QUARTERS
        masks = [
            sum(1 << bit for bit in bits)
            for count in range(near + 1)
            for bits in combinations(range(_BITS), count)
        ]
        for quarter, (table, keys) in enumerate(zip(self._tables, _quarters(asked), strict=True)):
            for mask in masks:
                for rows, found in table.matches(keys ^ np.int32(mask)):
                    differing = asked[rows] ^ self._hashes[found]
                    kept = np.bitwise_count(differing) <= radius
                    rows, found, differing = rows[kept], found[kept], differing[kept]
                    # A pair that an earlier table has found too does not come again.
                    new = np.ones(len(rows), bool)
                    for part in _quarters(differing)[:quarter]:
                        new &= np.bitwise_count(part) > near
                    yield rows[new], found[new].astype(np.intp)


def _quarters(hashes: Hashes) -> list[Keys]:
    parts = np.ascontiguousarray(hashes).view(np.uint16).reshape(-1, _QUARTERS)
    return [part.astype(np.int32) for part in parts.T]
