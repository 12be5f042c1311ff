"""Made faces as pictures and targets: one face a picture, with all that its maker knew of it.

The folder is the one that make-faces writes: photos in basic/Image/original and a line a
photo in basic/faces.jsonl.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.data.augment import Augmentation, Change, add_box_noise
from fer_det.data.face_measures import FaceMeasures, Standard
from fer_det.data.loader import Entry
from fer_det.data.sampler import Draw
from fer_det.data.voc_dataset import channels_first, make_target
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from fer_det.imaging.affine import turn_boxes
from fer_det.imaging.decode import load_rgb8
from fer_det.imaging.jitter import jitter_generator
from fer_det.imaging.view import View

FACES = Path("basic") / "faces.jsonl"
LAYOUT = "rafdb"
MAKING = "made_faces.json"
PHOTOS = Path("basic") / "Image" / "original"

SMALLEST_SQUARE = 1.05
"""Side of the smallest square, in longer sides of the face's box."""

VISIBLE_PART = 0.6
"""A change that leaves less of the face's box in the input is not made."""

_REMEDY = "make the faces again with: fer-det make-faces"


@dataclass(frozen=True)
class MadeFace:
    """One line of faces.jsonl."""

    path: Path
    label: int
    """Expression, 1..7."""
    box: FaceBox
    measures: NDArray[np.float32]
    """[M], as FaceMeasures names them."""


class MadeFaces:
    """One split: pictures [3, size, size] uint8 and targets, decoded as they are asked for."""

    def __init__(
        self,
        pictures: Sequence[MadeFace],
        measures: FaceMeasures,
        standard: Standard,
        size: int,
        padding: tuple[int, int, int],
        augmentation: Augmentation | None = None,
    ) -> None:
        self.pictures = pictures
        self.measures = measures
        self._standard = standard
        self.size = size
        self._padding = padding
        self._augmentation = augmentation

    @property
    def labels(self) -> NDArray[np.int64]:
        """[N], the label of each picture."""
        return np.array([face.label for face in self.pictures], np.int64)

    def hash(self) -> str:
        """sha256 over names, labels, boxes and measures, to tell whether the data changed."""
        digest = hashlib.sha256(" ".join(self.measures.names).encode())
        for face in self.pictures:
            digest.update(f"{face.path.name} {face.label} {face.box.as_tuple()}".encode())
            digest.update(face.measures.tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, draw: Draw) -> Entry:
        """Return a random square around the face [3, size, size] uint8 and its target there.

        Without augmentation the square depends on the picture alone. target: see make_target; and
        measures [M] float32, standardised.
        """
        face = self.pictures[draw.index]
        pixels = load_rgb8(face.path)
        height, width = pixels.shape[:2]
        seed = draw.index if self._augmentation is None else draw.seed
        generator = jitter_generator(seed, "framing", 0)
        view = sample_square(face.box, width, height, self.size, generator)
        measures = face.measures
        if self._augmentation is not None:
            change = self._augmentation.sample(draw.seed, view)
            if _visible_part(face.box, change.view) >= VISIBLE_PART:
                view = change.view
                measures = self._changed(measures, change)
            rendered = replace(change, view=view).render(pixels, self._padding)
        else:
            rendered = view.render(pixels, self._padding)
        boxes = turn_boxes(np.array([face.box.as_tuple()]), view.matrix)
        if self._augmentation is not None:
            boxes = add_box_noise(boxes, generator)
        target = {
            **make_target(
                draw,
                boxes.clip(0, self.size).astype(np.float32),
                np.array([face.label]),
                np.eye(len(BASIC_EXPRESSIONS), dtype=np.float32)[[face.label - 1]],
            ),
            "measures": self._standard.apply(measures),
        }
        return channels_first(rendered), target

    def _changed(self, measures: NDArray[np.float32], change: Change) -> NDArray[np.float32]:
        turned = self.measures.turned(measures, change.jitter.degrees)
        return self.measures.mirrored(turned) if change.mirrors else turned


