"""Folders that other tools annotated: Pascal VOC in any dialect, COCO's JSON, YOLO's text files.

LabelImg, CVAT, Roboflow, labelme, VoTT and others differ in what they write. Understood are:

    VOC    .xml beside the pictures or in Annotations/, any year, pictures of any suffix, lists with
           suffixes or paths or none, boxes counted from 0 or 1, absent or wrong sizes and depths
    COCO   a .json for each split: images, annotations with bbox, categories
    YOLO   a .txt for each picture and the class names in classes.txt, *.names or *.yaml

Class names are read as words (Happy, happiness). A face whose class is none of ours is ignored;
other things (person, car) and objects without a box are left out and counted.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fer_det.core.box import FaceBox
from fer_det.core.sample import Sample, Split
from fer_det.errors import FerDetError
from voc_builder.readers.annotated import (
    AnnotatedPicture,
    read_coco,
    read_coco_json,
    read_yolo,
)
from voc_builder.readers.class_names import split_of_folders, split_of_word
from voc_builder.readers.folders import check_group_pattern, group_of
from voc_builder.readers.picture_index import PictureIndex, path_ids
from voc_builder.readers.table import read_text
from voc_builder.readers.tree import Tree

TITLE = "VOC, COCO or YOLO folder of another tool"
BOXES = "official"

_LAYOUT = "pictures with Pascal VOC's .xml, COCO's .json, or YOLO's .txt and class names"
_SPLIT_LISTS: Mapping[str, Split] = {"train": "train", "trainval": "train", "val": "val"}


@dataclass(frozen=True)
class Options:
    """How to import another tool's folder."""

    group_pattern: str | None = None
    """Regular expression that finds the person or film in a picture's path below the folder; its
    first bracket is the group, which stays in one split. For example '(person\\d+)'."""

    def __post_init__(self) -> None:
        check_group_pattern(self.group_pattern)


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """Nobody publishes the counts of other people's folders."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the annotated pictures by path. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    paths = [path for path, _ in tree.take_pictures(".*")]
    if not paths:
        raise tree.not_found(f"{root} holds no pictures")
    index = PictureIndex(tree.root, paths)
    pictures: dict[PurePosixPath, AnnotatedPicture] = {}
    for picture in _read_any(tree, index, paths):
        first = pictures.setdefault(picture.path, picture)
        if first is not picture and first.faces != picture.faces:
            first.left_out.append("annotated twice, differently; the first is used")
    ids = path_ids("voc", [*pictures, *(path for path in paths if path not in pictures)])
    for path, picture in sorted(pictures.items(), key=lambda item: item[0].parts):
        if any(face.label for face in picture.faces):
            yield Sample(
                sample_id=ids[path],
                dataset="voc",
                picture=tree.picture(path),
                faces=tuple(picture.faces),
                split=picture.split or split_of_folders(path) or "train",
                group=group_of(options.group_pattern, path),
                attributes=picture.attributes,
            )
        elif not picture.left_out:
            picture.left_out = ["no labelled face"]
        for reason in picture.left_out:
            yield tree.left_out("voc", path, reason)
    for path in paths:
        if path not in pictures:
            yield tree.left_out("voc", path, "no annotation")
    tree.know(r".*\.(json|xml|names|ya?ml|data|cfg|csv)")
    yield from tree.finish("voc")


def _read_any(
    tree: Tree, index: PictureIndex, paths: Sequence[PurePosixPath]
) -> Iterable[AnnotatedPicture]:
    annotations = [path for path, _ in tree.take_named(r".*\.xml")]
    if annotations:
        home = Counter(path.parent for path in paths).most_common(1)[0][0]
        return _read_voc(tree, index, annotations, home)
    documents = {path: read_coco_json(tree.root / path) for path, _ in tree.take_named(r".*\.json")}
    coco = {path: document for path, document in documents.items() if document is not None}
    if coco:
        return [each for path in coco for each in read_coco(tree, index, path, coco[path])]
    yolo = read_yolo(tree, paths)
    if yolo is None:
        stems = {path.stem.lower() for path in paths}
        texts = [p for p, _ in tree.take_named(r".*\.txt") if p.stem.lower() in stems]
        what = "no annotations that are understood"
        if texts:
            what = f"text files as YOLO's, such as {texts[0]}, without classes.txt or data.yaml"
        raise tree.not_found(f"{tree.root} has pictures and {what}")
    return yolo


def _read_voc(
    tree: Tree,
    index: PictureIndex,
    annotations: Sequence[PurePosixPath],
    home: PurePosixPath,
) -> Iterator[AnnotatedPicture]:
    # lxml is not needed for the commands' --help.
    from fer_det.io.voc_annotation import parse_xml

    splits = _read_image_sets(tree)
    roots = {}
    broken = {}
    for path in annotations:
        try:
            roots[path] = parse_xml(tree.root / path)
        except FerDetError as error:
            broken[path] = error.found.replace(f"{tree.root / path} ", "")
    if not roots:
        raise tree.not_found(f"{tree.root} has no .xml that is a VOC annotation")
    edges = {path: [_edges(each) for each in root.iter("object")] for path, root in roots.items()}
    first_pixel = _tell_first_pixel(tree, edges.values())
    for path, root in roots.items():
        picture = AnnotatedPicture(_picture_of(path, root.findtext("filename"), index, home))
        if first_pixel == 0:
            picture.attributes["boxes_counted_from"] = "0"
        if splits is not None:
            picture.split = splits.get(path.stem.lower())
            if picture.split is None:
                picture.left_out.append("in no image set")
                yield picture
                continue
        for element, own in zip(root.iter("object"), edges[path], strict=True):
            picture.add(element.findtext("name") or "", _voc_box(own, first_pixel))
        yield picture
    for path, reason in broken.items():
        yield AnnotatedPicture(
            _picture_of(path, None, index, home),
            left_out=[f"an annotation that {_shorten(reason)}"],
        )


def _picture_of(
    path: PurePosixPath, filename: str | None, index: PictureIndex, home: PurePosixPath
) -> PurePosixPath:
    """The picture of an annotation: the one with its stem, or else the one that it names.

    An absent one is expected in the folder `home`.
    """
    # A stem may have dots of its own, so it gets a suffix to lose.
    for name in (f"{path.stem}.jpg", (filename or "").strip()):
        found = index.find(name, near=path.parent) if name else None
        if found is not None:
            return found
    return home / f"{path.stem}.jpg"


def _edges(element: Any) -> tuple[float, ...] | None:
    """(xmin, ymin, xmax, ymax) as they are written; None where one is absent or no number."""
    try:
        return tuple(
            float(element.findtext(f"bndbox/{name}") or "nan")
            for name in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError:
        return None


def _tell_first_pixel(tree: Tree, edges: Iterable[Sequence[tuple[float, ...] | None]]) -> int:
    """0 where any box begins at 0, which a tool that counts from 1 never writes; else 1."""
    starts = [edge for boxes in edges for box in boxes if box for edge in box[:2]]
    if any(start == 0 for start in starts):
        print(
            f"note: {tree.root}: boxes begin at 0, so the pixels of all boxes are counted from 0",
            file=sys.stderr,
        )
        return 0
    return 1


def _voc_box(edges: tuple[float, ...] | None, first_pixel: int) -> FaceBox | None:
    from fer_det.io.voc_annotation import box_from_edges

    if edges is None:
        return None
    (x_min, x_max), (y_min, y_max) = sorted(edges[::2]), sorted(edges[1::2])
    try:
        return box_from_edges(x_min, y_min, x_max, y_max, first_pixel)
    except ValueError:
        return None


def _read_image_sets(tree: Tree) -> dict[str, Split] | None:
    """Picture's stem in lower case -> split, by the lists; None where there are none."""
    lists = tree.take(
        lambda path: (
            path.stem.lower()
            if path.parent.name.lower() in ("main", "imagesets") and path.suffix == ".txt"
            else None
        )
    )
    splits: dict[str, Split] = {}
    found = False
    # trainval first, so that train and val overrule it.
    for path, name in sorted(lists, key=lambda item: item[1] != "trainval"):
        split = _SPLIT_LISTS.get(name) or split_of_word(name)
        if split is None:
            continue
        found = True
        for line in read_text(tree.root / path, "a list of pictures").splitlines():
            if line.strip():
                splits[_stem(line)] = split
    return splits if found else None


def _stem(line: str) -> str:
    """The stem that a list's line means: with a folder, suffix or a class list's 1 or -1."""
    name = PurePosixPath(re.sub(r"\s+-?[01]$", "", line.strip()).replace("\\", "/")).name.lower()
    return re.sub(r"\.(jpe?g|png|bmp|tiff?|webp|xml)$", "", name)


def _shorten(reason: str) -> str:
    return re.sub(r"\s+", " ", reason)[:60]
