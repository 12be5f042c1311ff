"""Assignment: which identity shows which expression in each photo and each sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from fer_det.core.expression import Expression
from fer_det.core.sample import Split
from made_faces.config import MIN_IMAGES

RAFDB_TRAIN: Mapping[Expression, int] = {
    Expression.SURPRISE: 1290,
    Expression.FEAR: 281,
    Expression.DISGUST: 717,
    Expression.HAPPINESS: 4772,
    Expression.SADNESS: 1982,
    Expression.ANGER: 705,
    Expression.NEUTRAL: 2524,
}
"""Pictures of each class in RAF-DB's training split."""
RAFDB_TEST: Mapping[Expression, int] = {
    Expression.SURPRISE: 329,
    Expression.FEAR: 74,
    Expression.DISGUST: 160,
    Expression.HAPPINESS: 1185,
    Expression.SADNESS: 478,
    Expression.ANGER: 162,
    Expression.NEUTRAL: 680,
}
"""Pictures of each class in RAF-DB's test split."""
CKPLUS: Mapping[Expression, int] = {
    Expression.ANGER: 45,
    Expression.CONTEMPT: 18,
    Expression.DISGUST: 59,
    Expression.FEAR: 25,
    Expression.HAPPINESS: 69,
    Expression.SADNESS: 28,
    Expression.SURPRISE: 83,
}
"""Labelled sequences of each class in CK+."""

TEST_SHARE = 0.2
"""As in RAF-DB: 3,068 of 15,339."""
MIN_PER_CLASS = 10
"""Minimum per class and split where there is room for it, since fewer make recall unreliable; fear
is only 1 in 40 in RAF-DB."""
PHOTOS_PER_IDENTITY = 2
SEQUENCES_PER_SUBJECT = 3
"""CK+ has 4.8 per subject; with 3, thirty sequences are enough for ten folds by subject."""
UNLABELLED_SHARE = 0.1
"""Of all sequences. CK+ has 0.45, but unlabelled sequences are hardly of use."""
FRAMES = (10, 20)
"""Minimum and maximum number of frames of a sequence."""

_FIRST_SUBJECT = 1_000_000
"""First identity of sequences, so that no identity occurs in both layouts."""
_STREAMS = {"train": 1, "test": 2, "sequences": 3}
"""Separates the random numbers of the lists."""


@dataclass(frozen=True)
class PhotoAssignment:
    """What one photo shows."""

    index: int
    """From 0, over both splits."""
    stem: str
    """Its name in RAF-DB's form, such as train_00001."""
    split: Split
    expression: Expression
    identity_number: int
    split_identities: range
    """All identities of the split, from which a bystander is sampled."""


@dataclass(frozen=True)
class SequenceAssignment:
    """What one sequence shows."""

    index: int
    """From 0."""
    subject: str
    """The subject's name in CK+'s form, such as S001."""
    name: str
    """The sequence's name in CK+'s form, such as 002; counted per subject."""
    expression: Expression
    labelled: bool
    """False where the expression stays too weak for a label."""
    frames: int
    identity_number: int


def apportion(total: int, frequencies: Mapping[Expression, int], minimum: int) -> list[int]:
    """Divide `total` in proportion to frequencies by largest remainder, in their order.

    A class whose share would be below `minimum` gets `minimum`, and the others share the rest;
    where there is no room for that, `minimum` is reduced to what there is room for.
    """
    minimum = min(minimum, total // len(frequencies))
    raised: set[Expression] = set()
    while True:
        shares = _largest_remainder(
            total - minimum * len(raised),
            {each: count for each, count in frequencies.items() if each not in raised},
        )
        low = {each for each, share in shares.items() if share < minimum}
        if not low:
            return [shares.get(each, minimum) for each in frequencies]
        raised |= low


@cache
def assign_photos(seed: int, images: int) -> tuple[PhotoAssignment, ...]:
    """Assign expressions and identities to photos; the training split comes first.

    A fifth is the test split. Both splits have RAF-DB's class frequencies in shuffled order, and
    separate identities, each in PHOTOS_PER_IDENTITY photos.
    """
    test = max(round(images * TEST_SHARE), MIN_IMAGES // 2)
    train = images - test
    trained = range(1, 1 + _groups(train, PHOTOS_PER_IDENTITY))
    tested = range(trained.stop, trained.stop + _groups(test, PHOTOS_PER_IDENTITY))
    return (
        *_assign_split(seed, "train", RAFDB_TRAIN, train, trained, 0),
        *_assign_split(seed, "test", RAFDB_TEST, test, tested, train),
    )


@cache
def assign_sequences(seed: int, sequences: int) -> tuple[SequenceAssignment, ...]:
    """Assign expressions and subjects to sequences, sorted by subject and name.

    Classes have CK+'s frequencies; unlabelled sequences have random classes.
    """
    rng = np.random.default_rng([seed, _STREAMS["sequences"]])
    unlabelled = int(sequences * UNLABELLED_SHARE)
    counts = apportion(sequences - unlabelled, CKPLUS, MIN_PER_CLASS)
    shown = [(each, True) for each, count in zip(CKPLUS, counts, strict=True) for _ in range(count)]
    shown += [(each, False) for each in rng.choice(list(CKPLUS), unlabelled).tolist()]
    subjects = _groups(sequences, SEQUENCES_PER_SUBJECT)
    # Assigned class by class in turn, so that no subject shows a labelled expression twice.
    order = sorted(range(sequences), key=lambda place: (place % subjects, place))
    frames = rng.integers(FRAMES[0], FRAMES[1] + 1, sequences).tolist()
    return tuple(
        SequenceAssignment(
            index=index,
            subject=f"S{place % subjects + 1:03d}",
            name=f"{place // subjects + 1:03d}",
            expression=Expression(shown[place][0]),
            labelled=shown[place][1],
            frames=frames[index],
            identity_number=_FIRST_SUBJECT + place % subjects,
        )
        for index, place in enumerate(order)
    )


def _assign_split(
    seed: int,
    split: Split,
    frequencies: Mapping[Expression, int],
    count: int,
    identities: range,
    start: int,
) -> list[PhotoAssignment]:
    counts = apportion(count, frequencies, MIN_PER_CLASS)
    expressions = [each for each, n in zip(frequencies, counts, strict=True) for _ in range(n)]
    order = np.random.default_rng([seed, _STREAMS[split]]).permutation(count).tolist()
    digits = 5 if split == "train" else 4
    return [
        PhotoAssignment(
            index=start + place,
            stem=f"{split}_{place + 1:0{digits}d}",
            split=split,
            expression=expressions[order[place]],
            identity_number=identities[place % len(identities)],
            split_identities=identities,
        )
        for place in range(count)
    ]


def _largest_remainder(total: int, frequencies: Mapping[Expression, int]) -> dict[Expression, int]:
    whole = sum(frequencies.values())
    shares = {each: total * count // whole for each, count in frequencies.items()}
    # A stable sort: of equal remainders the earlier class comes first.
    order = sorted(frequencies, key=lambda each: -(total * frequencies[each] % whole))
    for each in order[: total - sum(shares.values())]:
        shares[each] += 1
    return shares


def _groups(count: int, size: int) -> int:
    """Return the number of groups of at most `size` that `count` makes."""
    return -(-count // size)
