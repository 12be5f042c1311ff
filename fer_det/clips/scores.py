"""Score aggregations on clips: accuracy (WAR) and mean recall (UAR) by folds, and the peak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fer_det.clips.aggregation import TRAINED, Aggregation, maximum, mean, top_k, train
from fer_det.clips.sequences import ClipFrames
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
    """How well the intensity, 1 - p(neutral), follows sequences that end at their peak."""

    clips: int
    """Those of two or more frames that are not neutral."""
    error: float
    """Mean distance of the most intense frame from the last one, in frame numbers."""
    exact: float
    """Part of the clips whose most intense frame is the last one."""
    order: float
    """Part of the pairs of frames of a clip of which the later one is more intense."""


def score_aggregations(
    clips: Sequence[ClipFrames],
    fold_of: Mapping[str, int],
    neutral: int,
    count: int,
    epochs: int,
    seed: int,
    resamples: int,
) -> list[ClipScores]:
    """Score mean, maximum, top-k and the trained models.

    fold_of: person -> fold; a model is trained on the clips of the other folds. count: frames of
    top-k. All are scored on the same clips.
    """
    fixed = {"mean": mean, "max": maximum, f"top-{count}": top_k(neutral, count)}
    folds = np.array([fold_of[clip.person] for clip in clips])
    answers: dict[str, list[int]] = {
        name: [_best(rule, clip) for clip in clips] for name, rule in fixed.items()
    }
    for name in TRAINED:
        found = np.zeros(len(clips), np.int64)
        for fold in np.unique(folds):
            others = [clip for clip, own in zip(clips, folds, strict=True) if own != fold]
            model = train(name, others, epochs, seed)
            for row in np.flatnonzero(folds == fold).tolist():
                found[row] = _best(model, clips[row])
        answers[name] = found.tolist()
    truth = np.array([clip.label for clip in clips], np.int64)
    classes = clips[0].probabilities.shape[1]
    return [
        _scores(name, truth, np.array(found, np.int64), folds, classes, resamples, seed)
        for name, found in answers.items()
    ]


def score_peaks(clips: Sequence[ClipFrames], neutral: int) -> PeakScores | None:
    """Score sequences that go from neutral to the peak; None where there is none."""
    errors, exact, right, pairs = [], 0, 0.0, 0
    for clip in clips:
        if len(clip.numbers) < 2 or clip.label == neutral:
            continue
        intensity = clip.intensity(neutral)
        peak = int(intensity.argmax())
        errors.append(float(clip.numbers[-1] - clip.numbers[peak]))
        exact += peak == len(intensity) - 1
        earlier, later = np.triu_indices(len(intensity), 1)
        rise = intensity[later] - intensity[earlier]
        right += float((rise > 0).sum() + 0.5 * (rise == 0).sum())
        pairs += len(rise)
    if not errors:
        return None
    return PeakScores(len(errors), float(np.mean(errors)), exact / len(errors), right / pairs)


def _best(rule: Aggregation, clip: ClipFrames) -> int:
    return int(rule(clip).argmax())


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
