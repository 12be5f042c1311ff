"""How sex, age, ancestry, weight and muscle weigh the shapes of whole bodies.

MakeHuman has a target for each combination of extremes; a person lies between them, and each
target's weight is the product of how near the person is to each of its extremes. The places of the
extremes along each scale are those of Anny (Bregier et al., "Anny", 2025): ages evenly spaced from
a baby at 0 over child and young to old at 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from made_faces.curves import interpolation_parts
from made_faces.face_model.identity import Identity

ANCESTRIES = ("african", "asian", "caucasian")
_AGES = {"baby": 0.0, "child": 1 / 3, "young": 2 / 3, "old": 1.0}
_YEARS = {"baby": 1.0, "child": 10.0, "young": 25.0, "old": 90.0}
"""How old MakeHuman's bodies are meant to be."""
_SEXES = {"male": 0.0, "female": 1.0}
_MUSCLES = {"minmuscle": 0.0, "averagemuscle": 0.5, "maxmuscle": 1.0}
_WEIGHTS = {"minweight": 0.0, "averageweight": 0.5, "maxweight": 1.0}


def target_names() -> list[str]:
    """All targets that `phenotype_weights` may name."""
    bodies = [f"{sex}-{age}" for sex in _SEXES for age in _AGES]
    builds = [f"{muscle}-{weight}" for muscle in _MUSCLES for weight in _WEIGHTS]
    return [
        *(f"{ancestry}-{body}" for ancestry in ANCESTRIES for body in bodies),
        *(f"universal-{body}-{build}" for body in bodies for build in builds),
    ]


def phenotype_weights(identity: Identity) -> dict[str, float]:
    """The targets of `identity`'s body with their weights, none of them 0."""
    weights: dict[str, float] = {}
    muscles, fats = _near(identity.muscle, _MUSCLES), _near(identity.weight, _WEIGHTS)
    for sex, sex_part in _near(identity.female, _SEXES).items():
        for age, age_part in _near(identity.age, _AGES).items():
            part = sex_part * age_part
            for ancestry, share in zip(ANCESTRIES, identity.ancestry, strict=True):
                weights[f"{ancestry}-{sex}-{age}"] = part * share
            for muscle, muscle_part in muscles.items():
                for fat, fat_part in fats.items():
                    weights[f"universal-{sex}-{age}-{muscle}-{fat}"] = part * muscle_part * fat_part
    return {name: weight for name, weight in weights.items() if weight}


def age_at(years: float) -> float:
    """Identity.age of a person of so many years."""
    return float(np.interp(years, list(_YEARS.values()), list(_AGES.values())))


def years_at(age: float) -> float:
    """The years that an Identity.age stands for."""
    return float(np.interp(age, list(_AGES.values()), list(_YEARS.values())))


def _near(value: float, places: Mapping[str, float]) -> dict[str, float]:
    """The one or two places beside `value`, each with its part of linear interpolation."""
    (parts,) = interpolation_parts(np.array([value]), np.array(list(places.values()))).tolist()
    return {name: part for name, part in zip(places, parts, strict=True) if part}
