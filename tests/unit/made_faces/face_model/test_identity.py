from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from made_faces.face_model.identity import (
    Identity,
    age_from_years,
    body_target_names,
    body_target_weights,
    sample_identity,
    years_from_age,
)


def person(**changes: object):
    return replace(sample_identity(1, 1), **changes)


def test_an_extreme_is_one_body_of_one_build():
    weights = body_target_weights(
        person(age=2 / 3, female=1.0, ancestry=(0.0, 1.0, 0.0), muscle=0.5, weight=0.0)
    )
    assert weights == {
        "asian-female-young": 1.0,
        "universal-female-young-averagemuscle-minweight": 1.0,
    }


def test_in_between_is_the_product_of_the_parts():
    # Age 5/6 is half way from young (2/3) to old (1), weight 0.75 half way from average to most.
    weights = body_target_weights(
        person(age=5 / 6, female=0.25, ancestry=(0.2, 0.0, 0.8), muscle=1.0, weight=0.75)
    )
    assert weights["african-male-old"] == pytest.approx(0.75 * 0.5 * 0.2)
    assert weights["caucasian-female-young"] == pytest.approx(0.25 * 0.5 * 0.8)
    assert weights["universal-male-young-maxmuscle-maxweight"] == pytest.approx(0.75 * 0.5 * 0.5)
    assert not any(name.startswith("asian") or "child" in name for name in weights)


def test_both_families_of_weights_sum_to_one():
    for number in range(20):
        weights = body_target_weights(sample_identity(3, number))
        universal = sum(w for name, w in weights.items() if name.startswith("universal"))
        assert universal == pytest.approx(1)
        assert sum(weights.values()) - universal == pytest.approx(1)
        assert set(weights) <= set(body_target_names())


def test_there_are_24_ancestral_and_72_universal_bodies():
    names = body_target_names()
    assert len(set(names)) == len(names) == 3 * 2 * 4 + 2 * 4 * 3 * 3


def test_years_and_age_are_each_others_inverse():
    for years in (1, 4, 10, 18, 25, 60, 90):
        assert years_from_age(age_from_years(years)) == pytest.approx(years)
    assert age_from_years(25) == pytest.approx(2 / 3)


IDENTITIES = [sample_identity(5, number) for number in range(400)]


def as_bytes(identity: Identity) -> bytes:
    values = (getattr(identity, field.name) for field in fields(Identity))
    return b"".join(
        value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
        for value in values
    )


def test_an_identity_is_a_function_of_seed_and_number():
    assert as_bytes(sample_identity(5, 7)) == as_bytes(IDENTITIES[7])
    assert len({as_bytes(person) for person in IDENTITIES}) == len(IDENTITIES)
    assert as_bytes(sample_identity(6, 7)) != as_bytes(IDENTITIES[7])


def test_every_shape_is_one_that_the_head_has(head):
    known = set(head.local_shapes())
    assert set(IDENTITIES[0].local_shapes) <= known
    assert all(
        abs(strength) <= 1 for person in IDENTITIES for strength in person.local_shapes.values()
    )


def test_ages_go_from_four_to_old():
    years = np.array([years_from_age(person.age) for person in IDENTITIES])
    assert years.min() >= 4
    assert years.max() > 75
    assert 0.02 < (years < 12).mean() < 0.15
    assert 0.3 < ((years >= 20) & (years < 40)).mean() < 0.6


def test_both_sexes_and_all_ancestries_are_common():
    assert 0.4 < np.mean([person.female > 0.5 for person in IDENTITIES]) < 0.6
    ancestry = np.array([person.ancestry for person in IDENTITIES])
    np.testing.assert_allclose(ancestry.sum(axis=1), 1, atol=1e-6)
    assert (ancestry.mean(axis=0) > 0.25).all()


def test_skin_follows_ancestry_with_overlap():
    african = [p.darkness for p in IDENTITIES if p.ancestry[0] > 0.8]
    caucasian = [p.darkness for p in IDENTITIES if p.ancestry[2] > 0.8]
    assert np.mean(african) > np.mean(caucasian) + 0.4
    for person in IDENTITIES:
        assert ((person.skin > 0) & (person.skin < 1)).all()
    brightness = [float(person.skin.mean()) for person in IDENTITIES]
    assert np.corrcoef(brightness, [p.darkness for p in IDENTITIES])[0, 1] < -0.9


def test_only_adult_men_have_beards():
    bearded = [person for person in IDENTITIES if person.beard]
    assert bearded
    assert all(person.female < 0.5 and years_from_age(person.age) >= 18 for person in bearded)


def test_hair_grays_and_thins_with_age():
    def gray(person: Identity) -> bool:
        return bool(np.ptp(person.hair) < 0.05 < person.hair.mean())

    assert not any(gray(person) for person in IDENTITIES if years_from_age(person.age) < 25)
    old_men = [p for p in IDENTITIES if years_from_age(p.age) > 70 and p.female < 0.5]
    assert np.mean([gray(person) for person in old_men]) > 0.5
    bald = [person for person in IDENTITIES if person.hair_style == "bald"]
    assert bald
    assert all(person.female < 0.5 and years_from_age(person.age) > 25 for person in bald)


@pytest.mark.parametrize("name", ["skin", "lips", "iris", "hair", "shirt", "texture_offsets"])
def test_arrays_are_float32(name):
    for person in IDENTITIES[:50]:
        value = getattr(person, name)
        assert value.dtype == np.float32
        assert value.shape == ((8,) if name == "texture_offsets" else (3,))
        assert (value >= 0).all()
