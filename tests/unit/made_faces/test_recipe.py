from __future__ import annotations

import pickle
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from fer_det.core.expression import Expression
from made_faces.layouts.assignment import SequenceRole, cast_photos, cast_sequences
from made_faces.recipe import COMPANY_BUST, COMPANY_SHARE, Recipe, draw_frame, draw_photo

PHOTOS = cast_photos(0, 600)
SEQUENCE = next(role for role in cast_sequences(0, 30) if role.labelled)
WEAK = next(role for role in cast_sequences(0, 30) if not role.labelled)


def plain(recipe: Recipe) -> bytes:
    """All of it, arrays included, to be compared."""
    return pickle.dumps(_to_lists(asdict(recipe)))


def _to_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_lists(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_to_lists(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


@pytest.fixture(scope="module")
def photos() -> list[Recipe]:
    return [draw_photo(0, role, 0.5) for role in PHOTOS]


def in_company(photos: list[Recipe]) -> list[tuple[int, Recipe]]:
    return [(place, each) for place, each in enumerate(photos) if each.company is not None]


class TestPhoto:
    def test_pure_function_of_its_arguments(self) -> None:
        role = PHOTOS[7]
        one = plain(draw_photo(0, role, 0.5))
        draw_photo(3, PHOTOS[8], 0.1)
        assert plain(draw_photo(0, role, 0.5)) == one
        assert plain(draw_photo(1, role, 0.5)) != one
        assert plain(draw_photo(0, role, 0.6)) != one

    def test_shows_what_its_role_says(self, photos: list[Recipe]) -> None:
        for role, recipe in zip(PHOTOS, photos, strict=True):
            assert recipe.emotion is role.emotion
            assert recipe.figure.identity.number == role.person
            assert not recipe.laboratory

    def test_one_persons_photos_differ(self, photos: list[Recipe]) -> None:
        person = PHOTOS[0].person
        first, second = (
            recipe for role, recipe in zip(PHOTOS, photos, strict=True) if role.person == person
        )
        assert first.figure.identity.local_shapes == second.figure.identity.local_shapes
        assert first.figure.scene.background != second.figure.scene.background
        assert first.film_seed != second.film_seed

    def test_intensity_spreads_with_variety(self) -> None:
        for variety, low, high in ((0.0, 0.9, 1.1), (1.0, 0.45, 1.2)):
            drawn = [
                draw_photo(0, role, variety).intensity
                for role in PHOTOS[:200]
                if role.emotion is not Expression.NEUTRAL
            ]
            assert low <= min(drawn) < low + 0.05
            assert high - 0.05 < max(drawn) <= high

    def test_neutral_is_at_rest(self, photos: list[Recipe]) -> None:
        own = [each for each in photos if each.emotion is Expression.NEUTRAL]
        assert {each.intensity for each in own} == {0.0}


class TestCompany:
    def test_share(self, photos: list[Recipe]) -> None:
        # 600 draws: 36 on average, standard deviation 5.8.
        assert abs(len(in_company(photos)) - 600 * COMPANY_SHARE) < 3 * 5.8

    def test_is_somebody_else_of_the_same_split(self, photos: list[Recipe]) -> None:
        for place, recipe in in_company(photos):
            assert recipe.company is not None
            number = recipe.company.identity.number
            assert number != recipe.figure.identity.number
            assert number in PHOTOS[place].cast

    def test_is_never_the_same_person_where_few_are_to_choose_from(self) -> None:
        drawn = [
            draw_photo(seed, role, 0.5) for seed in range(30) for role in cast_photos(seed, 14)
        ]
        pairs = [(each.figure, each.company) for each in drawn if each.company is not None]
        assert len(pairs) > 10
        assert all(one.identity.number != other.identity.number for one, other in pairs)

    def test_stands_smaller_on_the_other_side(self, photos: list[Recipe]) -> None:
        for _, recipe in in_company(photos):
            assert recipe.company is not None
            own, other = recipe.figure.scene, recipe.company.scene
            assert (own.width, own.height) == (other.width, other.height)
            assert own.width > own.height
            assert own.offset[0] * other.offset[0] < 0
            assert other.face_part < 0.66 * own.face_part
            assert other.distance > own.distance
            assert other.film == own.film
            # Its body reaches down to the picture's edge.
            assert other.offset[1] + COMPANY_BUST * other.face_part >= 0.5 - 1e-9


class TestSequence:
    def frames(self, role: SequenceRole) -> list[Recipe]:
        return [draw_frame(0, role, frame) for frame in range(role.frames)]

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
        peak = frames[-1].figure.units
        for recipe in frames:
            part = recipe.intensity / frames[-1].intensity
            assert recipe.figure.units == pytest.approx({n: w * part for n, w in peak.items()})

    def test_only_the_face_changes(self) -> None:
        first, *others = self.frames(SEQUENCE)
        for each in others:
            assert each.laboratory
            assert _to_lists(asdict(each.figure.scene)) == _to_lists(asdict(first.figure.scene))
            assert each.figure.blink == first.figure.blink
            assert each.film_seed != first.film_seed

    def test_without_label_it_stays_weak(self) -> None:
        assert 0.25 <= self.frames(WEAK)[-1].intensity <= 0.4

    def test_every_length_has_its_curve(self) -> None:
        for role in cast_sequences(0, 60):
            assert draw_frame(0, role, 0).intensity == 0
            assert draw_frame(0, role, role.frames - 1).intensity > 0.2

    def test_taken_from_the_front_with_nothing_in_the_way(self) -> None:
        for role in cast_sequences(0, 40):
            scene = draw_frame(0, role, 0).figure.scene
            assert abs(scene.yaw) < 15
            worn = (scene.glasses, scene.mask, scene.hand, scene.hat)
            assert worn == ("none", False, False, False)
