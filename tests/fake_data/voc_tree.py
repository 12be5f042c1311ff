"""Small VOC folders of drawn faces, and what tests ask of any folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.imaging.decode import encode_jpeg
from fer_det.io.files import write_bytes
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import IGNORE, VocAnnotation, VocObject

CLASSES = tuple(expression.label for expression in BASIC_EXPRESSIONS)
WIDTH, HEIGHT = 60, 48
FACE = FaceBox(20, 10, 40, 36)
BYSTANDER = FaceBox(2, 4, 12, 16)


def drawn_face(seed: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A bright ellipse in FACE's place on a dim, noisy ground: [height, width, 3] uint8."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(40, 80, (height, width, 3), dtype=np.uint8)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    centre_x, centre_y = FACE.centre
    inside = ((x - centre_x) / FACE.width * 2) ** 2 + ((y - centre_y) / FACE.height * 2) ** 2 <= 1
    pixels[inside] = (180, 150, 120)
    return pixels


def small_faces(input_size: int) -> list[list[float]]:
    """Boxes of 10 to 24 pixels, one fifth taller than wide, anywhere in a square picture."""
    random = np.random.default_rng(0)
    boxes = []
    for width in (10, 12, 16, 20, 24):
        for x, y in random.uniform(0, input_size - 1.2 * width, (100, 2)):
            boxes.append([x, y, x + width, y + 1.2 * width])
    return boxes


def write_voc_tree(
    root: Path,
    labels_by_split: Mapping[str, Sequence[str | Sequence[str]]],
    classes: Sequence[str] = CLASSES,
) -> VocFolder:
    """Write a VOC folder with a picture for each entry, named after split and place.

    An entry is the label of the one face, or the labels of several; each second picture also shows
    a bystander to ignore.
    """
    folder = VocFolder.create(root)
    folder.write_label_map(classes)
    ids: dict[str, list[str]] = {}
    shown: dict[str, set[str]] = {}
    for split, entries in labels_by_split.items():
        ids[split] = []
        for place, entry in enumerate(entries):
            labels = (entry,) if isinstance(entry, str) else tuple(entry)
            image_id = f"{split}_{place:04d}"
            faces = [
                VocObject(label, FACE.moved(3 * number, 0)) for number, label in enumerate(labels)
            ]
            if place % 2:
                faces.append(VocObject(IGNORE, BYSTANDER))
            folder.write(VocAnnotation(image_id, WIDTH, HEIGHT, tuple(faces), "drawn"))
            write_bytes(folder.image_path(image_id), encode_jpeg(drawn_face(place)))
            ids[split].append(image_id)
            shown[image_id] = set(labels)
    if "train" in ids:
        ids["trainval"] = ids["train"] + ids.get("val", [])
    folder.write_image_sets(ids, shown)
    return folder


def tree_hash(root: Path) -> str:
    """One hash of the names and contents of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def modification_times(root: Path) -> dict[str, int]:
    """When each file was last written, in nanoseconds."""
    return {str(path): path.stat().st_mtime_ns for path in root.rglob("*")}
