"""LFW-FER and M-LFW-FER: 10,487 photos of LFW, each positive, negative or neutral.

Yang, Wu and Hattori, "Facial expression recognition with the advent of face masks", MUM 2020. Three
forms, told apart by the folders' names:

    LFW-FER/positive/Aaron_Eckhart_0001.jpg         photos
    M-LFW-FER/positive/...                          with masks drawn on the faces ("mask", "M-LFW")
    .../crop/positive/...                           cut around the face ("crop", "cut", "align")

A class stands for several expressions: positive is happiness or surprise, negative is fear,
disgust, sadness or anger, each as likely. Score with --label_map three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.label import THREE_CLASSES, Label, LabelDistribution
from fer_det.core.sample import IN_ALL, Face, Sample
from fer_det.errors import DatasetNotFoundError
from voc_builder.readers.class_names import split_of_folders
from voc_builder.readers.picture_index import is_picture, path_ids
from voc_builder.readers.tree import Tree, groups_in_two_splits

TITLE = "LFW-FER"

LABELS: Mapping[str, Label] = {
    word: LabelDistribution.from_votes(dict.fromkeys(expressions, 1.0))
    if len(expressions) > 1
    else expressions[0]
    for word, expressions in THREE_CLASSES.items()
}

Form = Literal["original", "masked", "face_cut"]

_LAYOUT = "LFW-FER's {positive,negative,neutral}/<LFW's pictures>"


@dataclass(frozen=True)
class Options:
    """How to read LFW-FER."""

    form: Literal["auto", "original", "masked", "face_cut"] = "auto"
    """Which pictures: photos, photos with drawn masks, cut faces, or (auto) the first of these that
    is there."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The authors count the photos and state no splits."""
    return ({IN_ALL: 10_487},) if options.form in ("auto", "original") else ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures of one form by path. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    forms: dict[Form, list[tuple[PurePosixPath, str]]] = {
        "original": [],
        "masked": [],
        "face_cut": [],
    }
    for path, word in tree.take(_class_of):
        forms[_form_of(path)].append((path, word))
    if not any(forms.values()):
        raise tree.not_found()
    auto: Form = next(form for form, own in forms.items() if own)
    chosen = forms[auto if options.form == "auto" else options.form]
    if not chosen:
        there = " and ".join(form for form, own in forms.items() if own)
        raise DatasetNotFoundError(
            f"{root} holds no pictures of the form {options.form}", there, "choose another form"
        )
    splits = {path: split_of_folders(path) or "train" for path, _ in chosen}
    members = [(person, splits[path]) for path in splits if (person := _person(path)) is not None]
    divided = groups_in_two_splits(TITLE, "persons", members)
    ids = path_ids("lfw_fer", [path for path, _ in chosen])
    for path, word in chosen:
        person = _person(path)
        yield Sample(
            sample_id=ids[path],
            dataset="lfw_fer",
            picture=tree.picture(path),
            faces=(Face(LABELS[word]),),
            split=splits[path],
            framing="face_crop" if _is_cut(path) else "photo",
            group=None if person in divided else person,
            attributes={"class": word, "form": _form_of(path)},
        )
    yield from tree.finish("lfw_fer")


def _class_of(path: PurePosixPath) -> str | None:
    """The class by the nearest folder that names one, also as a part: "positive_left"."""
    if not is_picture(path):
        return None
    for folder in path.parts[-2::-1]:
        for word in re.split(r"[^a-z]+", folder.lower()):
            if word in LABELS:
                return word
    return None


def _form_of(path: PurePosixPath) -> Form:
    if any(map(_names_masks, path.parts[:-1])):
        return "masked"
    return "face_cut" if _is_cut(path) else "original"


def _names_masks(folder: str) -> bool:
    """Whether a folder is named after masks; "unmasked" and "no_mask" are photos without."""
    name = folder.lower()
    without = re.search(r"(un|no|non|without)[-_ ]?mask", name)
    return without is None and re.search(r"mask|\bm[-_]lfw", name) is not None


def _is_cut(path: PurePosixPath) -> bool:
    return any(re.search(r"crop|cut|align", folder.lower()) for folder in path.parts[:-1])


def _person(path: PurePosixPath) -> str | None:
    """LFW's names end in the picture's number of four digits."""
    name = re.match(r"(.+?)_\d{4}(?!\d)", path.name)
    return name[1] if name else None
