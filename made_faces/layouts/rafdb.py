"""Photos in the folders and files of RAF-DB's "basic", for the reader of the real data set.

    basic/EmoLabel/list_patition_label.txt                      (sic) "train_00001.jpg 5"
    basic/Image/original/train_00001.jpg
    basic/Image/aligned/train_00001_aligned.jpg                 the labelled face, 100 x 100
    basic/Annotation/boundingbox/train_00001_boundingbox.txt    x_min y_min x_max y_max
    basic/Annotation/manual/train_00001_manu_attri.txt          five points, gender, race, age
    basic/faces.jsonl                                           one line of JSON for each photo

Annotation/auto is left out, since the meaning of its 37 points is not documented. faces.jsonl holds
one line for each photo with all attributes of the labelled face. The list is written last, so that
the reader refuses an unfinished folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.core.expression import Expression
from fer_det.imaging.affine import Matrix, warp
from fer_det.imaging.decode import decode_rgb8, encode_jpeg
from fer_det.io.files import make_folder, write_bytes, write_text
from made_faces.expression import UNIT_NAMES
from made_faces.face_model.identity import Identity, years_from_age
from made_faces.layouts.assignment import PhotoAssignment, assign_photos
from made_faces.recipe import sample_photo
from made_faces.render import MadePicture, Maker, make_picture
from made_faces.surface import Floats

FACES_NAME = "faces.jsonl"
ALIGNED_SIDE = 100
ALIGNED_PLACES = np.array([[30, 40], [70, 40], [50, 80]], dtype=np.float64)
"""Positions of both eyes and the centre of the mouth in the aligned picture."""
ALIGNED_QUALITY = 95

_CODES = {
    Expression.SURPRISE: 1,
    Expression.FEAR: 2,
    Expression.DISGUST: 3,
    Expression.HAPPINESS: 4,
    Expression.SADNESS: 5,
    Expression.ANGER: 6,
    Expression.NEUTRAL: 7,
}
_RACES = (1, 2, 0)
"""RAF-DB's codes of African-American, Asian and Caucasian, in the order of Identity.ancestry."""
_AGE_STARTS = (4.0, 20.0, 40.0, 70.0)
"""Years at which RAF-DB's age groups 1 to 4 begin."""


@dataclass(frozen=True)
class RafdbLayout:
    """A folder that contains basic/, and what to write into it."""

    root: Path
    seed: int
    images: int
    variety: float
    maker: Maker = make_picture

    unit = "pictures"
    contents = ("basic",)

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that determine the files."""
        return {"seed": self.seed, "images": self.images, "variety": self.variety}

    @property
    def base(self) -> Path:
        """The folder basic/."""
        return self.root / "basic"

    @property
    def list_path(self) -> Path:
        """RAF-DB's list of names and labels."""
        return self.base / "EmoLabel" / "list_patition_label.txt"

    def tasks(self) -> Sequence[PhotoAssignment]:
        """Return the photos in RAF-DB's order."""
        return assign_photos(self.seed, self.images)

    def is_complete(self, photo: PhotoAssignment) -> bool:
        """Return whether all files of that photo exist."""
        return all(path.is_file() for path in _paths(self.base, photo.stem))

    def make_folders(self) -> None:
        """Make the folders."""
        for path in (*_paths(self.base, "any"), self.list_path):
            make_folder(path.parent)

    def make(self, photo: PhotoAssignment) -> None:
        """Render one photo and write its files, each whole or not at all."""
        recipe = sample_photo(self.seed, photo, self.variety)
        picture = self.maker(recipe)
        original, aligned, manual, box = _paths(self.base, photo.stem)
        write_bytes(original, picture.jpeg)
        write_bytes(aligned, align(picture))
        write_text(manual, _format_manual(picture.landmarks, recipe.subject.identity))
        edges = " ".join(f"{edge:.6f}" for edge in picture.box.as_tuple())
        write_text(box, f"{edges}\n")

    def is_finished(self) -> bool:
        """Return whether the files written last exist."""
        return self.list_path.is_file() and (self.base / FACES_NAME).is_file()

    def finish(self) -> None:
        """Write faces.jsonl, then the list."""
        write_text(
            self.base / FACES_NAME,
            "".join(f"{json.dumps(self._describe(photo))}\n" for photo in self.tasks()),
        )
        lines = (f"{photo.stem}.jpg {_CODES[photo.expression]}\n" for photo in self.tasks())
        write_text(self.list_path, "".join(lines))

    def summary(self) -> str:
        """Return one line about the content."""
        photos = self.tasks()
        test = sum(photo.split == "test" for photo in photos)
        identities = len({photo.identity_number for photo in photos})
        return (
            f"{self.root}: {len(photos)} photos of {identities} identities in RAF-DB's layout,"
            f" {len(photos) - test} to train and {test} to test on"
        )

    def _describe(self, photo: PhotoAssignment) -> dict[str, Any]:
        """Return a photo's line of faces.jsonl."""
        recipe = sample_photo(self.seed, photo, self.variety)
        identity, scene = recipe.subject.identity, recipe.subject.scene
        *_, box = _paths(self.base, photo.stem)
        return {
            "picture": f"{photo.stem}.jpg",
            "split": photo.split,
            "label": _CODES[photo.expression],
            "emotion": photo.expression.label,
            "intensity": _rounded(recipe.intensity),
            "units": _report_units(recipe.subject.units),
            "blink": _rounded(recipe.subject.blink),
            "identity": identity.number,
            "age": _rounded(identity.age),
            "female": _rounded(identity.female),
            "ancestry": [_rounded(part) for part in identity.ancestry],
            "weight": _rounded(identity.weight),
            "beard": _rounded(identity.beard),
            "yaw": _rounded(scene.yaw),
            "pitch": _rounded(scene.pitch),
            "roll": _rounded(scene.roll),
            "box": [float(edge) for edge in box.read_text(encoding="utf-8").split()],
            "glasses": scene.glasses,
            "mask": scene.mask,
            "hand": scene.hand,
            "hat": scene.hat,
            "company": recipe.bystander is not None,
            "variety": self.variety,
        }


