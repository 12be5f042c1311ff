"""Find pictures of one split that are copies of pictures of another split.

The signs of a picture's signature (see fer_det.checks.likeness), less the medians of all pictures,
are a hash of 64 bits. Each picture is hashed through 108 views. A picture seen through a view and a
picture of another split seen whole become a candidate pair if they fall into the same bucket of at
least one of 36 hash tables, each over a sample of 18 of the 64 bits, and if their hashes and
signatures are near. So most pairs are never compared. Of the candidates, at most 16 for each
picture of the later split are registered and measured.

In folders of more than VIEWED_AT_MOST pictures those of later splits are seen whole and mirrored
only. Their candidates are all pictures of earlier splits whose hashes differ in WHOLE_BITS bits or
fewer, without exception, unless they are unlike before they are registered. At most 4 are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from fer_det.checks.hash_tables import HammingTables, Hashes, HashTable, Indices, Keys
from fer_det.checks.likeness import (
    MIRRORED,
    SIGNATURE,
    VIEWS,
    Floats,
    Likeness,
    Thumbnails,
    measure_likeness,
    rough_likeness,
    signatures_of,
)
from fer_det.runtime.progress import track

BANDS, BAND_BITS = 36, 18
MAX_BITS = 14
"""Hashes that differ in more bits are no candidates."""
MIN_COSINE = 0.78
"""Nor are signatures with a smaller cosine."""
MAX_CANDIDATES = 16
"""Pairs that are measured for each picture of the later split, those with the highest cosine."""
PRIOR = 100
"""Pictures with median 0 that are added to the folder's, so that a few do not set the medians."""
MAX_DEVIATION = 3.0
"""Median deviations to which each number of a signature is clipped."""
PICTURES_AT_A_TIME, WHOLE_AT_A_TIME = 32, 4096
VIEWED_AT_MOST = 100_000
"""Pictures; in larger folders each is seen whole and mirrored only."""
WHOLE_BITS = 7
"""The same as MAX_BITS in larger folders, where every pair so near is a candidate."""
MIN_ROUGH = 0.6
"""Of pairs in larger folders. Of photos that were encoded again at quality 20, shrunk to a third,
made gray and brighter, or cut by 2 % on each edge, none in 5,800 had less than 0.73."""
MAX_WHOLE = 4
"""The same as MAX_CANDIDATES in larger folders."""


@dataclass(frozen=True)
class Copy:
    """Two pictures of different splits that are alike, by their indices."""

    later: int
    """The one whose split has the higher number."""
    earlier: int
    likeness: Likeness


@dataclass(frozen=True)
class _Pairs:
    """Pictures seen through a view, and pictures of another split seen whole; [pairs] each."""

    viewed: Indices
    view: Indices
    whole: Indices
    nearness: Floats
    """The higher, the more alike: a cosine of signatures, or in larger folders a rough likeness."""

    def __getitem__(self, rows: Indices) -> _Pairs:
        return _Pairs(self.viewed[rows], self.view[rows], self.whole[rows], self.nearness[rows])

    @classmethod
    def join(cls, parts: list[_Pairs]) -> _Pairs:
        """All pairs of the parts, of which there is one at least."""
        names = ("viewed", "view", "whole", "nearness")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def find_copies(
    thumbnails: Thumbnails, splits: Indices, min_likeness: float, threads: int | None = None
) -> list[Copy]:
    """Find the pairs of pictures in different splits with this likeness or more, highest first.

    thumbnails: [N, SIDE, SIDE]; splits: [N], the number of each picture's split.
    """
    if len(np.unique(splits)) < 2:
        return []
    pairs = _candidates(thumbnails, splits, threads)

    def measure(viewed: int, view: int, whole: int) -> Copy:
        likeness = measure_likeness(thumbnails[viewed], thumbnails[whole], VIEWS[view])
        later, earlier = sorted((viewed, whole), key=lambda index: -splits[index])
        return Copy(later, earlier, likeness)

    with ThreadPoolExecutor(threads) as pool:
        rows = (pairs.viewed.tolist(), pairs.view.tolist(), pairs.whole.tolist())
        measured = track(pool.map(measure, *rows), len(pairs.viewed), "compare", "pairs")
        copies = [copy for copy in measured if copy.likeness.value >= min_likeness]
    return sorted(copies, key=lambda copy: (-copy.likeness.value, copy.later, copy.earlier))


def _candidates(thumbnails: Thumbnails, splits: Indices, threads: int | None) -> _Pairs:
    """The pairs that are worth a measurement, each once."""
    pairs = _Search(thumbnails).find(splits, threads)
    later_is_viewed = splits[pairs.viewed] > splits[pairs.whole]
    later = np.where(later_is_viewed, pairs.viewed, pairs.whole)
    earlier = np.where(later_is_viewed, pairs.whole, pairs.viewed)
    # Either picture was seen through every view; the best view is kept.
    best = _first_of_each(np.lexsort((-pairs.nearness, earlier, later)), later, earlier)
    best = best[np.lexsort((earlier[best], -pairs.nearness[best], later[best]))]
    starts = np.flatnonzero(np.diff(later[best], prepend=-1))
    rank = np.arange(len(best)) - np.repeat(starts, np.diff(starts, append=len(best)))
    most = MAX_CANDIDATES if len(splits) <= VIEWED_AT_MOST else MAX_WHOLE
    return pairs[best[rank < most]]


