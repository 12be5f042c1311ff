from __future__ import annotations

from collections import Counter

import pytest

from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from made_faces.layouts.assignment import (
    CKPLUS,
    FRAMES,
    LEAST_IMAGES,
    LEAST_SEQUENCES,
    RAFDB_TEST,
    RAFDB_TRAIN,
    PhotoRole,
    SequenceRole,
    apportion,
    cast_photos,
    cast_sequences,
)


def split_of(roles: tuple[PhotoRole, ...], split: str) -> list[PhotoRole]:
    return [role for role in roles if role.split == split]


class TestApportion:
    def test_exact_shares(self) -> None:
        assert apportion(12_271, RAFDB_TRAIN, 1) == list(RAFDB_TRAIN.values())

    def test_largest_remainder(self) -> None:
        # 10 * (5, 3, 1) / 9 = 5.56, 3.33, 1.11: the one left over goes to the first.
        counts = {Expression.ANGER: 5, Expression.FEAR: 3, Expression.SADNESS: 1}
        assert apportion(10, counts, 0) == [6, 3, 1]

    def test_least_is_taken_from_the_others(self) -> None:
        counts = {Expression.ANGER: 90, Expression.FEAR: 9, Expression.SADNESS: 1}
        assert apportion(20, counts, 4) == [12, 4, 4]

    def test_no_room_for_the_least(self) -> None:
        assert apportion(7, RAFDB_TRAIN, 5) == [1] * 7

    @pytest.mark.parametrize("total", [7, 8, 20, 61, 200, 999])
    def test_all_are_given_out(self, total: int) -> None:
        counts = apportion(total, RAFDB_TEST, 5)
        assert sum(counts) == total
        assert min(counts) >= min(5, total // 7)


class TestPhotos:
    def test_a_fifth_is_the_test_split(self) -> None:
        roles = cast_photos(0, 1000)
        assert Counter(role.split for role in roles) == {"train": 800, "test": 200}
        assert [role.index for role in roles] == list(range(1000))
        assert roles[0].stem == "train_00001"
        assert (roles[799].stem, roles[800].stem) == ("train_00800", "test_0001")

    def test_frequencies_of_rafdb(self) -> None:
        roles = cast_photos(0, 15_339)
        for split, wanted in (("train", RAFDB_TRAIN), ("test", RAFDB_TEST)):
            assert Counter(role.emotion for role in split_of(roles, split)) == wanted

    def test_the_fewest_show_each_class_in_both_splits(self) -> None:
        roles = cast_photos(0, LEAST_IMAGES)
        for split in ("train", "test"):
            shown = {role.emotion for role in split_of(roles, split)}
            assert shown == set(BASIC_EXPRESSIONS)

    @pytest.mark.parametrize("images", [LEAST_IMAGES, 21, 500])
    def test_nobody_is_in_both_splits(self, images: int) -> None:
        roles = cast_photos(0, images)
        people = {
            split: {
                number for role in split_of(roles, split) for number in (role.person, *role.cast)
            }
            for split in ("train", "test")
        }
        assert not people["train"] & people["test"]

    def test_two_photos_a_person(self) -> None:
        roles = cast_photos(0, 1000)
        assert set(Counter(role.person for role in roles).values()) == {2}

    def test_order_is_shuffled_and_the_seeds_own(self) -> None:
        shown = [[role.emotion for role in cast_photos(seed, 200)] for seed in (0, 0, 1)]
        assert shown[0] == shown[1] != shown[2]
        assert shown[0][:160] != sorted(shown[0][:160])


class TestSequences:
    def test_frequencies_of_ckplus(self) -> None:
        # A tenth, rounded down, has no label; the rest is CK+'s 327.
        roles = cast_sequences(0, 363)
        assert Counter(role.emotion for role in roles if role.labelled) == CKPLUS

    @pytest.mark.parametrize("sequences", [LEAST_SEQUENCES, 30, 100])
    def test_every_class_and_no_label_twice_for_a_subject(self, sequences: int) -> None:
        roles = cast_sequences(3, sequences)
        assert len(roles) == sequences
        labelled = [role for role in roles if role.labelled]
        assert len(labelled) == sequences - sequences // 10
        assert {role.emotion for role in labelled} == set(CKPLUS)
        assert len({(role.subject, role.emotion) for role in labelled}) == len(labelled)

    def test_names_count_a_subjects_sequences(self) -> None:
        roles = cast_sequences(0, 31)
        assert [role.index for role in roles] == list(range(31))
        names: dict[str, list[str]] = {}
        people: dict[str, set[int]] = {}
        for role in roles:
            names.setdefault(role.subject, []).append(role.name)
            people.setdefault(role.subject, set()).add(role.person)
        assert list(names) == [f"S{number:03d}" for number in range(1, 12)]
        assert all(own == ["001", "002", "003"][: len(own)] for own in names.values())
        assert all(len(own) == 1 for own in people.values())
        assert len(set.union(*people.values())) == 11

    def test_lengths(self) -> None:
        lengths = [role.frames for role in cast_sequences(0, 200)]
        assert (min(lengths), max(lengths)) == FRAMES

    def test_nobody_is_in_photos_too(self) -> None:
        photographed = {role.person for role in cast_photos(0, 15_339)}
        assert not photographed & {role.person for role in cast_sequences(0, 593)}

    def test_seed(self) -> None:
        one: tuple[SequenceRole, ...] = cast_sequences(0, 30)
        assert one == cast_sequences(0, 30) != cast_sequences(1, 30)