def align(picture: MadePicture) -> bytes:
    """Return the labelled face as a JPEG of 100 x 100, aligned by eyes and centre of the mouth."""
    points = picture.landmarks.astype(np.float64)
    places = np.stack([points[0], points[1], (points[3] + points[4]) / 2])
    matrix = fit_similarity(places, ALIGNED_PLACES)
    pixels = decode_rgb8(picture.jpeg, "a made picture").pixels
    crop = warp(pixels, matrix, ALIGNED_SIDE, ALIGNED_SIDE)
    return encode_jpeg(crop, ALIGNED_QUALITY)


def fit_similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Matrix:
    """Return the 2x3 similarity transform that maps points [N, 2] to others in the least-squares
    sense.

    Closed form with points as complex numbers: target = a * source + b.
    """
    from_points, to_points = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    from_centred = from_points - from_points.mean()
    to_centred = to_points - to_points.mean()
    scale = (from_centred.conj() * to_centred).sum() / (np.abs(from_centred) ** 2).sum()
    shift = to_points.mean() - scale * from_points.mean()
    return np.array([[scale.real, -scale.imag, shift.real], [scale.imag, scale.real, shift.imag]])


def _format_manual(landmarks: Floats, identity: Identity) -> str:
    """Format five points, then RAF-DB's codes of gender, race and age, one per line."""
    gender = int(identity.female > 0.5)
    race = _RACES[int(np.argmax(identity.ancestry))]
    age = sum(years_from_age(identity.age) >= start for start in _AGE_STARTS)
    points = [f"{x:.6f}\t{y:.6f}" for x, y in landmarks.tolist()]
    return "\n".join([*points, str(gender), str(race), str(age)]) + "\n"


def _paths(base: Path, stem: str) -> tuple[Path, Path, Path, Path]:
    """Return photo, aligned crop, points and box, in the order in which they are written."""
    return (
        base / "Image" / "original" / f"{stem}.jpg",
        base / "Image" / "aligned" / f"{stem}_aligned.jpg",
        base / "Annotation" / "manual" / f"{stem}_manu_attri.txt",
        base / "Annotation" / "boundingbox" / f"{stem}_boundingbox.txt",
    )


def _report_units(units: Mapping[str, float]) -> dict[str, float]:
    """Return the weight of every reported unit, the mean of both sides."""
    weights = dict.fromkeys(UNIT_NAMES, 0.0)
    for unit, weight in units.items():
        number = unit.rstrip("LR")
        if number in weights:
            weights[number] += weight if unit == number else weight / 2
    return {name: _rounded(weight) for name, weight in weights.items()}


def _rounded(value: float) -> float:
    return round(float(value), 4)
