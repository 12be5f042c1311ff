"""Label maps: a model's classes joined into fewer ones, or left out, before anything is scored.

A model of seven expressions is scored on data with three classes in this way: the probabilities of
the expressions that a class stands for are added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.core.label import COMPOUNDS, THREE_CLASSES
from fer_det.errors import ConfigError
from fer_det.evaluation.picture import FloatArray, ScoredPicture

NO_MAP = "none"
DEMANDED_BY = {
    "lfw_fer": ("three", "three classes, positive, negative and neutral"),
    "rafdb_compound": ("compound", "eleven compound expressions"),
}
"""Data sets whose labels stand for several expressions each -> the only map by which they can be
scored, and what their classes are."""


@dataclass(frozen=True)
class LabelMap:
    """Names of the mapped classes and of the model's classes that each stands for."""

    name: str
    members: Mapping[str, tuple[str, ...]]
    """The probability of a mapped class is the sum of these. A class may be in several."""

    def restrict(self, classes: Sequence[str]) -> LabelMap:
        """The map without members that are no classes of the model, and without empty classes.

        Raises ConfigError where nothing is left.
        """
        members = {
            label: tuple(each for each in own if each in classes)
            for label, own in self.members.items()
        }
        kept = {label: own for label, own in members.items() if own}
        if not kept:
            raise ConfigError(
                f"--label_map {self.name} for a model of {', '.join(classes)}",
                "a model of expressions",
                "leave the flag out",
            )
        return replace(self, members=kept)

    def describe(self, classes: Sequence[str]) -> str:
        """'three: positive = surprise + happiness, ...; contempt left out'."""
        parts = ", ".join(
            label if own == (label,) else f"{label} = {' + '.join(own)}"
            for label, own in self.members.items()
        )
        dropped = [each for each in classes if not self._class_of(each)]
        return f"{self.name}: {parts}" + (f"; {', '.join(dropped)} left out" if dropped else "")

    def sum_counts(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Counts by the model's classes -> counts by the mapped classes."""
        return {
            label: sum(counts.get(each, 0) for each in own) for label, own in self.members.items()
        }

    def apply(
        self,
        pictures: Iterable[ScoredPicture],
        classes: Sequence[str],
        truth: Mapping[str, Sequence[str | None]] | None = None,
    ) -> list[ScoredPicture]:
        """Pictures scored for `classes` -> the same for the mapped classes.

        truth: image id -> the mapped class of each labelled face; by default the class that its
        expression belongs to. Faces of a class that is left out become faces without label, and its
        probability is divided among the others in proportion.
        """
        labels = list(self.members)
        # [C, K], 1 where the mapped class stands for the model's class.
        joins = np.array(
            [[float(each in self.members[label]) for label in labels] for each in classes]
        )
        # Number of the mapped class of 0 (not used), 1..C; 0: left out.
        numbers = np.array([0, *((row.argmax() + 1) * row.any() for row in joins)], np.int64)
        if truth is None:
            return [
                _map_picture(picture, joins, numbers[picture.truth_labels]) for picture in pictures
            ]
        number_of = {label: number for number, label in enumerate(labels, start=1)}

        def number(picture: ScoredPicture) -> NDArray[np.int64]:
            own = truth[picture.image_id]
            return np.array([number_of.get(each or "", 0) for each in own], np.int64)

        return [_map_picture(picture, joins, number(picture)) for picture in pictures]

    def _class_of(self, name: str) -> str | None:
        return next((label for label, own in self.members.items() if name in own), None)


LABEL_MAPS: Mapping[str, LabelMap] = {
    "three": LabelMap(
        "three",
        {label: tuple(each.label for each in own) for label, own in THREE_CLASSES.items()},
    ),
    "compound": LabelMap(
        "compound", {name: tuple(each.label for each in pair) for name, pair in COMPOUNDS.items()}
    ),
    "seven": LabelMap("seven", {each.label: (each.label,) for each in BASIC_EXPRESSIONS}),
}


def _map_picture(
    picture: ScoredPicture, joins: NDArray[np.float64], labels: NDArray[np.int64]
) -> ScoredPicture:
    """labels: [T], of the mapped classes, 0 for a face that is left out."""
    kept = labels > 0
    given = picture.truth_probabilities
    return replace(
        picture,
        truth_boxes=picture.truth_boxes[kept],
        truth_labels=labels[kept],
        ignore_boxes=np.concatenate([picture.ignore_boxes, picture.truth_boxes[~kept]]),
        probabilities=_join(picture.probabilities, joins),
        truth_probabilities=None if given is None else _join(given, joins)[kept],
    )


def _join(probabilities: FloatArray, joins: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, C] -> [N, K]; a row whose classes are all left out is spread evenly."""
    sums = np.asarray(probabilities, np.float64) @ joins
    totals = sums.sum(axis=1, keepdims=True)
    even = np.full_like(sums, 1 / joins.shape[1])
    # Sums of float32 probabilities may exceed 1 by a rounding error.
    return np.asarray(np.divide(sums, totals, out=even, where=totals > 0))
