"""What was scored and how: without it a score cannot be compared with another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fer_det.evaluation.picture import ScoredPicture


@dataclass(frozen=True)
class Protocol:
    """The conditions of an evaluation, as they are printed and written beside its scores.

    Raises ValueError where more faces of a class were rejected than listed.
    """

    dataset: str
    """The data set's name."""
    split: str
    """The image set that was scored, such as "test"."""
    split_hash: str
    """`split_hash` of the pictures scored."""
    image_variant: str
    """Which pictures: "original photos", "aligned crops"."""
    box_source: str
    """Who drew the labelled faces' boxes: "mtcnn", "official"."""
    checkpoint_rule: str
    """How the checkpoint was chosen among a run's: "best mean recall on the validation split"."""
    weights_sha256: str
    """Of the weights file."""
    input_size: int | tuple[int, int]
    """Pixels: the detector's shorter edge, or (shorter, longest)."""
    listed: Mapping[str, int] | None = None
    """By class, the faces in the data set's own list; None where nobody counted."""
    rejected: Mapping[str, int] | None = None
    """By class, those of them that the converter could not use; None where nobody counted."""
    temperature: float = 1.0
    """What the expressions' logits were divided by; see fer_det.evaluation.temperature."""
    boxes_given: bool = False
    """Whether a classifier answered, which was given the labelled faces' boxes and looked for none.
    """

    def __post_init__(self) -> None:
        for label, count in (self.rejected or {}).items():
            if self.listed is not None and count > self.listed.get(label, 0):
                raise ValueError(
                    f"{label}: rejected expected 0..{self.listed.get(label, 0)}, found {count}"
                )

    @property
    def size_text(self) -> str:
        """'224 px' or '800/1333 px'."""
        sizes = self.input_size if isinstance(self.input_size, tuple) else (self.input_size,)
        return "/".join(map(str, sizes)) + " px"

    def listed_by_class(self, scored: Mapping[str, int]) -> dict[str, int] | None:
        """By class of `scored`, the faces listed; from what was scored and rejected if need be.

        None where neither `listed` nor `rejected` is known. Raises ValueError for a class that is
        not among those of `scored`.
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
        """All fields as plain values."""
        return asdict(self) | {
            "input_size": list(self.input_size)
            if isinstance(self.input_size, tuple)
            else self.input_size
        }


def split_hash(labels_by_id: Mapping[str, Iterable[str]]) -> str:
    """The sha256, in hex, of which pictures a split has and how they are labelled.

    One line a picture, "id label label ...", labels sorted, lines sorted, each ended by a line
    feed: `LC_ALL=C sort lines | sha256sum` gives the same. Order therefore never matters, while
    a picture more or less, or a label changed, always does.
    """
    lines = sorted(" ".join([name, *sorted(labels)]) for name, labels in labels_by_id.items())
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def hash_pictures(pictures: Iterable[ScoredPicture], classes: Sequence[str]) -> str:
    """`split_hash` of scored pictures; `classes` names the labels 1, 2, ..."""
    return split_hash(
        {
            picture.image_id: [classes[label - 1] for label in picture.truth_labels]
            for picture in pictures
        }
    )
