"""Two runs on the same faces, and runs on other faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_data.scored_pictures import CLASSES, one_hot, random_pictures, scored_picture

from fer_det.errors import ScoresError
from fer_det.evaluation.comparison import check_same_faces, compare_faces
from fer_det.evaluation.predictions import ScoredFace, score_faces

BOX = (0.0, 0.0, 40.0, 40.0)


def run(predicted: list[int], labels: list[int]) -> list[ScoredFace]:
    """Return faces p0, p1, ..., each in a picture of its own; predicted: class, or 0 for no box."""
    pictures = [
        scored_picture(f"p{place}", [(BOX, label)], [(BOX, 0.9, one_hot(number))] if number else [])
        for place, (number, label) in enumerate(zip(predicted, labels, strict=True))
    ]
    return list(score_faces(pictures, CLASSES, ["top1"]))


LABELS = [1, 1, 1, 4, 4, 4, 4, 7]
FIRST = run([1, 1, 0, 4, 4, 7, 7, 7], LABELS)
SECOND = run([1, 4, 1, 4, 4, 4, 4, 0], LABELS)


def test_by_hand() -> None:
    paired = compare_faces(FIRST, SECOND, "top1", CLASSES, resamples=500)
    # Only the first predicts p1 and p7 correctly, only the second p2, p5 and p6.
    assert (paired.only_first, paired.only_second) == (2, 3)
    assert paired.p_value == 1.0
    assert paired.accuracy.value == pytest.approx(6 / 8 - 5 / 8)
    assert paired.mean_recall.value == pytest.approx((0 + (1 - 2 / 4) + (0 - 1)) / 3)
    assert paired.recall["happiness"] is not None
    assert paired.recall["happiness"].value == pytest.approx(0.5)
    assert paired.recall["fear"] is None
    assert paired.accuracy.interval is not None
    low, high = paired.accuracy.interval
    assert low < paired.accuracy.value < high
    assert list(paired.by_measure()) == [
        "accuracy",
        "mean recall",
        "recall surprise",
        "recall happiness",
        "recall neutral",
    ]


def test_exchanged_runs_have_the_opposite_difference() -> None:
    there = compare_faces(FIRST, SECOND, "top1", CLASSES, resamples=500)
    back = compare_faces(SECOND, FIRST, "top1", CLASSES, resamples=500)
    assert (back.only_first, back.only_second) == (there.only_second, there.only_first)
    assert back.p_value == there.p_value
    assert back.accuracy.value == pytest.approx(-there.accuracy.value)


def test_a_run_does_not_differ_from_itself() -> None:
    paired = compare_faces(FIRST, FIRST[::-1], "top1", CLASSES, resamples=50)
    assert (paired.only_first, paired.only_second, paired.p_value) == (0, 0, 1.0)
    for each in (paired.accuracy, paired.mean_recall):
        assert (each.value, each.interval) == (0, (0, 0))


def test_pairing_makes_the_interval_narrow() -> None:
    """Two runs that differ on few faces: with separate resamples it would be far wider."""
    pictures = random_pictures([60] * 7, seed=3, margin=1.0)
    first = list(score_faces(pictures, CLASSES, ["gt_box"]))
    second = [face if number % 20 else _corrected(face) for number, face in enumerate(first)]
    difference = compare_faces(first, second, "gt_box", CLASSES, resamples=1000).accuracy
    share = np.mean([face.is_correct("gt_box") for face in first])
    unpaired = 2 * 1.96 * np.sqrt(2 * share * (1 - share) / len(first))
    assert difference.interval is not None
    low, high = difference.interval
    assert low <= difference.value <= high
    assert high - low < unpaired / 2


def test_a_class_without_faces_in_all_resamples_has_no_interval() -> None:
    labels = [*[4] * 40, 2]
    first, second = run([*[4] * 40, 2], labels), run([*[4] * 39, 7, 2], labels)
    found = [
        compare_faces(first, second, "top1", CLASSES, 1, seed).recall["fear"] for seed in range(8)
    ]
    # One resample each, with the only face of fear in some and not in others.
    assert {each.interval for each in found if each is not None} == {None, (0.0, 0.0)}


def _corrected(face: ScoredFace) -> ScoredFace:
    prediction = face.predictions["gt_box"]
    assert prediction is not None
    return replace(face, predictions={"gt_box": replace(prediction, label=face.label)})


class TestOtherFaces:
    def refused(self, other: list[ScoredFace]) -> str:
        with pytest.raises(ScoresError) as error:
            check_same_faces([("a.json", FIRST), ("b.json", other)])
        assert "\n" not in str(error.value)
        return str(error.value)

    def test_another_order_is_allowed(self) -> None:
        check_same_faces([("a.json", FIRST), ("b.json", SECOND[::-1])])

    def test_one_more(self) -> None:
        message = self.refused(run([1] * 9, [*LABELS, 1]))
        assert "b.json has other faces than a.json: 9 and 8, and p8 is only in b.json" in message

    def test_one_less(self) -> None:
        assert "7 and 8, and p7 is only in a.json" in self.refused(FIRST[:-1])

    def test_another_label(self) -> None:
        other = [replace(FIRST[0], label="fear"), *FIRST[1:]]
        assert "p0 is labelled surprise there and fear here" in self.refused(other)
