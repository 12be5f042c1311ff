"""The lists of a VOC folder, read whole and compared: label map, image sets, manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fer_det.errors import FerDetError
from fer_det.io.voc import MANIFEST, VocFolder
from fer_det.io.voc_annotation import check_image_id

SEPARATE = ("train", "val", "test")
"""Splits that may not share a picture; trainval is the first two together."""


@dataclass(frozen=True)
class Finding:
    """One defect of a folder, printed as one line."""

    place: str
    """The file, relative to the folder that is checked."""
    text: str
    refuses: bool = True
    """Whether the folder cannot be used as it is; False for a warning that a person must judge."""

    def as_warning(self) -> Finding:
        """The same finding as a warning."""
        return replace(self, refuses=False)

    def __str__(self) -> str:
        kind = "refused" if self.refuses else "warning"
        return " ".join(f"{kind}: {self.place}: {self.text}".split())


@dataclass(frozen=True)
class Origin:
    """What the manifest states about one picture; of a composed one, about all its faces."""

    split: str
    sources: tuple[str, ...]
    """The raw data set's file; of copies and faces, the id of the picture that they are from."""
    groups: tuple[str, ...] = ()
    """The person, film or character, where the data set states it."""
    clips: tuple[str, ...] = ()
    """The video or sequence that the picture is a frame of."""
    sha256: str | None = None
    """Hash of the file, where it was copied byte for byte."""
    dataset: str | None = None
    """The name of the data set's reader."""
    originals: tuple[str, ...] = ()
    """The picture's id in the converter's folder, which is unique over all data sets."""


def finding_of(error: FerDetError, path: Path, root: Path) -> Finding:
    """A reader's error about a file below `root`, without the folder's own path."""
    text = error.found.removeprefix(str(path)).lstrip(": ")
    return Finding(place_of(path, root), text.replace(f"{root}/", ""))


