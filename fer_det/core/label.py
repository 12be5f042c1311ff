"""The label of a face: one expression, or a distribution over expressions."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fer_det.core.expression import Expression

T = TypeVar("T", bound=Hashable)

SUM_TOLERANCE = 1e-6
"""How far the sum of a distribution's probabilities may be from 1."""


@dataclass(frozen=True)
class LabelDistribution:
    """A soft label, such as the votes of several annotators.

    Raises ValueError where a probability is not positive and finite, or where they do not sum to 1.
    """

    probabilities: Mapping[Expression, float]
    """Expressions without a probability are left out; in the order of their numbers."""

    def __post_init__(self) -> None:
        values = {each: float(self.probabilities[each]) for each in sorted(self.probabilities)}
        if not all(math.isfinite(value) and value > 0 for value in values.values()):
            raise ValueError(f"label probabilities {list(values.values())} are not all positive")
        if abs(math.fsum(values.values()) - 1) > SUM_TOLERANCE:
            raise ValueError(f"label probabilities {list(values.values())} do not sum to 1")
        object.__setattr__(self, "probabilities", values)

    @classmethod
    def from_votes(cls, votes: Mapping[Expression, float]) -> LabelDistribution:
        """The votes divided by their sum, zeros left out; ValueError where there is no vote."""
        total = math.fsum(votes.values())
        if not total > 0:
            raise ValueError(f"votes {list(votes.values())} without a positive sum")
        return cls({each: votes[each] / total for each in votes if votes[each]})

    @property
    def expression(self) -> Expression:
        """The most probable expression; of equals the one with the lowest number."""
        return max(self.probabilities, key=lambda each: (self.probabilities[each], -each))


Label = Expression | LabelDistribution

THREE_CLASSES: Mapping[str, tuple[Expression, ...]] = {
    "positive": (Expression.HAPPINESS, Expression.SURPRISE),
    "negative": (Expression.FEAR, Expression.DISGUST, Expression.SADNESS, Expression.ANGER),
    "neutral": (Expression.NEUTRAL,),
}
"""The classes of LFW-FER, and the expressions that each of them stands for."""

COMPOUNDS: Mapping[str, tuple[Expression, Expression]] = {
    "happily_surprised": (Expression.HAPPINESS, Expression.SURPRISE),
    "happily_disgusted": (Expression.HAPPINESS, Expression.DISGUST),
    "sadly_fearful": (Expression.SADNESS, Expression.FEAR),
    "sadly_angry": (Expression.SADNESS, Expression.ANGER),
    "sadly_surprised": (Expression.SADNESS, Expression.SURPRISE),
    "sadly_disgusted": (Expression.SADNESS, Expression.DISGUST),
    "fearfully_angry": (Expression.FEAR, Expression.ANGER),
    "fearfully_surprised": (Expression.FEAR, Expression.SURPRISE),
    "angrily_surprised": (Expression.ANGER, Expression.SURPRISE),
    "angrily_disgusted": (Expression.ANGER, Expression.DISGUST),
    "disgustedly_surprised": (Expression.DISGUST, Expression.SURPRISE),
}
"""RAF-DB's compounds in the order of their codes 1 to 11, and the two expressions of each."""


def compound_of(probabilities: Mapping[str, float]) -> str | None:
    """The compound whose two expressions share a soft label, label -> probability; else None."""
    shown = {name for name, value in probabilities.items() if value > 0}
    return next(
        (name for name, pair in COMPOUNDS.items() if shown == {each.label for each in pair}), None
    )


def expression_of(label: Label) -> Expression:
    """The label's expression; the most probable one of a distribution."""
    return label.expression if isinstance(label, LabelDistribution) else label


def picture_class(labels: Collection[T], counts: Mapping[T, int], order: Sequence[T]) -> T | None:
    """The class of a picture with several labelled faces, None where no face is labelled.

    The balancer and the loader's sampler both take the rarest of the classes that the picture
    shows, so that a rare class is repeated whoever else is in the picture (the rule of LVIS's
    repeat factors, Gupta, Dollar and Girshick, CVPR 2019, section 4).

    labels: the classes of its labelled faces.  counts: class -> training pictures that show it.
    order: the classes in the label map's order, which decides between equally rare ones.
    """
    return min(set(labels), key=lambda each: (counts.get(each, 0), order.index(each)), default=None)
