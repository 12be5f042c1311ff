"""Pascal VOC folders and XML, read and written; the only module that counts pixels from 1.

VOC counts pixels from 1 and a box's last pixel belongs to it, so the box [x0, x1) counted from 0
is written xmin = x0 + 1, xmax = x1 (Everingham et al., "The PASCAL VOC challenge 2007 development
kit"). Fields are whole numbers, as every reader of the format expects.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.sample import Point
from fer_det.errors import AnnotationError, DatasetFormatError, DatasetNotFoundError
from fer_det.io.files import make_folder, write_text

DEVKIT = Path("VOCdevkit") / "VOC2007"
IGNORE = "ignore"
"""The name of a face without a label: neither a positive example nor background."""
SPLITS = ("train", "val", "trainval", "test")
MAX_XML_BYTES = 1_000_000
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
LABEL_PROBABILITIES = "label_probabilities"
"""The attribute of an object that holds its label's probabilities, in CVAT's form."""
LANDMARKS = "landmarks"
"""The attribute of an object that holds its landmarks: "x,y x,y ..." in pixels from 1."""
MAX_LANDMARKS = 100

_IMPORT = "fer-det build-voc --voc"
_IMAGE_ID = re.compile(r"[A-Za-z0-9_-]+")
_LABELMAP_HEADER = "# label:color_rgb:parts:actions"
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class VocObject:
    """One face of an annotation."""

    name: str
    """The class, or IGNORE. Of a soft label the most probable class."""
    box: FaceBox
    probabilities: Mapping[str, float] | None = None
    """A soft label: class -> probability, positive and summing to 1. None: a hard label."""
    landmarks: tuple[Point, ...] = ()
    """The detector's points (x, y) in pixels from 0, see faces.detector.LANDMARK_NAMES."""

    @property
    def ignored(self) -> bool:
        """Whether the face has no label."""
        return self.name == IGNORE


@dataclass(frozen=True)
class VocAnnotation:
    """The contents of one XML file."""

    image_id: str
    width: int
    height: int
    objects: tuple[VocObject, ...]
    database: str = "unknown"
    depth: int = 3

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the labelled faces, in their order."""
        return tuple(face.name for face in self.objects if not face.ignored)


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
            if self.is_ours or _IMPORT in error.remedy:
                raise
            remedy = f"{error.remedy}; or import the folder with: {_IMPORT} {self.home}"
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
                f"import the folder, which understands other words, with: {_IMPORT} {self.home}",
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


def check_image_id(image_id: str, source: Path | None = None) -> str:
    """Return `image_id` if it can be a file's stem anywhere; DatasetFormatError otherwise."""
    if not _IMAGE_ID.fullmatch(image_id):
        place = f" in {source}" if source else ""
        raise DatasetFormatError(
            f"image id {image_id!r}{place}",
            "letters, digits, _ and - only",
            f"rename the picture, or import the folder with: {_IMPORT} FOLDER",
        )
    return image_id


def format_annotation(annotation: VocAnnotation) -> str:
    """The XML text of an annotation, always the same for the same annotation."""
    root = etree.Element("annotation")
    _add(root, "folder", DEVKIT.name)
    _add(root, "filename", f"{check_image_id(annotation.image_id)}.jpg")
    _add(etree.SubElement(root, "source"), "database", annotation.database)
    size = etree.SubElement(root, "size")
    for name in ("width", "height", "depth"):
        _add(size, name, str(getattr(annotation, name)))
    _add(root, "segmented", "0")
    for face in annotation.objects:
        element = etree.SubElement(root, "object")
        _add(element, "name", face.name)
        _add(element, "pose", "Unspecified")
        edges = _to_voc_edges(face.box, annotation.width, annotation.height)
        _add(element, "truncated", "0")
        _add(element, "difficult", "1" if face.ignored else "0")
        box = etree.SubElement(element, "bndbox")
        for name, edge in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True):
            _add(box, name, str(edge))
        attributes = {}
        if face.probabilities is not None:
            attributes[LABEL_PROBABILITIES] = _format_probabilities(face.probabilities)
        if face.landmarks:
            points = (f"{x + 1:.6g},{y + 1:.6g}" for x, y in face.landmarks)
            attributes[LANDMARKS] = " ".join(points)
        parent = etree.SubElement(element, "attributes") if attributes else element
        for name, value in attributes.items():
            attribute = etree.SubElement(parent, "attribute")
            _add(attribute, "name", name)
            _add(attribute, "value", value)
    etree.indent(root, "\t")
    return etree.tostring(root, encoding="unicode") + "\n"


