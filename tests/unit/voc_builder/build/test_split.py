from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from fer_det.core.expression import Expression
from fer_det.core.label import LabelDistribution, expression_of
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Face, Sample, Split
from fer_det.errors import DatasetFormatError
from voc_builder.build.split import assign_splits

ANGER, FEAR, HAPPINESS = Expression.ANGER, Expression.FEAR, Expression.HAPPINESS


def sample(
    name: str,
    expression: Expression = HAPPINESS,
    group: str | None = None,
    split: Split = "train",
    dataset: str = "rafdb",
) -> Sample:
    picture = PictureFile(Path("root"), name)
    faces = (Face(expression),)
    return Sample(f"{dataset}_{name}", dataset, picture, faces, split, group=group)


def expression(one: Sample) -> Expression:
    return expression_of(one.labels[0])


def crowd(count: int, expression: Expression = HAPPINESS, start: int = 0) -> list[Sample]:
    return [sample(f"{expression.label}_{n}", expression) for n in range(start, start + count)]


def chosen(samples: list[Sample], fraction: float = 0.1, seed: int = 0) -> set[str]:
    splits = assign_splits(samples, fraction, seed)
    return {name for name, split in splits.items() if split == "val"}


class TestPictures:
    def test_share_of_each_class(self) -> None:
        samples = crowd(200) + crowd(57, ANGER) + crowd(3, FEAR)
        counts = Counter(name.split("_")[1] for name in chosen(samples))
        # 20.0 and 5.7, to the next whole number; at least one of the three.
        assert counts == {"happiness": 20, "anger": 6, "fear": 1}

    def test_the_only_picture_of_a_class_stays_in_training(self) -> None:
        assert chosen([*crowd(20), *crowd(1, FEAR)]) & {"rafdb_fear_0"} == set()

    def test_test_pictures_stay(self) -> None:
        samples = [sample(f"test_{n}", split="test") for n in range(50)]
        assert set(assign_splits(samples + crowd(50), 0.1, 0).values()) == {"train", "val", "test"}
        assert all(
            assign_splits(samples + crowd(50), 0.1, 0)[s.sample_id] == "test" for s in samples
        )

    def test_no_validation(self) -> None:
        assert chosen(crowd(50), 0.0) == set()

    def test_order_does_not_matter(self) -> None:
        samples = crowd(80) + crowd(30, ANGER)
        assert chosen(samples) == chosen(samples[::-1])

    def test_seed_matters(self) -> None:
        assert chosen(crowd(100), seed=0) != chosen(crowd(100), seed=1)

    def test_more_pictures_reshuffle_nothing(self) -> None:
        before, after = chosen(crowd(500)), chosen(crowd(505))
        # 50 become 50 or 51; a new picture can only take the place of the last one chosen.
        assert len(before - after) <= 5
        assert len(before & after) >= 45

    def test_another_data_set_changes_nothing(self) -> None:
        others = [sample(f"x{n}", dataset="ckplus") for n in range(100)]
        assert chosen(crowd(100)) == {
            name for name in chosen(crowd(100) + others) if name.startswith("rafdb")
        }


class TestGroups:
    def people(self) -> list[Sample]:
        return [
            sample(f"{person}_{expression.label}_{n}", expression, f"S{person}")
            for person in range(40)
            for expression in (HAPPINESS, ANGER, FEAR)
            for n in range(3)
            if (person + expression) % 3 or expression is HAPPINESS
        ]

    def test_a_person_is_in_one_split(self) -> None:
        samples = self.people()
        splits = assign_splits(samples, 0.1, 0)
        for person in {each.group for each in samples}:
            own = {splits[each.sample_id] for each in samples if each.group == person}
            assert len(own) == 1

    @pytest.mark.parametrize("seed", range(5))
    def test_share_of_each_class_is_near(self, seed: int) -> None:
        samples = self.people()
        all_counts = Counter(expression(each) for each in samples)
        val = chosen(samples, seed=seed)
        counts = Counter(expression(each) for each in samples if each.sample_id in val)
        for shown, count in all_counts.items():
            # Persons come with three pictures of an expression, so it cannot be nearer than that.
            assert abs(counts[shown] - 0.1 * count) <= 3

    def test_of_few_persons_one_is_taken(self) -> None:
        samples = [
            sample(f"{person}_{n}", group=f"S{person}") for person in "abc" for n in range(9)
        ]
        assert len(chosen(samples)) == 9

    def test_a_single_person_stays_in_training(self) -> None:
        assert chosen([sample(str(n), group="S1") for n in range(20)]) == set()

    def test_a_person_in_train_and_test_is_refused(self) -> None:
        samples = [sample("a", group="S1"), sample("b", group="S1", split="test")]
        with pytest.raises(
            DatasetFormatError, match=r"S1 of rafdb is in train \(a\) and in test \(b\)"
        ):
            assign_splits(samples, 0.1, 0)

    def test_the_same_name_in_two_data_sets_is_two_persons(self) -> None:
        samples = [
            sample("a", group="S1"),
            sample("b", group="S1", split="test", dataset="ckplus"),
        ]
        assert set(assign_splits(samples, 0.1, 0).values()) == {"train", "test"}


class TestOwnValidation:
    def test_is_kept_and_nothing_is_added(self) -> None:
        own = [sample(f"val_{n}", split="val") for n in range(3)]
        assert chosen(crowd(100) + own) == {each.sample_id for each in own}

    def test_of_another_data_set_changes_nothing(self) -> None:
        others = [sample(f"v{n}", split="val", dataset="sfew") for n in range(5)]
        assert len(chosen(crowd(100) + others)) == 10 + 5

    def test_a_film_in_train_and_val_is_refused(self) -> None:
        samples = [sample("a", group="film"), sample("b", group="film", split="val")]
        with pytest.raises(DatasetFormatError, match=r"film of rafdb is in train .* and in val"):
            assign_splits(samples, 0.1, 0)


def test_every_labelled_face_counts() -> None:
    votes = LabelDistribution({ANGER: 0.75, FEAR: 0.25})
    pairs = [
        replace(sample(f"pair{n}"), faces=(Face(HAPPINESS), Face(votes), Face(None)))
        for n in range(60)
    ]
    # 6 of 60 pairs are a tenth of the happy and of the angry faces alike.
    assert len(chosen(pairs)) == 6
    assert len(chosen(pairs + crowd(40))) == 6 + 4
