"""Which pictures of the training split are kept apart for validation."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError

SPLITS = ("train", "val", "test")


def assign_splits(samples: Sequence[Sample], val_fraction: float, seed: int) -> dict[str, str]:
    """Give each sample "train", "val" or "test", by sample id.

    Of each data set's training pictures about `val_fraction` of every expression become the
    validation split, at least one where there are two. A person's pictures stay together. The order
    in which persons (or pictures, where nobody is named) are tried hangs on (seed, name) alone, so
    that more pictures move at most a few of those that were there. Raises DatasetFormatError for a
    subject whom the data set has both in train and in test.
    """
    splits: dict[str, str] = {sample.sample_id: sample.split for sample in samples}
    for dataset in dict.fromkeys(sample.dataset for sample in samples):
        own = [sample for sample in samples if sample.dataset == dataset]
        _refuse_shared_subjects(own)
        training = [sample for sample in own if sample.split == "train"]
        splits.update(dict.fromkeys(_choose_validation(training, val_fraction, seed), "val"))
    return splits


def _refuse_shared_subjects(samples: Sequence[Sample]) -> None:
    split_of: dict[str, str] = {}
    for sample in samples:
        if sample.subject is None:
            continue
        if split_of.setdefault(sample.subject, sample.split) != sample.split:
            raise DatasetFormatError(
                f"subject {sample.subject} of {sample.dataset} is in train and in test",
                "persons that are in one split only",
                "correct the data set's lists",
            )


def _choose_validation(samples: Sequence[Sample], fraction: float, seed: int) -> list[str]:
    """Ids of the samples to keep apart, group by group while that brings the counts nearer."""
    targets = _targets(samples, fraction)
    if not targets:
        return []
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(_group_name(sample), []).append(sample)
    counts = {name: Counter(each.expression for each in group) for name, group in groups.items()}
    ranked = sorted(groups, key=lambda name: _rank(name, seed))
    chosen: list[str] = []
    taken: Counter[Expression] = Counter()
    for name in ranked:
        if _distance(taken + counts[name], targets) < _distance(taken, targets):
            taken += counts[name]
            chosen.append(name)
    if not chosen and len(groups) > 1:
        # Few persons with many pictures each: too many pictures are better than none.
        chosen = [min(ranked, key=lambda name: _distance(counts[name], targets))]
    return [sample.sample_id for name in chosen for sample in groups[name]]


def _targets(samples: Sequence[Sample], fraction: float) -> dict[Expression, float]:
    counts = Counter(sample.expression for sample in samples)
    return {
        expression: max(fraction * count, 1.0)
        for expression, count in counts.items()
        if fraction > 0 and count > 1
    }


def _distance(taken: Mapping[Expression, int], targets: Mapping[Expression, float]) -> float:
    """How far the counts are from the targets, each class measured by its own size."""
    wanted = ((taken.get(expression, 0), target) for expression, target in targets.items())
    return sum((count - target) ** 2 / target for count, target in wanted)


def _group_name(sample: Sample) -> str:
    # A subject and a picture never share a name: ids hold no slash.
    return f"subject/{sample.subject}" if sample.subject is not None else sample.sample_id


def _rank(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()