def read_annotation(path: Path) -> VocAnnotation:
    """Read one XML file; its picture is the one with the file's own stem.

    Raises DatasetNotFoundError for an absent file and AnnotationError for one that is too large,
    is no XML, declares a DOCTYPE, or has a box that is not finite, has no area or is outside.
    """
    root = parse_xml(path)
    try:
        width, height = (int(_text(root, f"size/{name}")) for name in ("width", "height"))
        depth = int(_text(root, "size/depth"))
        if width <= 0 or height <= 0:
            raise ValueError(f"size {width} x {height}")
        objects = tuple(
            _read_object_element(each, width, height) for each in root.iterfind("object")
        )
    except (ValueError, OverflowError) as error:
        raise AnnotationError(
            f"{path}: {error}",
            "a VOC annotation with a size and boxes inside the picture",
            "correct the file or leave the picture out",
        ) from error
    database = (root.findtext("source/database") or "unknown").strip()
    return VocAnnotation(path.stem, width, height, objects, database, depth)


def box_from_edges(
    x_min: float, y_min: float, x_max: float, y_max: float, first_pixel: int = 1
) -> FaceBox:
    """The box of VOC's edges, whose last pixel belongs to it, counted from `first_pixel`.

    Raises ValueError for a box that is not finite or has no area.
    """
    first, last = -first_pixel, 1 - first_pixel
    return FaceBox(x_min + first, y_min + first, x_max + last, y_max + last)


def parse_xml(path: Path) -> etree._Element:
    """The root <annotation> of an XML file without entities.

    Raises DatasetNotFoundError where it is absent and AnnotationError where it cannot be read, is
    larger than MAX_XML_BYTES, is no XML, declares a DOCTYPE or holds another root.
    """
    root = parse_any_xml(path, "a VOC annotation in plain XML")
    if root.tag != "annotation":
        raise AnnotationError(
            f"{path} holds <{root.tag}>",
            "a VOC annotation in plain XML",
            "correct the file or leave the picture out",
        )
    return root


def parse_any_xml(path: Path, wanted: str) -> etree._Element:
    """The root of an XML file without entities; wanted: what it should be, for the error.

    Raises as `parse_xml`.
    """
    remedy = "correct the file or leave the picture out"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_XML_BYTES + 1)
    except FileNotFoundError as error:
        raise DatasetNotFoundError(f"{path} is absent", wanted, "build the folder again") from error
    except OSError as error:
        raise AnnotationError(
            f"{path} could not be read ({error.strerror})", wanted, remedy
        ) from error
    if len(data) > MAX_XML_BYTES:
        raise AnnotationError(f"{path} is larger than {MAX_XML_BYTES:,} bytes", wanted, remedy)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise AnnotationError(f"{path} is not XML ({error.msg})", wanted, remedy) from error
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs' Any
        raise AnnotationError(f"{path} declares a DOCTYPE", wanted, remedy)
    return root


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
            f"import another tool's with: {_IMPORT} {root}"
        )
    else:
        remedy = "check the path, or build one with: fer-det build-voc"
    raise DatasetNotFoundError(
        f"no VOC data set at {root}" + ("" if root.exists() else ", which is absent"),
        "a folder with VOCdevkit/VOC2007/{Annotations,ImageSets,JPEGImages}",
        remedy,
    )


