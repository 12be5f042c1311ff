"""Bodies between the extremes: the weights are products of linear interpolations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made_faces.face_model.identity_draw import draw_identity
from made_faces.face_model.phenotype import (
    age_at,
    phenotype_weights,
    target_names,
    years_at,
)


def person(**changes: object):
    return replace(draw_identity(1, 1), **changes)


def test_an_extreme_is_one_body_of_one_build():
    weights = phenotype_weights(
        person(age=2 / 3, female=1.0, ancestry=(0.0, 1.0, 0.0), muscle=0.5, weight=0.0)
    )
    assert weights == {
        "asian-female-young": 1.0,
        "universal-female-young-averagemuscle-minweight": 1.0,
    }


def test_in_between_is_the_product_of_the_parts():
    # Age 5/6 lies half way from young (2/3) to old (1), weight 0.75 half way from average to most.
    weights = phenotype_weights(
        person(age=5 / 6, female=0.25, ancestry=(0.2, 0.0, 0.8), muscle=1.0, weight=0.75)
    )
    assert weights["african-male-old"] == pytest.approx(0.75 * 0.5 * 0.2)
    assert weights["caucasian-female-young"] == pytest.approx(0.25 * 0.5 * 0.8)
    assert weights["universal-male-young-maxmuscle-maxweight"] == pytest.approx(0.75 * 0.5 * 0.5)
    assert not any(name.startswith("asian") or "child" in name for name in weights)


def test_both_families_of_weights_sum_to_one():
    for number in range(20):
        weights = phenotype_weights(draw_identity(3, number))
        universal = sum(w for name, w in weights.items() if name.startswith("universal"))
        assert universal == pytest.approx(1)
        assert sum(weights.values()) - universal == pytest.approx(1)
        assert set(weights) <= set(target_names())


def test_there_are_24_ancestral_and_72_universal_bodies():
    names = target_names()
    assert len(set(names)) == len(names) == 3 * 2 * 4 + 2 * 4 * 3 * 3


def test_years_and_age_are_each_others_inverse():
    for years in (1, 4, 10, 18, 25, 60, 90):
        assert years_at(age_at(years)) == pytest.approx(years)
    assert age_at(25) == pytest.approx(2 / 3)
