"""All checks of one VOC folder, in the order of its files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from fer_det.checks.finding import Finding
from fer_det.checks.leaks import find_shared_origins, find_shared_pictures
from fer_det.checks.lists import SEPARATE, check_class_lists, read_classes, read_splits
from fer_det.checks.origins import Origin, compare_with_lists, read_origins
from fer_det.checks.pictures import Checked, check_names, check_picture
from fer_det.config.check import CheckConfig
from fer_det.errors import FerDetError
from fer_det.io.files import TEMPORARY_SUFFIX
from fer_det.io.voc import VocFolder
from fer_det.runtime.progress import track


@dataclass(frozen=True)
class CheckedFolder:
    """What was looked at, and what was found."""

    pictures: dict[str, int]
    """Split -> how many."""
    has_manifest: bool
    """Without one nobody can tell who is shown or which source a picture is from."""
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> int:
        """How many of the findings refuse the folder."""
        return sum(finding.refuses for finding in self.findings)


def check_folder(config: CheckConfig) -> CheckedFolder:
    """Read every file of the folder once; raises DatasetNotFoundError where there is none."""
    folder = VocFolder(config.data)
    classes, findings = read_classes(folder)
    ids, of_lists = read_splits(folder)
    findings += of_lists
    origins, of_manifest = read_origins(folder.home)
    findings += of_manifest
    known = origins or {}
    if origins is not None:
        findings += compare_with_lists(origins, ids)
    findings += _reports(folder)
    listed = list(dict.fromkeys(name for names in ids.values() for name in names))
    findings += check_names(folder, set(listed))
    checked = list(_check_pictures(folder, listed, classes, known, config))
    findings += [finding for each in checked for finding in each.findings]
    annotations = {each.image_id: each.annotation for each in checked if each.annotation}
    findings += check_class_lists(folder, ids, classes, annotations)
    # An id that stands in two splits is told once, as that.
    split_of = {name: split for split in reversed(SEPARATE) for name in ids.get(split, ())}
    findings += find_shared_origins(split_of, known)
    in_splits = [each for each in checked if each.image_id in split_of]
    findings += find_shared_pictures(split_of, in_splits, config.same, config.alike)
    if config.strict:
        findings = [replace(finding, refuses=True) for finding in findings]
    counts = {split: len(names) for split, names in ids.items() if split in SEPARATE}
    return CheckedFolder(counts, origins is not None, tuple(findings))


def _check_pictures(
    folder: VocFolder,
    listed: list[str],
    classes: Iterable[str],
    origins: dict[str, Origin],
    config: CheckConfig,
) -> Iterator[Checked]:
    names = set(classes)

    def check(image_id: str) -> Checked:
        origin = origins.get(image_id)
        return check_picture(folder, image_id, names, origin.sha256 if origin else None)

    # Decoding leaves the interpreter's lock, so threads are enough.
    with ThreadPoolExecutor(config.threads or os.cpu_count()) as pool:
        yield from track(pool.map(check, listed), len(listed), "check", "pictures")


def _reports(folder: VocFolder) -> Iterator[Finding]:
    """What stands beside the pictures: the converter's report, and what a killed run left."""
    try:
        folder.build_summary()
    except FerDetError as error:
        place, _, said = error.found.rpartition("/")[2].partition(" ")
        yield Finding(place, said)
    for path in sorted(folder.root.rglob(f".*{TEMPORARY_SUFFIX}")):
        if path.parent.name not in ("JPEGImages", "Annotations"):
            yield Finding(path.relative_to(folder.root).as_posix(), "was left by a killed run")
