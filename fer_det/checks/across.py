"""What pictures that a model is tested on share with those that it was trained on.

Persons, clips and source files are compared by the manifests' names, pictures by their pixels and
by likeness (see fer_det.checks.copies). Some data sets are known to be made of others; where no
name tells which pictures those are, that is a finding as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_det.checks.copies import find_copies
from fer_det.checks.leaks import describe_likeness
from fer_det.checks.lists import SEPARATE, Finding, Origin, read_origins
from fer_det.checks.pictures import CheckedPicture, look_at_picture
from fer_det.errors import FerDetError
from fer_det.io.voc import VocFolder
from fer_det.runtime.progress import track

RELATED: Mapping[frozenset[str], str] = {
    **{
        frozenset(("tfd", other)): f"the Toronto Face Database holds pictures of {other}"
        for other in ("ckplus", "jaffe", "kdef", "mmi")
    },
    frozenset(("fer2013", "ferplus")): "FERPlus is FER2013 with other labels",
    frozenset(("sfew", "afew")): "SFEW's stills are frames of AFEW's clips",
}
"""Two data sets -> why they are not independent, from their papers."""

OWN_NAMES = ("folders", "voc", "composed")
"""Data sets in which everybody names persons and pictures as they like, so that equal names of two
folders mean nothing; `composed` are pictures without a face. Pictures are compared all the same."""

_KINDS = {"groups": "person or film", "clips": "clip", "originals": "source picture"}
_PLURALS = {"groups": "persons or films", "clips": "clips", "originals": "source pictures"}


@dataclass(frozen=True)
class Pictures:
    """Some splits of a VOC folder: where their pictures come from and what they look like."""

    name: str
    """The folder, in messages."""
    split_of: Mapping[str, str]
    """Image id -> split."""
    origins: Mapping[str, Origin]
    """By image id; {} for a folder without a manifest."""
    datasets: tuple[str, ...]
    """Names of the data sets that the folder was built from, where they are known."""
    seen: tuple[CheckedPicture, ...]

    @classmethod
    def read(cls, root: Path, splits: Collection[str], threads: int | None) -> Pictures:
        """Decode the pictures of these splits, as far as they exist.

        Raises DatasetNotFoundError where there is no VOC folder or none of the splits, and
        DatasetFormatError for a list that cannot be read.
        """
        folder = VocFolder(root)
        present = [split for split in SEPARATE if split in splits and split in folder.splits()]
        split_of = {name: split for split in present for name in folder.image_ids(split)}
        if not split_of:
            # Says which splits there are.
            folder.image_ids(next(iter(splits)))
        with ThreadPoolExecutor(threads) as pool:
            looked = pool.map(lambda name: look_at_picture(folder, name), split_of)
            seen = tuple(track(looked, len(split_of), "read", f"pictures of {root}"))
        origins, _ = read_origins(folder.home)
        known = {name: each for name, each in (origins or {}).items() if name in split_of}
        return cls(str(root), split_of, known, datasets_of(folder, known), seen)


@dataclass(frozen=True)
class Overlap:
    """What the tested pictures share with the others."""

    tested: Pictures
    trained: Pictures
    shared: Mapping[str, int]
    """Kind of origin -> how many the two have in common."""
    copies: int
    """Pairs of pictures that are copies."""
    alike: int
    """Pairs that a person must judge."""
    concerned: frozenset[str]
    """Ids of the tested pictures that share something, warnings aside."""
    related: tuple[str, ...]
    """Why data sets of the two are not independent, see RELATED."""
    findings: tuple[Finding, ...]

    def describe(self) -> str:
        """Return one line for people: what is shared, and by how many tested pictures."""
        counts = [f"{count:,} {_PLURALS[kind]}" for kind, count in self.shared.items() if count]
        counts += [f"{self.copies:,} copies of pictures"] if self.copies else []
        unread = sum(each.pixels is None for each in (*self.tested.seen, *self.trained.seen))
        total, splits = len(self.tested.split_of), dict.fromkeys(self.trained.split_of.values())
        by_name = self._datasets_in_common
        if counts:
            found = f"{', '.join(counts)} in {len(self.concerned):,} of {total:,} tested pictures"
        else:
            found = f"no {'person, clip or ' if by_name else ''}picture of {total:,}"
        parts = [
            f"shared with {len(self.trained.split_of):,} pictures ({', '.join(splits)}) of "
            f"{self.trained.name}: {found}",
            *([f"{self.alike:,} pairs look alike"] if self.alike else []),
            *([f"pictures that could not be read: {unread:,}"] if unread else []),
            *self.related,
            *([] if by_name else ["persons and clips have no names to compare"]),
        ]
        return "; ".join(parts)

    @property
    def _datasets_in_common(self) -> set[str]:
        """Data sets whose names of persons and clips are the same in both folders."""
        stated = bool(self.tested.origins and self.trained.origins)
        common = {*self.tested.datasets} & {*self.trained.datasets} if stated else set()
        return common - {*OWN_NAMES}


def compare_pictures(
    tested: Pictures, trained: Pictures, same: float, alike: float, threads: int | None
) -> Overlap:
    """Find what two sets of pictures share; same, alike: see CheckConfig."""
    findings: list[Finding] = []
    shared: dict[str, int] = {}
    concerned: set[str] = set()
    for kind in _KINDS:
        mine, theirs = _by_origin(tested, kind), _by_origin(trained, kind)
        common = [value for value in mine if value in theirs]
        shared[kind] = len(common)
        for value in common:
            concerned.update(mine[value])
            findings.append(
                Finding(
                    tested.name,
                    f"{_KINDS[kind]} {value} is in {_place(tested, mine[value][0])} and in "
                    f"{_place(trained, theirs[value][0])}",
                )
            )
    copies = alikes = 0
    for later, earlier, details, is_copy in _find_copies(tested, trained, same, alike, threads):
        relation = "is a copy of" if is_copy else "looks like"
        text = f"of {tested.split_of[later]} {relation} {_place(trained, earlier)} ({details})"
        finding = Finding(f"{tested.name}/{later}", text)
        findings.append(finding if is_copy else finding.as_warning())
        copies, alikes = copies + is_copy, alikes + (not is_copy)
        if is_copy:
            concerned.add(later)
    related = tuple(find_related(tested.datasets, trained.datasets))
    findings += [Finding(tested.name, f"{why} ({trained.name})", refuses=False) for why in related]
    return Overlap(
        tested, trained, shared, copies, alikes, frozenset(concerned), related, tuple(findings)
    )


def find_related(tested: Sequence[str], trained: Sequence[str]) -> Iterator[str]:
    """Yield why data sets of the two lists are not independent, each reason once."""
    pairs = {frozenset((one, other)) for one in tested for other in trained}
    yield from (why for pair, why in RELATED.items() if pair in pairs)


def _by_origin(pictures: Pictures, kind: str) -> dict[str, list[str]]:
    """Value of that field -> ids of the pictures that have it."""
    found: dict[str, list[str]] = {}
    for name in pictures.split_of:
        origin = pictures.origins.get(name)
        if origin is None or origin.dataset in OWN_NAMES:
            continue
        # A composed picture may have faces of several data sets.
        own = {*(origin.dataset or "").split(" + ")} & {*OWN_NAMES}
        beginnings = tuple(f"{dataset}{mark}" for dataset in own for mark in "/_")
        for value in getattr(origin, kind):
            if not value.startswith(beginnings):
                found.setdefault(value, []).append(name)
    return found


def _find_copies(
    tested: Pictures, trained: Pictures, same: float, alike: float, threads: int | None
) -> Iterator[tuple[str, str, str, bool]]:
    """Yield (tested id, other id, details, whether it is a copy), equal pictures first."""
    by_pixels = {each.pixels: each.image_id for each in trained.seen if each.pixels is not None}
    equal = {
        each.image_id: by_pixels[each.pixels] for each in tested.seen if each.pixels in by_pixels
    }
    for later, earlier in equal.items():
        yield later, earlier, "the same pixels", True
    seen = [(each, 0) for each in trained.seen if each.thumbnail is not None]
    seen += [(each, 1) for each in tested.seen if each.thumbnail is not None]
    if not seen:
        return
    thumbnails = np.stack([each.thumbnail for each, _ in seen if each.thumbnail is not None])
    sides = np.array([side for _, side in seen], np.intp)
    for copy in find_copies(thumbnails, sides, alike, threads):
        later, earlier = seen[copy.later][0].image_id, seen[copy.earlier][0].image_id
        if equal.get(later) != earlier:
            details = describe_likeness(copy.likeness)
            yield later, earlier, details, copy.likeness.value >= same


def _place(pictures: Pictures, name: str) -> str:
    return f"{pictures.split_of[name]} of {pictures.name} ({name})"


def datasets_of(folder: VocFolder, origins: Mapping[str, Origin]) -> tuple[str, ...]:
    """By the manifest, or by the converter's summary that a folder without one may hold."""
    # A composed picture names those of all its faces.
    named = {
        name
        for each in origins.values()
        if each.dataset is not None
        for name in each.dataset.split(" + ")
    }
    if not named:
        try:
            named = set(folder.build_summary().get("datasets", {}))
        except FerDetError:
            named = set()
    return tuple(sorted(named))
