"""Two runs on the same faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_data.scored_pictures import CLASSES, one_hot, random_pictures, scored_picture

from fer_det.errors import ScoresError
from fer_det.evaluation.answers import FaceRecord, face_records
from fer_det.evaluation.paired import check_same_faces, compare

BOX = (0.0, 0.0, 40.0, 40.0)


def run(answers: list[int], labels: list[int]) -> list[FaceRecord]:
    """A picture a face; answer 0 for no box."""
    pictures = [
        scored_picture(
            f"p{number}", [(BOX, label)], [(BOX, 0.9, one_hot(answer))] if answer else []
        )
        for number, (answer, label) in enumerate(zip(answers, labels, strict=True))
    ]
    return list(face_records(pictures, CLASSES, ["top1"]))


LABELS = [1, 1, 1, 4, 4, 4, 4, 7]
FIRST = run([1, 1, 0, 4, 4, 7, 7, 7], LABELS)
SECOND = run([1, 4, 1, 4, 4, 4, 4, 0], LABELS)


def test_by_hand() -> None:
    paired = compare(FIRST, SECOND, "top1", CLASSES, resamples=500)
    # The first alone has p1 and p7 right, the second alone p2, p5 and p6.
    assert (paired.only_first, paired.only_second) == (2, 3)
    assert paired.p_value == 1.0
    assert paired.accuracy.value == pytest.approx(6 / 8 - 5 / 8)
    assert paired.mean_recall.value == pytest.approx((0 + (1 - 2 / 4) + (0 - 1)) / 3)
    assert paired.recall["happiness"] is not None
    assert paired.recall["happiness"].value == pytest.approx(0.5)
    assert paired.recall["fear"] is None
    assert paired.accuracy.low < paired.accuracy.value < paired.accuracy.high


def test_the_other_way_round_is_the_opposite() -> None:
    there = compare(FIRST, SECOND, "top1", CLASSES, resamples=500)
    back = compare(SECOND, FIRST, "top1", CLASSES, resamples=500)
    assert (back.only_first, back.only_second) == (there.only_second, there.only_first)
    assert back.p_value == there.p_value
    assert back.accuracy.value == pytest.approx(-there.accuracy.value)


def test_a_run_beside_itself_differs_in_nothing() -> None:
    paired = compare(FIRST, FIRST[::-1], "top1", CLASSES, resamples=50)
    assert (paired.only_first, paired.only_second, paired.p_value) == (0, 0, 1.0)
    for each in (paired.accuracy, paired.mean_recall):
        assert (each.value, each.low, each.high) == (0, 0, 0)


def test_pairing_is_what_makes_the_interval_narrow() -> None:
    """Two runs that differ on few faces: drawn apart, their difference would swing far wider."""
    pictures = random_pictures([60] * 7, seed=3, certainty=1.0)
    first = list(face_records(pictures, CLASSES, ["gt_box"]))
    second = [
        replace(face, label=face.label) if number % 20 else _made_right(face)
        for number, face in enumerate(first)
    ]
    difference = compare(first, second, "gt_box", CLASSES, resamples=1000).accuracy
    share = np.mean([face.is_right("gt_box") for face in first])
    apart = 2 * 1.96 * np.sqrt(2 * share * (1 - share) / len(first))
    assert difference.low <= difference.value <= difference.high
    assert difference.high - difference.low < apart / 2


def _made_right(face: FaceRecord) -> FaceRecord:
    answer = face.answers["gt_box"]
    assert answer is not None
    return replace(face, answers={"gt_box": replace(answer, label=face.label)})


class TestOtherFaces:
    def refused(self, other: list[FaceRecord]) -> str:
        with pytest.raises(ScoresError) as error:
            check_same_faces([("a.json", FIRST), ("b.json", other)])
        assert "\n" not in str(error.value)
        return str(error.value)

    def test_the_same_in_another_order_are_let_pass(self) -> None:
        check_same_faces([("a.json", FIRST), ("b.json", SECOND[::-1])])

    def test_one_more(self) -> None:
        told = self.refused(run([1] * 9, [*LABELS, 1]))
        assert "b.json has other faces than a.json: 9 and 8, and p8 is only in b.json" in told

    def test_one_less(self) -> None:
        assert "7 and 8, and p7 is only in a.json" in self.refused(FIRST[:-1])

    def test_another_label(self) -> None:
        other = [replace(FIRST[0], label="fear"), *FIRST[1:]]
        assert "p0 is labelled surprise there and fear here" in self.refused(other)
