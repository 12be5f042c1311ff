"""The scoring protocol: which faces were scored, and under which conditions.

Two scores can be compared only where their protocols agree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fer_det.evaluation.picture import ScoredPicture


@dataclass(frozen=True)
class Protocol:
    """The scoring protocol of an evaluation; printed and saved together with its scores.

    Raises ValueError where more faces of a class were rejected than listed.
    """

    dataset: str
    """Name of the data set."""
    split: str
    """The image set that was scored, such as "test"."""
    split_hash: str
    """`split_hash` of the scored pictures."""
    image_variant: str
    """Kind of pictures: "original photos", "aligned crops"."""
    box_source: str
    """Source of the labelled faces' boxes: "mtcnn", "official"."""
    checkpoint_rule: str
    """How the checkpoint was selected in its run: "highest selection score on the val split"."""
    weights_sha256: str
    """sha256 of the weights file, in hex."""
    input_size: int | tuple[int, int] | None
    """Side of the square model input in pixels, or (shortest, longest) edge; None: unknown."""
    listed: Mapping[str, int] | None = None
    """Faces of each class in the data set's own list; None where unknown."""
    rejected: Mapping[str, int] | None = None
    """Listed faces of each class that the VOC builder rejected; None where unknown."""
    temperature: float = 1.0
    """The expression logits were divided by this; see fer_det.evaluation.calibration."""
    boxes_given: bool = False
    """Whether the model is a classifier: it was given the labelled faces' boxes."""
    views: str = "one"
    """Views of each face that a classifier's probabilities are averages of: one, flip or ten."""
    face_size: int | None = None
    """Pixels of a face's longer side that larger faces were shrunk to; None for their own."""
    masked: bool = False
    """Whether a face mask was drawn over each labelled face."""
    label_map: str = "none"
    """How the model's classes were joined before scoring; see fer_det.evaluation.label_map."""
    copies_left_out: bool = False
    """Whether faces that the model's training data share were left out."""
    trained_on: str = ""
    """The data sets that the model was trained on, '' where unknown."""
    leaks: tuple[str, ...] = ()
    """For each training of the model on other data than the scored folder, what the two share, or
    that they were not compared; see fer_det.engine.training_data."""

    def __post_init__(self) -> None:
        for label, count in (self.rejected or {}).items():
            if self.listed is not None and count > self.listed.get(label, 0):
                raise ValueError(
                    f"{label}: rejected expected 0..{self.listed.get(label, 0)}, found {count}"
                )

    @property
    def sight_text(self) -> str:
        """'' or how a classifier saw the faces: ', mean of flip views, faces of at most 30 px'."""
        texts = {"one": "", "flip": ", mean of 2 mirrored views", "ten": ", mean of 10 crops"}
        small = f", faces shrunk to {self.face_size} px" if self.face_size else ""
        masked = ", each face with a drawn mask" if self.masked else ""
        return texts[self.views] + small + masked

    @property
    def size_text(self) -> str:
        """'224 px', '800/1333 px' or 'unknown'."""
        if self.input_size is None:
            return "unknown"
        sizes = self.input_size if isinstance(self.input_size, tuple) else (self.input_size,)
        return "/".join(map(str, sizes)) + " px"

    @property
    def training_text(self) -> str:
        """'' or 'Trained on ferplus, tested on rafdb. Shared with 9 pictures ...: no picture.'."""
        if not self.leaks:
            return f"Trained on {self.trained_on}." if self.trained_on else ""
        known = self.trained_on or "unknown data"
        return ". ".join([f"Trained on {known}, tested on {self.dataset}", *self.leaks]) + "."

    def listed_by_class(self, scored: Mapping[str, int]) -> dict[str, int] | None:
        """Listed faces of each class in `scored`, the number of scored faces by class.

        Without `listed` it is the sum of scored and rejected faces; None where neither is known.
        Raises ValueError for a class that is not in `scored`.
        """
        unknown = {*(self.listed or {}), *(self.rejected or {})} - set(scored)
        if unknown:
            raise ValueError(f"classes expected {sorted(scored)}, found {sorted(unknown)} as well")
        if self.listed is not None:
            return {label: self.listed.get(label, 0) for label in scored}
        if self.rejected is not None:
            return {label: count + self.rejected.get(label, 0) for label, count in scored.items()}
        return None

    def to_json(self) -> dict[str, Any]:
        """Return all fields as plain values."""
        return asdict(self) | {
            "input_size": list(self.input_size)
            if isinstance(self.input_size, tuple)
            else self.input_size
        }


def split_hash(labels_by_id: Mapping[str, Iterable[str]]) -> str:
    """Return the sha256, in hex, of a split's picture ids and labels.

    Hashed is one line for each picture, "id label label ...", with sorted labels, in sorted order,
    each ended by a line feed: `LC_ALL=C sort lines | sha256sum` gives the same. The order of the
    pictures does not matter; an added, missing or differently labelled picture changes the hash.
    """
    lines = sorted(" ".join([name, *sorted(labels)]) for name, labels in labels_by_id.items())
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def hash_pictures(pictures: Iterable[ScoredPicture], classes: Sequence[str]) -> str:
    """Return the `split_hash` of scored pictures; `classes` are the names of labels 1, 2, ..."""
    return split_hash(
        {
            picture.image_id: [classes[label - 1] for label in picture.truth_labels]
            for picture in pictures
        }
    )