def _to_voc_edges(box: FaceBox, width: int, height: int) -> tuple[int, int, int, int]:
    """Whole VOC pixels inside the picture, at least one pixel wide and high."""
    x_min = min(max(round(box.x_min), 0), width - 1)
    y_min = min(max(round(box.y_min), 0), height - 1)
    x_max = min(max(round(box.x_max), x_min + 1), width)
    y_max = min(max(round(box.y_max), y_min + 1), height)
    return x_min + 1, y_min + 1, x_max, y_max


def _read_object_element(element: etree._Element, width: int, height: int) -> VocObject:
    name = _text(element, "name")
    # LabelImg and others write floats; they are read, never written.
    x_min, y_min, x_max, y_max = (
        float(_text(element, f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    box = box_from_edges(x_min, y_min, x_max, y_max)
    if box.x_min < 0 or box.y_min < 0 or box.x_max > width or box.y_max > height:
        raise ValueError(f"box {(x_min, y_min, x_max, y_max)} outside {width} x {height}")
    return VocObject(name, box, _read_probabilities(element, name), _read_landmarks(element))


def _format_probabilities(probabilities: Mapping[str, float]) -> str:
    return " ".join(f"{name}={probabilities[name]:.6g}" for name in sorted(probabilities))


def _read_probabilities(element: etree._Element, name: str) -> dict[str, float] | None:
    """The label's probabilities, scaled to a sum of 1; ValueError where they make no label."""
    texts = _attribute_texts(element, LABEL_PROBABILITIES)
    if not texts:
        return None
    found: dict[str, float] = {}
    for pair in texts[0].split():
        label, _, value = pair.partition("=")
        try:
            found[label] = float(value)
        except ValueError:
            found[label] = math.nan
    total = math.fsum(found.values())
    positive = all(math.isfinite(value) and value > 0 for value in found.values())
    if len(texts) > 1 or len(found) < len(texts[0].split()) or not positive:
        raise ValueError(f"{LABEL_PROBABILITIES} {texts[0]!r}")
    if abs(total - 1) > _SUM_TOLERANCE:
        raise ValueError(f"{LABEL_PROBABILITIES} {texts[0]!r} sum to {total:g}")
    if found.get(name) != max(found.values()):
        raise ValueError(f"{LABEL_PROBABILITIES} {texts[0]!r} of a face named {name}")
    return {label: value / total for label, value in found.items()}


def _read_landmarks(element: etree._Element) -> tuple[Point, ...]:
    """The landmarks in pixels from 0; () where there are none or where they make no points.

    Other tools may have an attribute of that name, and no answer depends on it.
    """
    texts = _attribute_texts(element, LANDMARKS)
    if len(texts) != 1:
        return ()
    try:
        points = [tuple(map(float, pair.split(","))) for pair in texts[0].split()[:MAX_LANDMARKS]]
        landmarks = tuple((x - 1, y - 1) for x, y in points)
    except ValueError:
        return ()
    return landmarks if all(math.isfinite(value) for point in landmarks for value in point) else ()


def _attribute_texts(element: etree._Element, name: str) -> list[str]:
    """The values of an object's attributes of that name."""
    return [
        attribute.findtext("value") or ""
        for attribute in element.iterfind("attributes/attribute")
        if (attribute.findtext("name") or "").strip() == name
    ]


def _text(element: etree._Element, path: str) -> str:
    text = element.findtext(path)
    if text is None or not text.strip():
        raise ValueError(f"<{path}> is missing or empty")
    return text.strip()


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = text


def _palette_colour(number: int) -> str:
    """The VOC palette: bits of the class number spread over the high bits of red, green, blue."""
    red = green = blue = 0
    for shift in range(8):
        red |= (number >> 0 & 1) << 7 - shift
        green |= (number >> 1 & 1) << 7 - shift
        blue |= (number >> 2 & 1) << 7 - shift
        number >>= 3
    return f"{red},{green},{blue}"
