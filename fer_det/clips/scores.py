"""Score clips by folds: accuracy (WAR) and mean recall (UAR) of aggregations, and the peak."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fer_det.clips.aggregation import FloatValues, Heads, maximum, mean, top_k, train
from fer_det.clips.sequences import ClipFrames, ranks_of
from fer_det.evaluation.picture import IntArray
from fer_det.evaluation.recognition import (
    confusion_by_picture,
    faces_by_class,
    measure,
    percentile_interval,
    resample_counts,
)


@dataclass(frozen=True)
class Figure:
    """A measure, 0..1, with its interval by clip, and its spread over the folds."""

    value: float
    interval: tuple[float, float]
    folds_mean: float
    folds_deviation: float
    """Standard deviation; 0 for one fold."""


@dataclass(frozen=True)
class ClipScores:
    """How well one aggregation tells what clips show."""

    name: str
    accuracy: Figure
    """WAR: correct clips among all."""
    mean_recall: Figure
    """UAR: mean of the recalls of the classes that clips have."""


@dataclass(frozen=True)
class PeakScores:
    """How well an intensity follows sequences that end at their peak."""

    name: str
    """Of the intensity."""
    clips: int
    """Those of two or more frames that are not neutral."""
    error: float
    """Mean distance of the most intense frame from the last one, in frame numbers."""
    exact: float
    """Part of the clips whose most intense frame is the last one."""
    order: float
    """Part of the pairs of frames of a clip that are in the order of their known intensities, or
    of their places where not all are known."""


Refinement = Callable[[Heads, Sequence[ClipFrames], Sequence[ClipFrames]], list[ClipFrames]]
"""Trains heads and network on the first clips, and returns the others with its new answers."""


def score_clips(
    clips: Sequence[ClipFrames],
    fold_of: Mapping[str, int],
    neutral: int,
    count: int,
    epochs: int,
    seed: int,
    resamples: int,
    refine: Refinement | None = None,
) -> tuple[list[ClipScores], list[PeakScores]]:
    """Score mean, maximum, top-k and the trained heads, all on the same clips.

    fold_of: person -> fold; heads are trained on the clips of the other folds. count: frames of
    top-k. The second list is empty where no clip has known intensities.
    """
    folds = np.array([fold_of[clip.person] for clip in clips])
    answers: dict[str, IntArray] = {}
    intensities: dict[str, dict[int, FloatValues]] = {}
    for fold in np.unique(folds):
        others = [clip for clip, own in zip(clips, folds, strict=True) if own != fold]
        rows = np.flatnonzero(folds == fold).tolist()
        tested = [clips[row] for row in rows]
        heads = train(others, epochs, seed)
        if refine is not None:
            tested = refine(heads, others, tested)
        fixed = {"mean": mean, "max": maximum, f"top-{count}": top_k(neutral, count)}
        for row, clip in zip(rows, tested, strict=True):
            for name, rule in (fixed | heads.rules()).items():
                found = answers.setdefault(name, np.zeros(len(clips), np.int64))
                found[row] = rule(clip).argmax()
            follows = {"1 - p(neutral)": clip.intensity(neutral), "trained": heads.intensity(clip)}
            for name, intensity in follows.items():
                intensities.setdefault(name, {})[row] = intensity
    truth = np.array([clip.label for clip in clips], np.int64)
    classes = clips[0].probabilities.shape[1]
    scores = [
        _scores(name, truth, found, folds, classes, resamples, seed)
        for name, found in answers.items()
    ]
    peaks = [
        score_peaks(name, clips, [own[row] for row in range(len(clips))])
        for name, own in intensities.items()
        if any(clip.known is not None for clip in clips)
    ]
    return scores, peaks


def score_peaks(
    name: str, clips: Sequence[ClipFrames], intensities: Sequence[FloatValues]
) -> PeakScores:
    """Score the intensities [T] found in each clip on those clips that have known ones."""
    errors, exact, right, pairs = [], 0, 0.0, 0
    for clip, intensity in zip(clips, intensities, strict=True):
        if clip.known is None:
            continue
        peak = int(intensity.argmax())
        errors.append(float(clip.numbers[-1] - clip.numbers[peak]))
        exact += peak == len(intensity) - 1
        ranks = ranks_of(clip.known)
        rise = (intensity[None] - intensity[:, None])[ranks[None] > ranks[:, None]]
        right += float((rise > 0).sum() + 0.5 * (rise == 0).sum())
        pairs += len(rise)
    return PeakScores(name, len(errors), float(np.mean(errors)), exact / len(errors), right / pairs)


def _scores(
    name: str,
    truth: IntArray,
    found: IntArray,
    folds: IntArray,
    classes: int,
    resamples: int,
    seed: int,
) -> ClipScores:
    rows = np.arange(len(truth))
    counts = confusion_by_picture(rows, truth + 1, found + 1, len(truth), classes)
    present = faces_by_class(counts.sum(axis=0)) > 0
    whole = measure(counts.sum(axis=0), present, {})
    flat = resample_counts(counts.reshape(len(truth), -1), resamples, seed)
    drawn = measure(flat.reshape(-1, classes, classes + 1), present, {})
    accuracies, recalls = [], []
    for fold in np.unique(folds):
        of_fold = counts[folds == fold].sum(axis=0)
        own = measure(of_fold, faces_by_class(of_fold) > 0, {})
        accuracies.append(float(own.accuracy))
        recalls.append(float(own.mean_recall))
    return ClipScores(
        name,
        _figure(float(whole.accuracy), percentile_interval(drawn.accuracy), accuracies),
        _figure(float(whole.mean_recall), percentile_interval(drawn.mean_recall), recalls),
    )


def _figure(value: float, interval: np.ndarray, folds: Sequence[float]) -> Figure:
    deviation = float(np.std(folds, ddof=1)) if len(folds) > 1 else 0.0
    low, high = interval.tolist()
    return Figure(value, (low, high), float(np.mean(folds)), deviation)
