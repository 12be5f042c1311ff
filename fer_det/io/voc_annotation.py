"""The XML file of a picture in Pascal VOC; the only module that counts pixels from 1.

VOC counts pixels from 1 and a box's last pixel belongs to it, so the box [x0, x1) counted from 0
is written xmin = x0 + 1, xmax = x1 (Everingham et al., "The PASCAL VOC challenge 2007 development
kit"). Fields are whole numbers, as every reader of the format expects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from fer_det.core.box import FaceBox
from fer_det.core.sample import Point
from fer_det.errors import AnnotationError, DatasetFormatError, DatasetNotFoundError

FOLDER = "VOC2007"
IMPORT_COMMAND = "fer-det build-voc --voc"
IGNORE = "ignore"
"""The name of a face without a label: neither a positive example nor background."""
MAX_XML_BYTES = 1_000_000
LABEL_PROBABILITIES = "label_probabilities"
"""The attribute of an object that holds its label's probabilities, in CVAT's form."""
LANDMARKS = "landmarks"
"""The attribute of an object that holds its landmarks: "x,y x,y ..." in pixels from 1."""
MAX_LANDMARKS = 100
_IMAGE_ID = re.compile(r"[A-Za-z0-9_-]+")
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


def check_image_id(image_id: str, source: Path | None = None) -> str:
    """Return `image_id` if it can be a file's stem anywhere; DatasetFormatError otherwise."""
    if not _IMAGE_ID.fullmatch(image_id):
        place = f" in {source}" if source else ""
        raise DatasetFormatError(
            f"image id {image_id!r}{place}",
            "letters, digits, _ and - only",
            f"rename the picture, or import the folder with: {IMPORT_COMMAND} FOLDER",
        )
    return image_id


def format_annotation(annotation: VocAnnotation) -> str:
    """The XML text of an annotation, always the same for the same annotation."""
    root = etree.Element("annotation")
    _add(root, "folder", FOLDER)
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
