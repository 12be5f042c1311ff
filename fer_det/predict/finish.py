"""What is said of a picture's faces: too small, unknown; how many, in which order; a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fer_det.config.predict import FaceOptions
from fer_det.core.detection import Detection, Flag
from fer_det.core.expression import Expression


def finish_faces(
    faces: Sequence[Detection], options: FaceOptions, size: tuple[int, int], unknown_below: float
) -> list[Detection]:
    """Choose, mark and order the faces of a picture of that (width, height).

    faces: highest score first, in the pixels that were looked at, which decide what is small.
    """
    smallest = 0.0 if options.min_face is None else options.smallest_face(*size)
    kept = [face for face in faces if face.size >= smallest]
    if options.max_faces is not None:
        by_size = sorted(range(len(kept)), key=lambda row: -kept[row].size)
        kept = [kept[row] for row in sorted(by_size[: options.max_faces])]
    if options.order == "left_to_right":
        kept.sort(key=lambda face: (face.box.x_min, face.box.y_min))
    return [_marked(face, options, unknown_below) for face in kept]


def _marked(face: Detection, options: FaceOptions, unknown_below: float) -> Detection:
    if face.size < options.too_small:
        return replace(face, probabilities={}, flags=("too_small",))
    flags: list[Flag] = []
    if face.size < options.low_resolution:
        flags.append("low_resolution")
    if max(face.probabilities.values()) < unknown_below:
        flags.append("unknown")
    return replace(face, flags=tuple(flags))


@dataclass(frozen=True)
class GroupSummary:
    """How many faces show which expression."""

    faces: int
    counts: dict[Expression, int]
    """Faces of each expression, most frequent first."""
    unknown: int
    too_small: int

    @classmethod
    def of(cls, faces: Sequence[Detection]) -> GroupSummary:
        """Count the faces of one or more pictures."""
        marks = Counter(flag for face in faces for flag in face.flags)
        counts = Counter(
            face.expression for face in faces if face.expression and "unknown" not in face.flags
        )
        return cls(len(faces), dict(counts.most_common()), marks["unknown"], marks["too_small"])

    @property
    def shares(self) -> dict[Expression, float]:
        """Share of each expression among the faces that have one, 0..1."""
        total = sum(self.counts.values())
        return {expression: count / total for expression, count in self.counts.items()}

    def describe(self) -> str:
        """Return '5 faces: happiness 75 %, neutral 25 %; 1 too small'."""
        shares = ", ".join(f"{each.label} {share:.0%}" for each, share in self.shares.items())
        rest = [f"{self.unknown} unknown"] * bool(self.unknown)
        rest += [f"{self.too_small} too small"] * bool(self.too_small)
        parts = "; ".join(part for part in (shares, ", ".join(rest)) if part)
        return f"{self.faces} faces: {parts}".replace("%", " %")