def load_made_faces(
    root: Path, size: int, padding: tuple[int, int, int], augmentation: Augmentation
) -> tuple[MadeFaces, MadeFaces]:
    """The training split, augmented, and the test split, whose people are others.

    root: a folder that holds basic/, or rafdb/basic/. Raises DatasetNotFoundError and
    DatasetFormatError.
    """
    root = _find_root(root)
    descriptions = _read_descriptions(root / FACES)
    measures = FaceMeasures.found_in(descriptions)
    faces: dict[str, list[MadeFace]] = {"train": [], "test": []}
    for number, description in enumerate(descriptions, start=1):
        split = description.get("split")
        if split not in faces:
            raise _malformed(root / FACES, number, f"the split {split!r}", "train or test")
        try:
            faces[split].append(_face(root, description, measures))
        except (KeyError, TypeError, ValueError) as error:
            told = f"what cannot be read ({error!r})"
            raise _malformed(root / FACES, number, told, "a face's description") from error
    for split, found in faces.items():
        if not found:
            raise DatasetFormatError(
                f"{root / FACES} has no face in the split {split}",
                "some in train and test",
                _REMEDY,
            )
    standard = Standard.of(np.stack([face.measures for face in faces["train"]]))
    train = MadeFaces(faces["train"], measures, standard, size, padding, augmentation)
    return train, MadeFaces(faces["test"], measures, standard, size, padding)


def read_making(root: Path) -> dict[str, Any]:
    """The settings that the faces were made with, {} where the folder does not tell."""
    try:
        settings = json.loads((_find_root(root) / MAKING).read_text(encoding="utf-8"))["settings"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _find_root(root: Path) -> Path:
    inner = root / LAYOUT
    return inner if not (root / FACES).is_file() and (inner / FACES).is_file() else root


def _read_descriptions(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise DatasetNotFoundError(
            f"{path} is absent",
            "a folder of made faces",
            f"name another with --faces, or {_REMEDY}",
        )
    descriptions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            description = json.loads(line)
        except json.JSONDecodeError as error:
            raise _malformed(path, number, "no JSON", "a face's description") from error
        if not isinstance(description, dict) or not isinstance(description.get("units"), dict):
            raise _malformed(path, number, "no action units", "a face's description")
        descriptions.append(description)
    return descriptions


def _face(root: Path, description: Mapping[str, Any], measures: FaceMeasures) -> MadeFace:
    label, name = description["label"], description["picture"]
    if label not in [int(expression) for expression in BASIC_EXPRESSIONS]:
        raise ValueError(f"label {label!r}")
    if Path(name).name != name:
        raise ValueError(f"picture {name!r}")
    values = measures.read(description)
    if not np.isfinite(values).all():
        raise ValueError("measures that are not finite")
    return MadeFace(root / PHOTOS / name, label, FaceBox(*description["box"]), values)


def _malformed(path: Path, line: int, found: str, wanted: str) -> DatasetFormatError:
    return DatasetFormatError(f"{path} holds {found} in line {line}", wanted, _REMEDY)


def sample_square(
    box: FaceBox, width: int, height: int, size: int, generator: np.random.Generator
) -> View:
    """Sample a square of a photo of that size that holds the face.

    Its side is uniform on a logarithmic scale up to the photo's longer side, so that the face
    appears in every size in which a detector would see it; its place is uniform too, inside the
    photo where it fits.
    """
    longest = max(width, height)
    least = min(SMALLEST_SQUARE * max(box.width, box.height), longest)
    fraction, along_x, along_y = generator.random(3).tolist()
    side = least * (longest / least) ** fraction
    left = _sample_start(box.x_min, box.x_max, width, side, along_x)
    top = _sample_start(box.y_min, box.y_max, height, side, along_y)
    return View.square(left, top, side, size)


def _sample_start(first: float, last: float, extent: int, side: float, along: float) -> float:
    """Return where a stretch of that side begins that holds first..last, inside 0..extent."""
    if side >= extent:
        return 0.0
    slack = max(side - (last - first), 0.0)
    start = (first + last - side) / 2 + (along - 0.5) * slack
    return min(max(start, 0.0), extent - side)


def _visible_part(box: FaceBox, view: View) -> float:
    """Return which part of the moved box lies in the input, 0..1."""
    size = view.size
    (moved,) = turn_boxes(np.array([box.as_tuple()]), view.matrix)
    sides = np.maximum(moved.clip(0, size)[2:] - moved.clip(0, size)[:2], 0)
    return float(sides.prod() / (moved[2:] - moved[:2]).prod())