def _first_of_each(order: Indices, *keys: Indices) -> Indices:
    """Of rows in an order, those whose keys differ from the row before."""
    new = np.zeros(len(order), bool)
    for key in keys:
        new |= np.diff(key[order], prepend=-1) != 0
    return order[new]


class _Search:
    """The hashes of one list of pictures, seen whole."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails
        count = len(thumbnails)
        parts = [
            signatures_of(thumbnails[rows], 1)[:, 0] for rows in _slices(count, WHOLE_AT_A_TIME)
        ]
        signatures = np.concatenate(parts)
        self._median = np.median(signatures, axis=0) * (count / (count + PRIOR))
        self._unit = np.median(np.abs(signatures - self._median)) + 1e-6
        # Each table has its own sample of bits, the same in every run.
        generator = np.random.default_rng(0)
        self._weights = np.zeros((SIGNATURE, BANDS), np.float32)
        for band in range(BANDS):
            chosen = generator.permutation(SIGNATURE)[:BAND_BITS]
            self._weights[chosen, band] = 2.0 ** np.arange(BAND_BITS)
        self._keys, self._hashes, self._directions = self._describe(signatures)

    def find(self, splits: Indices, threads: int | None) -> _Pairs:
        """Near pairs of pictures of different splits; a pair may come several times."""
        with ThreadPoolExecutor(threads) as pool:
            found = track(self._find(splits, pool), len(splits), "search", "pictures for copies")
            return _Pairs.join([pairs for pairs in found if pairs is not None])

    def _find(self, splits: Indices, pool: ThreadPoolExecutor) -> Iterator[_Pairs | None]:
        """Yield one item for each picture: the pairs of a whole slice of pictures, or None."""
        large = len(splits) > VIEWED_AT_MOST
        for split in np.unique(splits).tolist():
            # Whole pictures are as near from either side.
            others = np.flatnonzero(splits < split if large else splits != split)
            own = np.flatnonzero(splits == split)
            if not len(others):
                yield from [None] * len(own)
                continue
            at_a_time = WHOLE_AT_A_TIME if large else PICTURES_AT_A_TIME
            slices = [own[rows] for rows in _slices(len(own), at_a_time)]
            near: Callable[[Indices], _Pairs]
            if large:
                whole = HammingTables(self._hashes[others])
                near = partial(self._near_whole, others=others, tables=whole)
            else:
                tables = [HashTable(self._keys[others, band], BAND_BITS) for band in range(BANDS)]
                near = partial(self._near, others=others, tables=tables)
            for rows, pairs in zip(slices, pool.map(near, slices), strict=True):
                yield pairs
                yield from [None] * (len(rows) - 1)

    def _near(self, own: Indices, others: Indices, tables: list[HashTable]) -> _Pairs:
        """The pairs of some pictures, through every view, with the pictures of the tables."""
        signatures = signatures_of(self._thumbnails[own]).reshape(-1, SIGNATURE)
        keys, hashes, directions = self._describe(signatures)
        found: list[Indices] = []
        for band, table in enumerate(tables):
            for viewed, row in table.matches(keys[:, band]):
                whole = others[row]
                differing = np.bitwise_count(hashes[viewed] ^ self._hashes[whole])
                near = differing <= MAX_BITS
                found.append(viewed[near] * len(self._keys) + whole[near])
        pairs = np.sort(np.concatenate(found))
        pairs = pairs[np.diff(pairs, prepend=-1) != 0]
        viewed, whole = np.divmod(pairs, len(self._keys))
        cosine = np.einsum("pk,pk->p", directions[viewed], self._directions[whole])
        near = cosine >= MIN_COSINE
        picture, view = np.divmod(viewed[near], len(VIEWS))
        return _Pairs(own[picture], view, whole[near], cosine[near])

    def _near_whole(self, own: Indices, others: Indices, tables: HammingTables) -> _Pairs:
        """The pairs of some pictures, whole and mirrored, with the pictures of the tables."""
        parts = []
        for view in (0, MIRRORED):
            thumbnails = self._thumbnails[own]
            seen = thumbnails if view == 0 else thumbnails[:, :, ::-1]
            _, hashes, directions = self._describe(signatures_of(seen, 1)[:, 0])
            for picture, row in tables.within(hashes, WHOLE_BITS):
                whole = others[row]
                cosine = np.einsum("pk,pk->p", directions[picture], self._directions[whole])
                picture, whole = picture[cosine >= MIN_COSINE], whole[cosine >= MIN_COSINE]
                rough = rough_likeness(seen[picture], self._thumbnails[whole])
                near = rough >= MIN_ROUGH
                views = np.full(int(near.sum()), view)
                parts.append(_Pairs(own[picture[near]], views, whole[near], rough[near]))
        return _Pairs.join(parts)

    def _describe(self, signatures: Floats) -> tuple[Keys, Hashes, Floats]:
        """[N, SIGNATURE] -> keys [N, BANDS], hashes [N] and directions [N, SIGNATURE]."""
        centred = signatures - self._median
        bits = centred > 0
        keys = (bits.astype(np.float32) @ self._weights).astype(np.int32)
        hashes = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
        clipped = (centred / self._unit).clip(-MAX_DEVIATION, MAX_DEVIATION)
        length = np.linalg.norm(clipped, axis=1, keepdims=True)
        return keys, hashes, (clipped / np.maximum(length, 1e-6)).astype(np.float32)


def _slices(count: int, at_a_time: int) -> Iterator[slice]:
    for begin in range(0, count, at_a_time):
        yield slice(begin, begin + at_a_time)
