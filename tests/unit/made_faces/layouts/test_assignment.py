from __future__ import annotations

from collections import Counter

import pytest

from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from made_faces.config import MIN_IMAGES, MIN_SEQUENCES
from made_faces.layouts.assignment import (
    CKPLUS,
    FRAMES,
    RAFDB_TEST,
    RAFDB_TRAIN,
    PhotoAssignment,
    SequenceAssignment,
    apportion,
    assign_photos,
    assign_sequences,
)


def split_of(roles: tuple[PhotoAssignment, ...], split: str) -> list[PhotoAssignment]:
    return [each for each in roles if each.split == split]


class TestApportion:
    def test_exact_shares(self) -> None:
        assert apportion(12_271, RAFDB_TRAIN, 1) == list(RAFDB_TRAIN.values())

    def test_largest_remainder(self) -> None:
        # 10 * (5, 3, 1) / 9 = 5.56, 3.33, 1.11: the remaining one goes to the first.
        counts = {Expression.ANGER: 5, Expression.FEAR: 3, Expression.SADNESS: 1}
        assert apportion(10, counts, 0) == [6, 3, 1]

    def test_least_is_taken_from_the_others(self) -> None:
        counts = {Expression.ANGER: 90, Expression.FEAR: 9, Expression.SADNESS: 1}
        assert apportion(20, counts, 4) == [12, 4, 4]

    def test_no_room_for_the_least(self) -> None:
        assert apportion(7, RAFDB_TRAIN, 5) == [1] * 7

    @pytest.mark.parametrize("total", [7, 8, 20, 61, 200, 999])
    def test_shares_sum_to_the_total(self, total: int) -> None:
        counts = apportion(total, RAFDB_TEST, 5)
        assert sum(counts) == total
        assert min(counts) >= min(5, total // 7)


class TestPhotos:
    def test_a_fifth_is_the_test_split(self) -> None:
        roles = assign_photos(0, 1000)
        assert Counter(each.split for each in roles) == {"train": 800, "test": 200}
        assert [each.index for each in roles] == list(range(1000))
        assert roles[0].stem == "train_00001"
        assert (roles[799].stem, roles[800].stem) == ("train_00800", "test_0001")

    def test_frequencies_of_rafdb(self) -> None:
        roles = assign_photos(0, 15_339)
        for split, wanted in (("train", RAFDB_TRAIN), ("test", RAFDB_TEST)):
            assert Counter(each.expression for each in split_of(roles, split)) == wanted

    def test_the_fewest_show_each_class_in_both_splits(self) -> None:
        roles = assign_photos(0, MIN_IMAGES)
        for split in ("train", "test"):
            shown = {each.expression for each in split_of(roles, split)}
            assert shown == set(BASIC_EXPRESSIONS)

    @pytest.mark.parametrize("images", [MIN_IMAGES, 21, 500])
    def test_splits_share_no_identity(self, images: int) -> None:
        roles = assign_photos(0, images)
        identities = {
            split: {
                number
                for each in split_of(roles, split)
                for number in (each.identity_number, *each.split_identities)
            }
            for split in ("train", "test")
        }
        assert not identities["train"] & identities["test"]

    def test_two_photos_per_identity(self) -> None:
        roles = assign_photos(0, 1000)
        assert set(Counter(each.identity_number for each in roles).values()) == {2}

    def test_order_is_shuffled_by_seed(self) -> None:
        shown = [[each.expression for each in assign_photos(seed, 200)] for seed in (0, 0, 1)]
        assert shown[0] == shown[1] != shown[2]
        assert shown[0][:160] != sorted(shown[0][:160])


class TestSequences:
    def test_frequencies_of_ckplus(self) -> None:
        # A tenth, rounded down, is unlabelled; the rest are CK+'s 327.
        roles = assign_sequences(0, 363)
        assert Counter(each.expression for each in roles if each.labelled) == CKPLUS

    @pytest.mark.parametrize("sequences", [MIN_SEQUENCES, 30, 100])
    def test_every_class_and_no_label_twice_for_a_subject(self, sequences: int) -> None:
        roles = assign_sequences(3, sequences)
        assert len(roles) == sequences
        labelled = [each for each in roles if each.labelled]
        assert len(labelled) == sequences - sequences // 10
        assert {each.expression for each in labelled} == set(CKPLUS)
        assert len({(each.subject, each.expression) for each in labelled}) == len(labelled)

    def test_names_count_a_subjects_sequences(self) -> None:
        roles = assign_sequences(0, 31)
        assert [each.index for each in roles] == list(range(31))
        names: dict[str, list[str]] = {}
        identities: dict[str, set[int]] = {}
        for each in roles:
            names.setdefault(each.subject, []).append(each.name)
            identities.setdefault(each.subject, set()).add(each.identity_number)
        assert list(names) == [f"S{number:03d}" for number in range(1, 12)]
        assert all(own == ["001", "002", "003"][: len(own)] for own in names.values())
        assert all(len(own) == 1 for own in identities.values())
        assert len(set.union(*identities.values())) == 11

    def test_lengths(self) -> None:
        lengths = [each.frames for each in assign_sequences(0, 200)]
        assert (min(lengths), max(lengths)) == FRAMES

    def test_photos_share_no_identity_with_sequences(self) -> None:
        photographed = {each.identity_number for each in assign_photos(0, 15_339)}
        assert not photographed & {each.identity_number for each in assign_sequences(0, 593)}

    def test_seed(self) -> None:
        one: tuple[SequenceAssignment, ...] = assign_sequences(0, 30)
        assert one == assign_sequences(0, 30) != assign_sequences(1, 30)
