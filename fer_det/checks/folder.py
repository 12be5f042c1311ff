"""All checks of one VOC folder, in the order of its files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from fer_det.checks.across import Overlap, Pictures, compare_pictures, datasets_of
from fer_det.checks.leaks import find_shared_origins, find_shared_pictures
from fer_det.checks.lists import (
    SEPARATE,
    Finding,
    Origin,
    check_class_lists,
    compare_origins,
    place_of,
    read_classes,
    read_origins,
    read_splits,
)
from fer_det.checks.pictures import SUFFIXES, CheckedPicture, check_names, check_picture
from fer_det.config.check import CheckConfig
from fer_det.errors import FerDetError
from fer_det.io.files import TEMPORARY_SUFFIX
from fer_det.io.voc import BUILD_SUMMARY, INDEX, VocFolder
from fer_det.io.voc_annotation import VocAnnotation
from fer_det.io.voc_index import StaleIndexError, demand_unchanged, read_index
from fer_det.runtime.progress import track


@dataclass(frozen=True)
class CheckedFolder:
    """What was read, and what was found."""

    pictures: dict[str, int]
    """Split -> number of pictures."""
    has_manifest: bool
    """Without a manifest, persons, clips and source files cannot be compared."""
    findings: tuple[Finding, ...]
    overlaps: tuple[Overlap, ...] = ()
    """What it shares with each folder of --against; their findings are among the above."""

    @property
    def refused(self) -> int:
        """Number of findings that refuse the folder."""
        return sum(finding.refuses for finding in self.findings)


def check_folder(config: CheckConfig) -> CheckedFolder:
    """Read every file of the folder once, and the pictures of the folders to compare it with.

    Raises DatasetNotFoundError where there is no VOC folder.
    """
    folder = VocFolder(config.data)
    classes, findings = read_classes(folder)
    ids, defects = read_splits(folder)
    findings += defects
    origins, defects = read_origins(folder.home)
    findings += defects
    known = origins or {}
    if origins is not None:
        findings += compare_origins(origins, ids)
    findings += _check_reports(folder)
    listed = list(dict.fromkeys(name for names in ids.values() for name in names))
    findings += check_names(folder, set(listed))
    indexed, defects = _read_index(folder, listed)
    findings += defects
    checked = list(_check_pictures(folder, listed, classes, known, indexed, config.threads))
    findings += [finding for each in checked for finding in each.findings]
    shown = {each.image_id: each.names for each in checked if each.names is not None}
    findings += check_class_lists(folder, ids, classes, shown)
    # An id that stands in two splits is a finding already; here it counts for the first of them.
    split_of = {name: split for split in reversed(SEPARATE) for name in ids.get(split, ())}
    findings += find_shared_origins(split_of, known)
    in_splits = [each for each in checked if each.image_id in split_of]
    findings += find_shared_pictures(split_of, in_splits, config.same, config.alike, config.threads)
    own = Pictures(str(config.data), split_of, known, datasets_of(folder, known), tuple(in_splits))
    overlaps = []
    for path in config.against:
        other = Pictures.read(path, SEPARATE, config.threads)
        overlaps.append(compare_pictures(own, other, config.same, config.alike, config.threads))
        findings += overlaps[-1].findings
    if config.strict:
        findings = [replace(finding, refuses=True) for finding in findings]
    counts = {split: len(names) for split, names in ids.items() if split in SEPARATE}
    return CheckedFolder(counts, origins is not None, tuple(findings), tuple(overlaps))


def _check_pictures(
    folder: VocFolder,
    listed: list[str],
    classes: Iterable[str],
    origins: Mapping[str, Origin],
    indexed: Sequence[VocAnnotation] | None,
    threads: int | None,
) -> Iterator[CheckedPicture]:
    names = set(classes)

    def check(place: int) -> CheckedPicture:
        image_id = listed[place]
        origin = origins.get(image_id)
        sha256 = origin.sha256 if origin else None
        return check_picture(folder, image_id, names, sha256, indexed[place] if indexed else None)

    # Decoding releases the interpreter's lock, so threads are enough.
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        yield from track(pool.map(check, range(len(listed))), len(listed), "check", "pictures")


def _read_index(
    folder: VocFolder, listed: list[str]
) -> tuple[Sequence[VocAnnotation] | None, list[Finding]]:
    """Read the index: (its annotations of the listed pictures, its defects).

    An index that is not up to date is not used by any command, so it is a warning.
    """
    try:
        indexed = read_index(folder, listed)
        if indexed is None:
            return None, []
        demand_unchanged(indexed[1], len(listed))
    except StaleIndexError as error:
        return None, [Finding(INDEX, error.found.rpartition(": ")[2], refuses=False)]
    return indexed[0], []


def _check_reports(folder: VocFolder) -> Iterator[Finding]:
    """Check the converter's report, and find files that a killed run left half-written."""
    try:
        folder.build_summary()
    except FerDetError as error:
        yield Finding(BUILD_SUMMARY, error.found.rpartition("/")[2])
    for path in sorted(folder.root.rglob(f".*{TEMPORARY_SUFFIX}")):
        # In these folders `check_names` finds them.
        if path.parent.name not in SUFFIXES:
            yield Finding(place_of(path, folder.root), "was left half-written by a killed run")
