"""A VOC folder's label map and image sets: read whole, and compared with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from fer_det.checks.finding import Finding, finding_of, place_of
from fer_det.errors import FerDetError
from fer_det.io.voc import IGNORE, VocAnnotation, VocFolder, check_image_id

SEPARATE = ("train", "val", "test")
"""Splits that may not share a picture; trainval is the first two together."""


def read_splits(folder: VocFolder) -> tuple[dict[str, list[str]], list[Finding]]:
    """(ids of each split that is there, each once and in order; what is wrong with the lists)."""
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
        good = [name for name in names if _is_id(name)]
        findings += [
            Finding(place, f"{name!r} is no image id: letters, digits, _ and - only")
            for name in dict.fromkeys(names)
            if not _is_id(name)
        ]
        findings += [
            Finding(place, f"{name} is listed {count} times")
            for name, count in Counter(good).items()
            if count > 1
        ]
        ids[split] = list(dict.fromkeys(good))
        if not names:
            findings.append(Finding(place, "lists no picture"))
    return ids, [*findings, *_compare(folder, ids)]


def read_classes(folder: VocFolder) -> tuple[tuple[str, ...], list[Finding]]:
    """(the label map's classes, what is wrong with it)."""
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


def check_class_lists(
    folder: VocFolder,
    ids: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    annotations: Mapping[str, VocAnnotation],
) -> list[Finding]:
    """What <class>_<split>.txt says otherwise than the annotations; absent ones are no defect."""
    findings: list[Finding] = []
    for split, names in ids.items():
        for label in classes:
            path = folder.image_set_path(f"{label}_{split}")
            if path.is_file():
                shown = {
                    name: any(face.name == label for face in annotations[name].objects)
                    for name in names
                    if name in annotations
                }
                findings += _check_class_list(folder, f"{label}_{split}", names, shown)
    return findings


def labels_of(annotation: VocAnnotation) -> set[str]:
    """The names of its labelled faces."""
    return {face.name for face in annotation.objects if face.name != IGNORE}


def _compare(folder: VocFolder, ids: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
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
                yield Finding(f"{home}/{split}.txt", f"{name} is in {first[name]}.txt too")
    if "trainval" in ids and "train" in ids:
        together = {*ids["train"], *ids.get("val", ())}
        differing = sorted(together.symmetric_difference(ids["trainval"]))
        if differing:
            said = f"is not train and val together: {len(differing)} ids differ, {differing[0]}"
            yield Finding(f"{home}/trainval.txt", f"{said} is the first")


def _check_class_list(
    folder: VocFolder, split: str, names: Sequence[str], shown: Mapping[str, bool]
) -> Iterator[Finding]:
    path = folder.image_set_path(split)
    place = place_of(path, folder.root)
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError):
        yield Finding(place, "is not text")
        return
    said = {row[0]: row[1:] for row in rows if row}
    if sorted(said) != sorted(names):
        yield Finding(place, "lists other pictures than its split")
        return
    wrong = [name for name in shown if said[name] != ["1" if shown[name] else "-1"]]
    if wrong:
        yield Finding(
            place, f"disagrees with {len(wrong)} annotations, of which {wrong[0]} is the first"
        )


def _is_id(name: str) -> bool:
    try:
        check_image_id(name)
    except FerDetError:
        return False
    return True
