from __future__ import annotations

import pickle
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from fer_det.core.expression import Expression
from made_faces.layouts.assignment import SequenceAssignment, assign_photos, assign_sequences
from made_faces.recipe import (
    BYSTANDER_BODY_HEIGHTS,
    BYSTANDER_SHARE,
    Recipe,
    sample_frame,
    sample_photo,
)

PHOTOS = assign_photos(0, 600)
SEQUENCE = next(each for each in assign_sequences(0, 30) if each.labelled)
WEAK = next(each for each in assign_sequences(0, 30) if not each.labelled)


def plain(recipe: Recipe) -> bytes:
    """Return all of the recipe, arrays included, for comparison."""
    return pickle.dumps(_to_lists(asdict(recipe)))


def _to_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_lists(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_to_lists(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


@pytest.fixture(scope="module")
def photos() -> list[Recipe]:
    return [sample_photo(0, photo, 0.5) for photo in PHOTOS]


def with_bystander(photos: list[Recipe]) -> list[tuple[int, Recipe]]:
    return [(place, each) for place, each in enumerate(photos) if each.bystander is not None]


class TestPhoto:
    def test_pure_function_of_its_arguments(self) -> None:
        photo = PHOTOS[7]
        one = plain(sample_photo(0, photo, 0.5))
        sample_photo(3, PHOTOS[8], 0.1)
        assert plain(sample_photo(0, photo, 0.5)) == one
        assert plain(sample_photo(1, photo, 0.5)) != one
        assert plain(sample_photo(0, photo, 0.6)) != one

    def test_follows_its_assignment(self, photos: list[Recipe]) -> None:
        for photo, recipe in zip(PHOTOS, photos, strict=True):
            assert recipe.expression is photo.expression
            assert recipe.subject.identity.number == photo.identity_number
            assert not recipe.laboratory

    def test_photos_of_one_identity_differ(self, photos: list[Recipe]) -> None:
        number = PHOTOS[0].identity_number
        first, second = (
            recipe
            for photo, recipe in zip(PHOTOS, photos, strict=True)
            if photo.identity_number == number
        )
        assert first.subject.identity.local_shapes == second.subject.identity.local_shapes
        assert first.subject.scene.background_seed != second.subject.scene.background_seed
        assert first.noise_seed != second.noise_seed

    def test_intensity_spreads_with_variety(self) -> None:
        for variety, low, high in ((0.0, 0.9, 1.1), (1.0, 0.45, 1.2)):
            drawn = [
                sample_photo(0, photo, variety).intensity
                for photo in PHOTOS[:200]
                if photo.expression is not Expression.NEUTRAL
            ]
            assert low <= min(drawn) < low + 0.05
            assert high - 0.05 < max(drawn) <= high

    def test_neutral_is_at_rest(self, photos: list[Recipe]) -> None:
        own = [each for each in photos if each.expression is Expression.NEUTRAL]
        assert {each.intensity for each in own} == {0.0}


class TestBystander:
    def test_share(self, photos: list[Recipe]) -> None:
        # 600 photos: 36 on average, standard deviation 5.8.
        assert abs(len(with_bystander(photos)) - 600 * BYSTANDER_SHARE) < 3 * 5.8

    def test_is_another_identity_of_the_same_split(self, photos: list[Recipe]) -> None:
        for place, recipe in with_bystander(photos):
            assert recipe.bystander is not None
            number = recipe.bystander.identity.number
            assert number != recipe.subject.identity.number
            assert number in PHOTOS[place].split_identities

    def test_is_never_the_same_identity_in_a_small_split(self) -> None:
        drawn = [
            sample_photo(seed, photo, 0.5)
            for seed in range(30)
            for photo in assign_photos(seed, 14)
        ]
        pairs = [(each.subject, each.bystander) for each in drawn if each.bystander is not None]
        assert len(pairs) > 10
        assert all(one.identity.number != other.identity.number for one, other in pairs)

    def test_stands_smaller_on_the_other_side(self, photos: list[Recipe]) -> None:
        for _, recipe in with_bystander(photos):
            assert recipe.bystander is not None
            own, other = recipe.subject.scene, recipe.bystander.scene
            assert (own.width, own.height) == (other.width, other.height)
            assert own.width > own.height
            assert own.offset[0] * other.offset[0] < 0
            assert other.face_fraction < 0.66 * own.face_fraction
            assert other.distance > own.distance
            assert other.effects == own.effects
            # The body reaches the lower edge of the picture.
            assert other.offset[1] + BYSTANDER_BODY_HEIGHTS * other.face_fraction >= 0.5 - 1e-9


class TestSequence:
    def frames(self, sequence: SequenceAssignment) -> list[Recipe]:
        return [sample_frame(0, sequence, frame) for frame in range(sequence.frames)]

    def test_from_neutral_to_the_peak(self) -> None:
        strength = [each.intensity for each in self.frames(SEQUENCE)]
        assert strength[0] == 0
        assert strength == sorted(strength)
        assert strength[-1] > strength[-2] or strength[-1] >= 0.85
        assert 0.85 <= strength[-1] <= 1.1
        # The last three carry the label.
        assert strength[-3] > 0.5 * strength[-1]

    def test_units_rise_together(self) -> None:
        frames = self.frames(SEQUENCE)
        peak = frames[-1].subject.units
        for recipe in frames:
            part = recipe.intensity / frames[-1].intensity
            assert recipe.subject.units == pytest.approx({n: w * part for n, w in peak.items()})

    def test_only_the_face_changes(self) -> None:
        first, *others = self.frames(SEQUENCE)
        for each in others:
            assert each.laboratory
            assert _to_lists(asdict(each.subject.scene)) == _to_lists(asdict(first.subject.scene))
            assert each.subject.blink == first.subject.blink
            assert each.noise_seed != first.noise_seed

    def test_without_label_it_stays_weak(self) -> None:
        assert 0.25 <= self.frames(WEAK)[-1].intensity <= 0.4

    def test_every_length_has_its_curve(self) -> None:
        for sequence in assign_sequences(0, 60):
            assert sample_frame(0, sequence, 0).intensity == 0
            assert sample_frame(0, sequence, sequence.frames - 1).intensity > 0.2

    def test_frontal_and_without_accessories(self) -> None:
        for sequence in assign_sequences(0, 40):
            scene = sample_frame(0, sequence, 0).subject.scene
            assert abs(scene.yaw) < 15
            worn = (scene.glasses, scene.mask, scene.hand, scene.hat)
            assert worn == ("none", False, False, False)