def place_of(path: Path, root: Path) -> str:
    """`path` relative to `root`, with slashes."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def is_image_id(name: str) -> bool:
    """Whether `name` is a valid image id."""
    try:
        check_image_id(name)
    except FerDetError:
        return False
    return True


def read_classes(folder: VocFolder) -> tuple[tuple[str, ...], list[Finding]]:
    """Read the label map: (its classes, its defects)."""
    path = folder.label_map_path
    place = place_of(path, folder.root)
    try:
        classes = folder.classes()
    except FerDetError as error:
        return (), [finding_of(error, path, folder.root)]
    findings = [
        Finding(place, f"names {name} {count} times")
        for name, count in Counter(classes).items()
        if count > 1
    ]
    return classes, findings if classes else [Finding(place, "names no class")]


def read_splits(folder: VocFolder) -> tuple[dict[str, list[str]], list[Finding]]:
    """Read the image sets: (the ids of each split, each once and in order; the defects)."""
    ids: dict[str, list[str]] = {}
    findings: list[Finding] = []
    for split in folder.splits():
        path = folder.image_set_path(split)
        place = place_of(path, folder.root)
        try:
            names = folder.listed_names(split)
        except FerDetError as error:
            findings.append(finding_of(error, path, folder.root))
            continue
        good = [name for name in names if is_image_id(name)]
        findings += [
            Finding(place, f"{name!r} is not an image id: letters, digits, _ and - only")
            for name in dict.fromkeys(names)
            if not is_image_id(name)
        ]
        findings += [
            Finding(place, f"lists {name} {count} times")
            for name, count in Counter(good).items()
            if count > 1
        ]
        ids[split] = list(dict.fromkeys(good))
        if not names:
            findings.append(Finding(place, "lists no picture"))
    return ids, [*findings, *_compare_splits(folder, ids)]


def read_origins(home: Path) -> tuple[dict[str, Origin] | None, list[Finding]]:
    """Read the manifest: (the origin of each picture that was written, by id; the defects).

    None where there is no manifest: another program made the folder.
    """
    path = home / MANIFEST
    if not path.is_file():
        return None, []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}, [Finding(MANIFEST, "is not text")]
    origins: dict[str, Origin] = {}
    findings: list[Finding] = []
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
            name, origin = values["id"], _origin(values)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            findings.append(Finding(MANIFEST, f"line {number} is not a line of a manifest"))
            continue
        if values.get("status") == "rejected":
            continue
        if name in origins:
            findings.append(Finding(MANIFEST, f"line {number} names {name} a second time"))
        origins[name] = origin
    return origins, findings


def compare_origins(
    origins: Mapping[str, Origin], ids: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    """Differences between the manifest and the image sets."""
    split_of = {name: split for split in SEPARATE for name in ids.get(split, ())}
    for name, origin in origins.items():
        listed = split_of.get(name)
        if listed is None:
            yield Finding(MANIFEST, f"has {name}, which no image set lists")
        elif listed != origin.split:
            yield Finding(MANIFEST, f"has {name} in {origin.split}, and {listed}.txt lists it")
    for name in split_of:
        if name not in origins:
            yield Finding(MANIFEST, f"lacks {name} of {split_of[name]}.txt", refuses=False)


def check_class_lists(
    folder: VocFolder,
    ids: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    shown: Mapping[str, tuple[str, ...]],
) -> list[Finding]:
    """Differences between <class>_<split>.txt and the annotations; absent lists are no defect.

    shown: image id -> the names of the objects in its annotation, where that could be read.
    """
    findings: list[Finding] = []
    for split, names in ids.items():
        for label in classes:
            path = folder.image_set_path(f"{label}_{split}")
            if path.is_file():
                present = {name: label in shown[name] for name in names if name in shown}
                findings += _check_class_list(path, place_of(path, folder.root), names, present)
    return findings


def _compare_splits(folder: VocFolder, ids: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    home = place_of(folder.image_set_path("train").parent, folder.root)
    if not ids:
        yield Finding(home, "holds no image set named train, val or test")
        return
    for split in ("train", "val"):
        if split not in ids:
            yield Finding(home, f"{split}.txt is absent, which training needs", refuses=False)
    first: dict[str, str] = {}
    for split in SEPARATE:
        for name in ids.get(split, ()):
            if first.setdefault(name, split) != split:
                yield Finding(f"{home}/{split}.txt", f"lists {name}, as {first[name]}.txt does")
    if "trainval" in ids and "train" in ids:
        together = {*ids["train"], *ids.get("val", ())}
        differing = sorted(together.symmetric_difference(ids["trainval"]))
        if differing:
            text = (
                f"differs from train and val together in {len(differing)} ids, first {differing[0]}"
            )
            yield Finding(f"{home}/trainval.txt", text)


def _check_class_list(
    path: Path, place: str, names: Sequence[str], present: Mapping[str, bool]
) -> Iterator[Finding]:
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError):
        yield Finding(place, "is not text")
        return
    listed = {row[0]: row[1:] for row in rows if row}
    if sorted(listed) != sorted(names):
        yield Finding(place, "lists other pictures than its split")
        return
    wrong = [name for name in present if listed[name] != ["1" if present[name] else "-1"]]
    if wrong:
        yield Finding(place, f"contradicts {len(wrong)} annotations, first that of {wrong[0]}")


def _origin(values: Mapping[str, Any]) -> Origin:
    if not isinstance(values["id"], str):
        raise TypeError
    dataset = None if values.get("dataset") is None else str(values["dataset"])

    def within(name: object) -> tuple[str, ...]:
        return () if name is None else (f"{dataset}/{name}" if dataset else str(name),)

    if "faces" in values and "groups" in values:
        # A composed picture, whose groups and clips are within their data sets already.
        faces, groups, clips = (
            tuple(map(str, values.get(name, ()))) for name in ("faces", "groups", "clips")
        )
        return Origin(str(values["split"]), faces, groups, clips, None, dataset, faces)
    return Origin(
        split=str(values["split"]),
        sources=within(values["source"]),
        # Folders built before the manifest had groups name the subject only.
        groups=within(values.get("group", values.get("subject"))),
        clips=within(values.get("clip")),
        sha256=values.get("sha256") if values.get("picture") == "copied" else None,
        dataset=dataset,
        originals=(str(values["source"]) if "copy" in values else values["id"],),
    )
