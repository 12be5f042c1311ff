"""Pascal VOC folders: their pictures, annotations, image sets, label map and manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fer_det.core.expression import Expression
from fer_det.errors import AnnotationError, DatasetFormatError, DatasetNotFoundError
from fer_det.io.files import make_folder, write_text
from fer_det.io.remote import demand_local
from fer_det.io.voc_annotation import (
    FOLDER,
    IGNORE,
    IMPORT_COMMAND,
    VocAnnotation,
    check_image_id,
    format_annotation,
    read_annotation,
)

DEVKIT = Path("VOCdevkit") / FOLDER
SPLITS = ("train", "val", "trainval", "test")
TRAINVAL = ("train", "val")
"""The splits that trainval is together."""
BUILD_SUMMARY = "summary.json"
"""The figures of the build, written by the converter and copied by the balancer."""
OLD_BUILD_SUMMARY = "report.json"
"""The name of that file in folders of earlier versions."""
BALANCE_RECORD = "balance.json"
"""The settings and figures of the balancer, in a folder that it made."""
MANIFEST = "manifest.jsonl"
"""A line for each source picture, or for each picture and copy of a balanced folder."""
INDEX = "index.parquet"
"""Beside the manifest; see io.voc_index."""

_LABELMAP_HEADER = "# label:color_rgb:parts:actions"


class VocFolder:
    """A VOC2007 tree: pictures, annotations, image sets and the label map.

    `root` may be the folder that holds VOCdevkit, VOCdevkit itself, or VOC2007; with `sharded`
    also a folder that `fer-det shard` wrote, which has lists, label map and records, and in place
    of the other files those of io.voc_shards.
    """

    def __init__(self, root: Path, sharded: bool = False) -> None:
        self.sharded = holds_shards(root)
        """Whether it is of shards."""
        if self.sharded and not sharded:
            raise DatasetFormatError(
                f"{root} holds shards",
                "a folder with VOCdevkit/VOC2007/{Annotations,ImageSets,JPEGImages}",
                "name the folder that the shards were made from; only training reads shards",
            )
        self.root = root if self.sharded else _find_voc2007(root)

    @classmethod
    def create(cls, root: Path) -> VocFolder:
        """Make the folders of a tree below `root`/VOCdevkit/VOC2007; existing files stay."""
        base = root / DEVKIT
        for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
            make_folder(base / name)
        return cls(root)

    def image_path(self, image_id: str) -> Path:
        """The picture's file; `<filename>` in the XML is never used."""
        return self.root / "JPEGImages" / f"{check_image_id(image_id)}.jpg"

    def annotation_path(self, image_id: str) -> Path:
        """The annotation's file."""
        return self.root / "Annotations" / f"{check_image_id(image_id)}.xml"

    def image_set_path(self, split: str) -> Path:
        """The file that lists a split's image ids."""
        return self.root / "ImageSets" / "Main" / f"{split}.txt"

    @property
    def home(self) -> Path:
        """The folder of manifest and summary: beside VOCdevkit, or the tree itself without one."""
        root = self.root.resolve()
        return root.parents[1] if root.parts[-2:] == DEVKIT.parts else root

    def build_summary(self) -> dict[str, Any]:
        """The converter's figures, {} where the folder was made by other means.

        Raises DatasetFormatError where the file is no JSON object.
        """
        names = (BUILD_SUMMARY, OLD_BUILD_SUMMARY)
        present = [self.home / name for name in names if (self.home / name).is_file()]
        return _read_object(present[0], "the converter's summary") if present else {}

    def balance_record(self) -> dict[str, Any]:
        """The balancer's settings and figures, {} where the folder is not balanced.

        Raises DatasetFormatError where the file is no JSON object.
        """
        path = self.home / BALANCE_RECORD
        return _read_object(path, "the balancer's record") if path.is_file() else {}

    @property
    def is_ours(self) -> bool:
        """Whether build-voc made the folder, or the balancer from such a folder."""
        return (self.home / MANIFEST).is_file()

    @contextmanager
    def name_importer(self) -> Iterator[None]:
        """Add to errors about a folder that another tool made the command that imports it."""
        try:
            yield
        except (AnnotationError, DatasetFormatError, DatasetNotFoundError) as error:
            if self.is_ours or IMPORT_COMMAND in error.remedy:
                raise
            remedy = f"{error.remedy}; or import the folder with: {IMPORT_COMMAND} {self.home}"
            raise type(error)(error.found, error.wanted, remedy) from error

    @property
    def label_map_path(self) -> Path:
        """The file of the class names."""
        return self.root / "labelmap.txt"

    def splits(self) -> tuple[str, ...]:
        """The image sets that exist, in the order of SPLITS."""
        return tuple(split for split in SPLITS if self.image_set_path(split).is_file())

    def image_ids(self, split: str) -> list[str]:
        """The ids of a split in the order of its list."""
        path = self.image_set_path(split)
        return [check_image_id(name, path) for name in self.listed_names(split)]

    def listed_names(self, split: str) -> list[str]:
        """The first word of each line of a split's list, unchecked."""
        path = self.image_set_path(split)
        if not path.is_file():
            raise DatasetNotFoundError(
                f"{path} is absent",
                f"a VOC image set named {split}",
                f"choose one of: {', '.join(self.splits()) or 'none exists'}",
            )
        return [line.split()[0] for line in _read_lines(path) if line.strip()]

    def classes(self) -> tuple[str, ...]:
        """The classes in the order of their numbers 1, 2, ...; without background and IGNORE.

        Raises DatasetNotFoundError, and DatasetFormatError for a class that is no Expression: no
        command could name what a model answers.
        """
        if not self.label_map_path.is_file():
            raise DatasetNotFoundError(
                f"{self.label_map_path} is absent",
                "a label map that names the classes",
                "build the folder again with: fer-det build-voc",
            )
        lines = _read_lines(self.label_map_path)
        names = [line.split(":")[0].strip() for line in lines if line.strip() and line[0] != "#"]
        classes = tuple(name for name in names if name not in ("background", IGNORE))
        known = [expression.label for expression in Expression]
        if unknown := [name for name in classes if name not in known]:
            raise DatasetFormatError(
                f"{self.label_map_path} has the class {unknown[0]!r}",
                f"expressions: {', '.join(known)}",
                "import the folder, which understands other words, with: "
                f"{IMPORT_COMMAND} {self.home}",
            )
        return classes

    def read(self, image_id: str) -> VocAnnotation:
        """Read the annotation of that id; AnnotationError where it cannot be used."""
        return read_annotation(self.annotation_path(image_id))

    def write(self, annotation: VocAnnotation) -> None:
        """Write an annotation, whole or not at all."""
        write_text(self.annotation_path(annotation.image_id), format_annotation(annotation))

    def write_label_map(self, classes: Sequence[str]) -> None:
        """Write the class names, background first and IGNORE last, in Datumaro's form."""
        names = ["background", *classes, IGNORE]
        rows = [f"{name}:{_palette_colour(number)}::" for number, name in enumerate(names)]
        write_text(self.label_map_path, "\n".join([_LABELMAP_HEADER, *rows]) + "\n")

    def write_image_sets(
        self, ids_by_split: Mapping[str, Sequence[str]], labels: Mapping[str, Iterable[str]]
    ) -> None:
        """Write the list of each split, and of each split and class with 1 present, -1 absent.

        labels: image id -> the classes in it; the classes are those of the label map.
        """
        classes = self.classes()
        for split, image_ids in ids_by_split.items():
            write_text(self.image_set_path(split), "".join(f"{name}\n" for name in image_ids))
            for label in classes:
                rows = [f"{name} {1 if label in labels[name] else -1:2d}\n" for name in image_ids]
                write_text(self.image_set_path(f"{label}_{split}"), "".join(rows))


