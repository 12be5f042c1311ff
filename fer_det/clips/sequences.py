"""The clips of a VOC folder: which frames belong together, in which order, and what each shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.errors import DatasetFormatError
from fer_det.evaluation.picture import ScoredPicture

NEUTRAL = "neutral"
INTENSITY = "intensity"
"""Attribute of the manifest's rows, where a data set states it."""


@dataclass(frozen=True, eq=False)
class ClipFrames:
    """One clip and what the model says of its T frames, in their order."""

    id: str
    person: str
    label: int
    """0..C-1."""
    numbers: NDArray[np.int64]
    """[T], the frames' numbers in the clip, rising."""
    probabilities: NDArray[np.float64]
    """[T, C]."""
    pictures: tuple[str, ...] = ()
    """The T frames' image ids."""
    known: NDArray[np.float64] | None = None
    """[T], the intensity of a sequence from neutral to its peak, NaN where it is not known; None
    for other clips."""

    def intensity(self, neutral: int) -> NDArray[np.float64]:
        """[T], how far each frame is from neutral: 1 - p(neutral), 0..1."""
        return 1.0 - self.probabilities[:, neutral]


def gather_clips(
    rows: Sequence[Mapping[str, Any]],
    person_of: Mapping[str, str],
    scored: Mapping[str, ScoredPicture],
    classes: Sequence[str],
    home: Path,
    peaks: bool,
) -> tuple[list[ClipFrames], int]:
    """Return the clips by id, and how many were left out since their frames disagree.

    rows: of the manifest. person_of: picture -> person. scored: picture -> the model's answer; of
    several faces the first is taken. A clip's label is that of its frames that are not neutral, or
    neutral if all are: posed sequences begin with a neutral face. peaks: the clips go from neutral
    to their peak: of two or more frames not all of which are neutral the first has the intensity
    0 and the last 1, or all have those of the manifest. Raises DatasetFormatError where no row
    names a clip.
    """
    frames: dict[str, list[tuple[int, str]]] = {}
    stated = {row["id"]: (row.get("attributes") or {}).get(INTENSITY, np.nan) for row in rows}
    for row in rows:
        if row.get("clip") is not None and row["id"] in scored:
            clip = f"{row['dataset']}/{row['clip']}"
            frames.setdefault(clip, []).append((int(row["frame"]), row["id"]))
    if not frames:
        raise DatasetFormatError(
            f"{home} names no clips",
            "a manifest with a clip and a frame for each picture",
            "build it from a data set of clips or sequences, such as CK+, with several frames each",
        )
    clips, left_out = [], 0
    for clip, listed in sorted(frames.items()):
        names = tuple(name for _, name in sorted(listed))
        pictures = [scored[name] for name in names]
        label = _clip_label([classes[int(each.truth_labels[0]) - 1] for each in pictures])
        if label is None:
            left_out += 1
            continue
        answers = []
        for each in pictures:
            assert each.truth_probabilities is not None
            answers.append(np.asarray(each.truth_probabilities[0], np.float64))
        known = np.array([stated[name] for name in names], np.float64)
        if np.isnan(known).any():
            known = np.array([0.0, *[np.nan] * (len(names) - 2), 1.0])[: len(names)]
        clips.append(
            ClipFrames(
                clip,
                person_of[listed[0][1]],
                classes.index(label),
                np.array([number for number, _ in sorted(listed)], np.int64),
                np.stack(answers),
                names,
                known if peaks and label != NEUTRAL and len(names) > 1 else None,
            )
        )
    return clips, left_out


def ranks_of(known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Known intensities [T] -> in which order the frames are, [T]: by them, else by their place."""
    return np.arange(len(known), dtype=np.float64) if np.isnan(known).any() else known


def _clip_label(labels: Sequence[str]) -> str | None:
    """The only expression beside neutral; None if there are several."""
    shown = Counter(label for label in labels if label != NEUTRAL)
    if len(shown) > 1:
        return None
    return next(iter(shown), NEUTRAL)
