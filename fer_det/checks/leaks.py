"""What two splits share and should not: a person, a clip, a source file, a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from fer_det.checks.copies import MAX_CANDIDATES, find_copies
from fer_det.checks.likeness import Likeness
from fer_det.checks.lists import SEPARATE, Finding, Origin
from fer_det.checks.pictures import CheckedPicture
from fer_det.io.voc import MANIFEST

SplitOf = Mapping[str, str]
"""Image id -> split, of SEPARATE."""


def find_shared_origins(split_of: SplitOf, origins: Mapping[str, Origin]) -> Iterator[Finding]:
    """Find groups, clips and source files that the manifest has in more than one split."""
    for field, title in (("groups", "group"), ("clips", "clip"), ("sources", "source picture")):
        splits: dict[str, dict[str, str]] = {}
        for name, split in split_of.items():
            for value in getattr(origins[name], field) if name in origins else ():
                splits.setdefault(value, {}).setdefault(split, name)
        for value, first in splits.items():
            if len(first) > 1:
                ordered = sorted(first.items(), key=lambda item: SEPARATE.index(item[0]))
                places = " and in ".join(f"{split} ({name})" for split, name in ordered)
                yield Finding(MANIFEST, f"{title} {value} is in {places}")


def find_shared_pictures(
    split_of: SplitOf,
    checked: Sequence[CheckedPicture],
    same: float,
    alike: float,
    threads: int | None,
) -> Iterator[Finding]:
    """Find pictures of one split that are copies of pictures of another, the most alike first.

    same: likeness from which a pair refuses the folder; alike: from which it is a warning.
    """
    equal = _equal_pictures(split_of, checked)
    for later, earlier in equal:
        yield _pair(split_of, later, "is the same picture as", earlier)
    seen = [(each.image_id, each.thumbnail) for each in checked if each.thumbnail is not None]
    if not seen:
        return
    names = [name for name, _ in seen]
    splits = np.array([SEPARATE.index(split_of[name]) for name in names], np.intp)
    thumbnails = np.stack([thumbnail for _, thumbnail in seen])
    for copy in find_copies(thumbnails, splits, alike, threads):
        later, earlier = names[copy.later], names[copy.earlier]
        if (later, earlier) not in equal:
            is_same = copy.likeness.value >= same
            relation = "is a copy of" if is_same else "looks like"
            finding = _pair(
                split_of, later, relation, earlier, f" ({describe_likeness(copy.likeness)})"
            )
            yield finding if is_same else finding.as_warning()


def _equal_pictures(
    split_of: SplitOf, checked: Sequence[CheckedPicture]
) -> dict[tuple[str, str], None]:
    """(id in a later split, id in an earlier one) of pictures with the same pixels, in order."""
    by_pixels: dict[bytes, list[str]] = {}
    for each in checked:
        if each.pixels is not None:
            by_pixels.setdefault(each.pixels, []).append(each.image_id)
    pairs: dict[tuple[str, str], None] = {}
    for names in by_pixels.values():
        for later in names if len(names) > 1 else ():
            number = SEPARATE.index(split_of[later])
            earlier = (name for name in names if SEPARATE.index(split_of[name]) < number)
            pairs |= {(later, name): None for name in islice(earlier, MAX_CANDIDATES)}
    return pairs


def _pair(split_of: SplitOf, later: str, relation: str, earlier: str, details: str = "") -> Finding:
    """The finding names the picture of the later split, whose scores are at stake."""
    text = f"of {split_of[later]} {relation} {earlier}.jpg of {split_of[earlier]}{details}"
    return Finding(f"JPEGImages/{later}.jpg", text)


def describe_likeness(likeness: Likeness) -> str:
    """Return 'likeness 0.93, mirrored, turned by about 5 degrees'."""
    parts = [f"likeness {likeness.value:.2f}"]
    if likeness.mirrored:
        parts.append("mirrored")
    if likeness.degrees >= 1.5:
        parts.append(f"turned by about {likeness.degrees:.0f} degrees")
    if likeness.scale >= 1.03:
        parts.append(f"enlarged about {likeness.scale:.2f} times")
    return ", ".join(parts)