def holds_shards(root: Path) -> bool:
    """Whether `fer-det shard` wrote the folder."""
    return (root / INDEX).is_file() and any(root.glob("*-000000.tar"))


def read_manifest_rows(home: Path) -> list[dict[str, Any]]:
    """The rows of a folder's manifest, in order; [] where there is none. See iter_manifest_rows."""
    return list(iter_manifest_rows(home))


def iter_manifest_rows(home: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a folder's manifest, in order; none where there is none.

    Rows of earlier versions name the group `subject`; it is returned as `group`. Raises
    DatasetFormatError where a line is no JSON object with an id.
    """
    path = home / MANIFEST
    if not path.is_file():
        return
    # Bytes that are no text fail as a line.
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = dict(json.loads(line))
                row.setdefault("group", row.pop("subject", None))
                row["id"] = str(row["id"])
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise DatasetFormatError(
                    f"{path}, line {number} is not a row of a manifest",
                    "a JSON object with an id",
                    "build the folder again with --overwrite",
                ) from error
            yield row


def _read_object(path: Path, wanted: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DatasetFormatError(f"{path} is no JSON object", wanted, "build the folder again")
    return found


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetFormatError(
            f"{path} is not text",
            "lines of UTF-8",
            "build the folder again with: fer-det build-voc",
        ) from error


def _find_voc2007(root: Path) -> Path:
    for base in (root / DEVKIT, root / DEVKIT.name, root):
        if (base / "Annotations").is_dir() and (base / "JPEGImages").is_dir():
            return base
    if root.is_dir():
        remedy = (
            f"build one of own photos with: fer-det build-voc --folders {root}; "
            f"import another tool's with: {IMPORT_COMMAND} {root}"
        )
    else:
        demand_local(root)
        remedy = "check the path, or build one with: fer-det build-voc"
    raise DatasetNotFoundError(
        f"no VOC data set at {root}" + ("" if root.exists() else ", which is absent"),
        "a folder with VOCdevkit/VOC2007/{Annotations,ImageSets,JPEGImages}",
        remedy,
    )


def _palette_colour(number: int) -> str:
    """The VOC palette: bits of the class number spread over the high bits of red, green, blue."""
    red = green = blue = 0
    for shift in range(8):
        red |= (number >> 0 & 1) << 7 - shift
        green |= (number >> 1 & 1) << 7 - shift
        blue |= (number >> 2 & 1) << 7 - shift
        number >>= 3
    return f"{red},{green},{blue}"
