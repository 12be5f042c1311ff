"""Which pictures of the training split become the validation split."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from fer_det.core.expression import Expression
from fer_det.core.label import expression_of
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError


def assign_splits(samples: Sequence[Sample], val_fraction: float, seed: int) -> dict[str, str]:
    """Give each sample "train", "val" or "test", by sample id.

    A data set with a validation split of its own keeps it. Of the others' training pictures about
    `val_fraction` of every expression become the validation split, at least one where there are
    two. The pictures of a group stay together. The order in which groups (or pictures, where no
    group is known) are tried depends on (seed, name) alone, so that more pictures move at most a
    few of those that were there. Raises DatasetFormatError for a group in two splits.
    """
    splits: dict[str, str] = {sample.sample_id: sample.split for sample in samples}
    for dataset in dict.fromkeys(sample.dataset for sample in samples):
        own = [sample for sample in samples if sample.dataset == dataset]
        _refuse_divided_groups(own)
        if any(sample.split == "val" for sample in own):
            continue
        training = [sample for sample in own if sample.split == "train"]
        splits.update(dict.fromkeys(_choose_validation(training, val_fraction, seed), "val"))
    return splits


def _refuse_divided_groups(samples: Sequence[Sample]) -> None:
    first: dict[str, Sample] = {}
    for sample in samples:
        if sample.group is None:
            continue
        other = first.setdefault(sample.group, sample)
        if other.split != sample.split:
            raise DatasetFormatError(
                f"{sample.group} of {sample.dataset} is in {other.split} ({other.picture.name}) and"
                f" in {sample.split} ({sample.picture.name})",
                "each subject, film or character in one split only",
                "correct the data set's lists or folders",
            )


def _choose_validation(samples: Sequence[Sample], fraction: float, seed: int) -> list[str]:
    """Ids for the validation split, group by group while that brings the counts nearer."""
    targets = _targets(samples, fraction)
    if not targets:
        return []
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(_group_name(sample), []).append(sample)
    counts = {
        name: Counter(each for sample in group for each in _expressions(sample))
        for name, group in groups.items()
    }
    ranked = sorted(groups, key=lambda name: _rank(name, seed))
    chosen: list[str] = []
    taken: Counter[Expression] = Counter()
    for name in ranked:
        if _distance(taken + counts[name], targets) < _distance(taken, targets):
            taken += counts[name]
            chosen.append(name)
    if not chosen and len(groups) > 1:
        # Few groups with many pictures each: too many pictures are better than none.
        chosen = [min(ranked, key=lambda name: _distance(counts[name], targets))]
    return [sample.sample_id for name in chosen for sample in groups[name]]


def _expressions(sample: Sample) -> list[Expression]:
    return [expression_of(label) for label in sample.labels]


def _targets(samples: Sequence[Sample], fraction: float) -> dict[Expression, float]:
    counts = Counter(each for sample in samples for each in _expressions(sample))
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
    # The prefix of earlier versions: the same seed gives the same split. Ids hold no slash.
    return f"subject/{sample.group}" if sample.group is not None else sample.sample_id


def _rank(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()
