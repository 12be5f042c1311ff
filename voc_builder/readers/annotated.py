"""Annotated pictures, and how COCO's JSON and YOLO's text files describe them; see voc.py."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression, expression_of_word
from fer_det.core.sample import Face, Split
from fer_det.errors import DatasetFormatError
from voc_builder.readers.class_names import split_of_folders, split_of_word
from voc_builder.readers.picture_index import PictureIndex
from voc_builder.readers.table import read_text
from voc_builder.readers.tree import Tree

NON_FACES = frozenset(
    (
        "person",
        "people",
        "human",
        "body",
        "man",
        "woman",
        "child",
        "hand",
        "car",
        "dog",
        "cat",
        "hat",
        "helmet",
        "phone",
        "background",
    )
)
"""Classes, in lower case, that are no faces."""

_IGNORED = ("ignore", "face")
_NAMES_FILES = r"(classes|labels|obj|_darknet)\.(txt|names|labels)|.*\.names|.*\.ya?ml"


@dataclass
class AnnotatedPicture:
    """A picture, its faces, and what was left out of its objects."""

    path: PurePosixPath
    faces: list[Face] = field(default_factory=list)
    split: Split | None = None
    left_out: list[str] = field(default_factory=list)
    """Reasons, one for each object or for the picture."""
    attributes: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, box: FaceBox | None) -> None:
        """Add an object of a class; `box` None: it has none."""
        word = name.strip().lower()
        expression = expression_of_word(name)
        if box is None:
            self.left_out.append("an object without a usable box")
        elif word in NON_FACES:
            self.left_out.append(f"an object that is no face: {word}")
        else:
            self.faces.append(Face(expression, box))
            if expression is None and word not in _IGNORED:
                self.left_out.append(f"a face of another class, ignored: {word}")


def read_coco_json(path: Path) -> dict[str, Any] | None:
    """The document, None where it is no COCO file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    keys = ("images", "annotations", "categories")
    is_coco = isinstance(document, dict) and all(
        isinstance(document.get(key), list) for key in keys
    )
    return document if is_coco else None


def read_coco(
    tree: Tree, index: PictureIndex, path: PurePosixPath, document: Mapping[str, Any]
) -> list[AnnotatedPicture]:
    """The images of a COCO document; their split is in the file's name or folder.

    Raises DatasetFormatError where an id has no image or category.
    """
    words = (split_of_word(word) for word in re.split(r"[^A-Za-z]+", path.stem))
    split = next((word for word in words if word), None) or split_of_folders(path)
    try:
        names = {each["id"]: str(each["name"]) for each in document["categories"]}
        pictures = {
            each["id"]: _coco_picture(index, path, str(each["file_name"]), split)
            for each in document["images"]
        }
        for each in document["annotations"]:
            picture = pictures[each["image_id"]]
            box = _sized_box(each.get("bbox"))
            if each.get("iscrowd") and box is not None:
                picture.faces.append(Face(None, box))
            else:
                picture.add(names[each["category_id"]], box)
    except (KeyError, TypeError) as error:
        raise DatasetFormatError(
            f"{tree.root / path} lacks {error} in an image, a category or an annotation",
            "COCO's images, categories and annotations with their ids",
            "export it again",
        ) from error
    return list(pictures.values())


def _coco_picture(
    index: PictureIndex, path: PurePosixPath, name: str, split: Split | None
) -> AnnotatedPicture:
    found = index.find(name, near=path.parent) or path.parent / PurePosixPath(name).name
    return AnnotatedPicture(found, split=split)


def _sized_box(values: Any) -> FaceBox | None:
    """x, y, width, height -> box."""
    try:
        x, y, width, height = map(float, values)
        return FaceBox(x, y, x + width, y + height)
    except (TypeError, ValueError):
        return None


def read_yolo(tree: Tree, paths: Sequence[PurePosixPath]) -> list[AnnotatedPicture] | None:
    """The pictures with a text file each; None where there are no class names or no such files."""
    names = _read_yolo_names(tree)
    if not names:
        return None
    by_stem: dict[str, list[PurePosixPath]] = {}
    for path, _ in tree.take_named(r".*\.txt"):
        by_stem.setdefault(path.stem.lower(), []).append(path)
    pictures = []
    for path in paths:
        found = by_stem.get(path.stem.lower(), [])
        # images/train/a.jpg has labels/train/a.txt.
        near = [each for each in found if each.parent.name == path.parent.name] or found
        if near:
            pictures.append(_yolo_picture(tree, path, near[0], names))
    return pictures or None


def _yolo_picture(
    tree: Tree, path: PurePosixPath, annotation: PurePosixPath, names: Mapping[int, str]
) -> AnnotatedPicture:
    picture = AnnotatedPicture(path)
    size = _size_of(tree.root / path)
    for line in read_text(tree.root / annotation, "YOLO's boxes of a picture").splitlines():
        cells = line.split()
        if not cells:
            continue
        try:
            name, values = names[int(cells[0])], [float(cell) for cell in cells[1:]]
        except (KeyError, ValueError) as error:
            raise DatasetFormatError(
                f"{tree.root / annotation} has the line {line.strip()[:60]!r}",
                f"a class from 0 to {max(names)}, then x y width height from 0 to 1",
                "correct the line or remove the file",
            ) from error
        picture.add(name, None if size is None else _yolo_box(values, size))
    return picture


def _yolo_box(values: Sequence[float], size: tuple[int, int]) -> FaceBox | None:
    """Centre and size, or a polygon's points, in parts of the picture -> box in pixels."""
    width, height = size
    if len(values) == 4:
        x, y, w, h = values
        xs, ys = [x - w / 2, x + w / 2], [y - h / 2, y + h / 2]
    elif len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = list(values[::2]), list(values[1::2])
    else:
        return None
    try:
        return FaceBox(min(xs) * width, min(ys) * height, max(xs) * width, max(ys) * height)
    except ValueError:
        return None


def _size_of(path: Path) -> tuple[int, int] | None:
    """(width, height) of a picture as it is shown, by its header; None where it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return (image.height, image.width) if turned else image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _read_yolo_names(tree: Tree) -> dict[int, str]:
    """Class number -> name, from the first file that holds an expression's name."""
    import yaml

    for path, _ in tree.take_named(_NAMES_FILES):
        text = read_text(tree.root / path, "YOLO's class names")
        names: Any = [line.strip() for line in text.splitlines() if line.strip()]
        if path.suffix.lower() in (".yaml", ".yml"):
            try:
                names = (yaml.safe_load(text) or {}).get("names", [])
            except (yaml.YAMLError, AttributeError):
                continue
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        try:
            found = {int(number): str(name) for number, name in pairs}
        except (TypeError, ValueError):
            continue
        if any(isinstance(expression_of_word(name), Expression) for name in found.values()):
            return found
    return {}
