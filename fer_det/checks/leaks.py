"""What two splits have in common and should not: a person, a source, a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from fer_det.checks.finding import Finding
from fer_det.checks.likeness import BITS, Likeness, alike_pairs
from fer_det.checks.lists import SEPARATE
from fer_det.checks.origins import MANIFEST, Origin
from fer_det.checks.pictures import Checked

SplitOf = Mapping[str, str]
"""The split of each image id."""


def find_shared_origins(split_of: SplitOf, origins: Mapping[str, Origin]) -> Iterator[Finding]:
    """Persons and source pictures that the manifest has in more than one split."""
    known = {name: origins[name] for name in split_of if name in origins}
    yield from _shared(split_of, known, "subject", lambda origin: origin.subject)
    yield from _shared(split_of, known, "source picture", lambda origin: origin.source)


def find_shared_pictures(
    split_of: SplitOf, checked: Sequence[Checked], same: int, alike: int
) -> Iterator[Finding]:
    """Pictures of one split that are, or nearly are, in another; the nearest first.

    same, alike: bits of likeness that may differ; between the two a warning.
    """
    by_split = {
        split: [each for each in checked if split_of[each.image_id] == split] for split in SEPARATE
    }
    for first, second in combinations(SEPARATE, 2):
        # The later split is named: it is the one whose scores are at stake.
        pairs = _pairs(by_split[second], by_split[first], alike)
        for (later, earlier), bits in sorted(pairs.items(), key=lambda item: (item[1], item[0])):
            place = f"JPEGImages/{later}.jpg"
            if bits == 0:
                yield Finding(place, f"of {second} is the picture {earlier}.jpg of {first}")
                continue
            count = f"({bits} of {BITS} bits differ)"
            if bits <= same:
                said = f"of {second} is the picture {earlier}.jpg of {first}, nearly {count}"
                yield Finding(place, said)
            else:
                said = f"of {second} looks like {earlier}.jpg of {first} {count}"
                yield Finding(place, said, refuses=False)


def _shared(
    split_of: SplitOf,
    origins: Mapping[str, Origin],
    what: str,
    key: Callable[[Origin], str | None],
) -> Iterator[Finding]:
    first: dict[str, dict[str, str]] = {}
    for name, origin in origins.items():
        value = key(origin)
        if value is not None:
            first.setdefault(value, {}).setdefault(split_of[name], name)
    for value, names in first.items():
        if len(names) > 1:
            ordered = sorted(names.items(), key=lambda item: SEPARATE.index(item[0]))
            places = " and ".join(f"{split} ({name})" for split, name in ordered)
            yield Finding(MANIFEST, f"{what} {value} is in {places}")


def _pairs(
    later: Sequence[Checked], earlier: Sequence[Checked], most: int
) -> dict[tuple[str, str], int]:
    """(id of later, id of earlier) -> bits that differ, 0 for the very same pixels alone."""
    pairs: dict[tuple[str, str], int] = {}
    rows = [(each.image_id, each.likeness) for each in later if each.likeness is not None]
    columns = [(each.image_id, each.likeness) for each in earlier if each.likeness is not None]
    if rows and columns:
        for row, column, bits in alike_pairs(_stack(rows), _stack(columns), most):
            # Pixels that only hash alike are at a distance of one bit at least.
            pairs[rows[row][0], columns[column][0]] = max(bits, 1)
    by_pixels: dict[str, list[str]] = {}
    for each in earlier:
        if each.pixels is not None:
            by_pixels.setdefault(each.pixels, []).append(each.image_id)
    for each in later:
        for name in by_pixels.get(each.pixels or "", ()):
            pairs[each.image_id, name] = 0
    return pairs


def _stack(rows: Sequence[tuple[str, Likeness]]) -> Likeness:
    return np.stack([likeness for _, likeness in rows])
