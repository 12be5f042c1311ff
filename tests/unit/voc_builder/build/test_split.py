from collections import Counter
from pathlib import Path

import pytest

from fer_det.core.expression import Expression
from fer_det.core.sample import Sample, Split
from fer_det.errors import DatasetFormatError
from voc_builder.build.split import assign_splits

ANGER, FEAR, HAPPINESS = Expression.ANGER, Expression.FEAR, Expression.HAPPINESS


def sample(
    name: str,
    expression: Expression = HAPPINESS,
    subject: str | None = None,
    split: Split = "train",
    dataset: str = "rafdb",
) -> Sample:
    return Sample(f"{dataset}_{name}", dataset, Path(name), expression, split, subject=subject)


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


class TestSubjects:
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
        for person in {each.subject for each in samples}:
            own = {splits[each.sample_id] for each in samples if each.subject == person}
            assert len(own) == 1

    @pytest.mark.parametrize("seed", range(5))
    def test_share_of_each_class_is_near(self, seed: int) -> None:
        samples = self.people()
        all_counts = Counter(each.expression for each in samples)
        val = chosen(samples, seed=seed)
        counts = Counter(each.expression for each in samples if each.sample_id in val)
        for expression, count in all_counts.items():
            # Persons come with three pictures of an expression, so it cannot be nearer than that.
            assert abs(counts[expression] - 0.1 * count) <= 3

    def test_of_few_persons_one_is_taken(self) -> None:
        samples = [
            sample(f"{person}_{n}", subject=f"S{person}") for person in "abc" for n in range(9)
        ]
        assert len(chosen(samples)) == 9

    def test_a_single_person_stays_in_training(self) -> None:
        assert chosen([sample(str(n), subject="S1") for n in range(20)]) == set()

    def test_a_person_in_train_and_test_is_refused(self) -> None:
        samples = [sample("a", subject="S1"), sample("b", subject="S1", split="test")]
        with pytest.raises(DatasetFormatError, match="subject S1 of rafdb is in train and in test"):
            assign_splits(samples, 0.1, 0)

    def test_the_same_name_in_two_data_sets_is_two_persons(self) -> None:
        samples = [
            sample("a", subject="S1"),
            sample("b", subject="S1", split="test", dataset="ckplus"),
        ]
        assert set(assign_splits(samples, 0.1, 0).values()) == {"train", "test"}
