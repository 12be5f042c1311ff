"""The whole evaluation, from pictures written by hand to scores.json."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from fake_data.scored_pictures import (
    CLASSES,
    one_hot,
    protocol_for,
    random_pictures,
    scored_picture,
)

from fer_det.errors import ConfigError, DatasetFormatError
from fer_det.evaluation.evaluate import evaluate
from fer_det.evaluation.scores_file import scores_to_json

LEFT, RIGHT = (0.0, 0.0, 40.0, 40.0), (50.0, 0.0, 90.0, 40.0)
SURPRISE, HAPPINESS, NEUTRAL = 1, 4, 7

# Predictions of each picture by top1 / matched / gt_box:
HAND_MADE = [
    # correct / correct / correct
    scored_picture("a", [(LEFT, 4)], [(LEFT, 0.9, one_hot(4))], gt_box=[one_hot(4)]),
    # neutral (by a box elsewhere) / correct / correct
    scored_picture(
        "b",
        [(LEFT, 4)],
        [(RIGHT, 0.9, one_hot(7)), (LEFT, 0.8, one_hot(4))],
        gt_box=[one_hot(4)],
    ),
    # none / none / correct
    scored_picture("c", [(LEFT, 4)], gt_box=[one_hot(4)]),
    # correct (by a box elsewhere) / none / neutral
    scored_picture("d", [(LEFT, 1)], [(RIGHT, 0.2, one_hot(1))], gt_box=[one_hot(7)]),
    # two faces: correct, none / correct, none / correct, correct
    scored_picture(
        "e",
        [(LEFT, 1), (RIGHT, 7)],
        [(LEFT, 0.9, one_hot(1))],
        gt_box=[one_hot(1), one_hot(7)],
    ),
]


def evaluation_of(pictures, subsets=None, seed=0, resamples=200, **protocol):
    return evaluate(pictures, CLASSES, protocol_for(pictures, **protocol), subsets, resamples, seed)


def strict_json(evaluation):
    """Return what a JSON reader reads; fails on NaN."""
    return json.loads(json.dumps(scores_to_json(evaluation), allow_nan=False))


def row(confusion, label):
    """Return the non-zero cells of a row: predicted class -> count; 0 for "none"."""
    counts = confusion[label - 1]
    return {(place + 1) % 8: count for place, count in enumerate(counts) if count}


def test_the_three_rules_on_hand_made_pictures():
    scores = strict_json(evaluation_of(HAND_MADE))
    assert (scores["n"], scores["pictures"]) == (6, 5)
    assert scores["n_by_class"] == dict.fromkeys(CLASSES, 0) | {
        "surprise": 2,
        "happiness": 3,
        "neutral": 1,
    }
    top1, matched, gt_box = scores["top1"], scores["matched"], scores["gt_box"]
    assert row(top1["confusion"], HAPPINESS) == {HAPPINESS: 1, NEUTRAL: 1, 0: 1}
    assert row(top1["confusion"], SURPRISE) == {SURPRISE: 2}
    assert row(top1["confusion"], NEUTRAL) == {0: 1}
    assert row(matched["confusion"], HAPPINESS) == {HAPPINESS: 2, 0: 1}
    assert row(matched["confusion"], SURPRISE) == {SURPRISE: 1, 0: 1}
    assert row(gt_box["confusion"], SURPRISE) == {SURPRISE: 1, NEUTRAL: 1}
    assert [r["accuracy"] for r in (top1, matched, gt_box)] == [3 / 6, 3 / 6, 5 / 6]
    assert [r["miss_rate"] for r in (top1, matched, gt_box)] == [2 / 6, 3 / 6, 0]
    assert top1["recall"]["happiness"] == pytest.approx(1 / 3)
    assert top1["recall"]["fear"] is None
    assert top1["mean_recall"] == pytest.approx((2 / 2 + 1 / 3 + 0 / 1) / 3)
    # F1: surprise 4/(4+0+0); happiness 2/(2+2+0); neutral 0.
    assert top1["macro_f1"] == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_the_keys_of_scores_json():
    scores = strict_json(evaluation_of(HAND_MADE, subsets={"two": ["surprise", "happiness"]}))
    assert set(scores) >= {
        "top1", "matched", "gt_box", "ap", "n", "n_by_class", "classes", "protocol",
    }  # fmt: skip
    assert scores["classes"] == list(CLASSES)
    assert scores["confusion_columns"] == [*CLASSES, "none"]
    assert scores["primary"] == "top1"
    assert scores["bootstrap"] == {"level": 0.95, "resamples": 200, "seed": 0}
    assert scores["subsets"] == {"two": ["surprise", "happiness"]}
    assert scores["protocol"]["split_hash"] == protocol_for(HAND_MADE).split_hash
    for rule in ("top1", "matched", "gt_box"):
        assert np.array(scores[rule]["confusion"]).shape == (7, 8)
        intervals = scores[rule]["intervals"]
        assert set(intervals) == {
            "accuracy", "mean_recall", "recall", "macro_f1", "miss_rate", "subset_mean_recall",
        }  # fmt: skip
        assert set(intervals["recall"]) == set(scores[rule]["recall"]) == set(CLASSES)
        assert intervals["recall"]["fear"] is None
        assert intervals["accuracy"][0] <= scores[rule]["accuracy"] <= intervals["accuracy"][1]
    assert set(scores["ap"]) == {"ap50", "ap", "by_class", "precision50"}
    curve = scores["ap"]["precision50"]["happiness"]
    assert len(curve) == 101
    assert sum(curve) / 101 == pytest.approx(
        scores["ap"]["by_class"]["happiness"]["ap50"], abs=1e-5
    )
    assert set(scores["ap"]["precision50"]["fear"]) == {None}
    assert set(scores["ap"]["by_class"]["happiness"]) == {"ap50", "ap"}
    assert scores["ap"]["by_class"]["fear"] == {"ap50": None, "ap": None}


def test_the_mean_of_a_precision_curve_is_its_ap50():
    ap = strict_json(evaluation_of(random_pictures([40, 20, 20, 90, 30, 30, 60], seed=4)))["ap"]
    for label, curve in ap["precision50"].items():
        assert len(curve) == 101
        assert curve == sorted(curve, reverse=True)
        assert np.mean(curve) == pytest.approx(ap["by_class"][label]["ap50"], abs=1e-5)


def test_every_interval_contains_its_figure_on_random_pictures():
    pictures = random_pictures([40, 20, 20, 90, 30, 30, 60], seed=4)
    scores = strict_json(evaluation_of(pictures, subsets={"two": ["fear", "anger"]}))
    for rule in ("top1", "matched", "gt_box"):
        values, intervals = scores[rule], scores[rule]["intervals"]
        flat = [(values[name], intervals[name]) for name in ("accuracy", "mean_recall", "macro_f1")]
        flat += [(values["recall"][name], intervals["recall"][name]) for name in CLASSES]
        flat += [(values["subset_mean_recall"]["two"], intervals["subset_mean_recall"]["two"])]
        for value, (low, high) in flat:
            assert 0 <= low < value < high <= 1
    accuracy = scores["top1"]["accuracy"]
    half_width = 1.96 * np.sqrt(accuracy * (1 - accuracy) / scores["n"])
    low, high = scores["top1"]["intervals"]["accuracy"]
    assert (high - low) / 2 == pytest.approx(half_width, rel=0.2)


def test_the_seed_repeats_the_scores_and_the_order_of_pictures_does_not_matter():
    pictures = random_pictures([9, 5, 6, 20, 8, 7, 12], seed=4)
    first = strict_json(evaluation_of(pictures))
    assert strict_json(evaluation_of(pictures)) == first
    turned = strict_json(evaluation_of(pictures[::-1]))
    assert {k: turned[k] for k in ("top1", "matched", "gt_box")} == {
        k: first[k] for k in ("top1", "matched", "gt_box")
    }
    assert strict_json(evaluation_of(pictures, seed=1)) != first


def test_subset_means_are_over_the_named_classes_that_are_present():
    subsets = {"two": ["happiness", "neutral"], "one": ["surprise", "fear"], "absent": ["fear"]}
    top1 = strict_json(evaluation_of(HAND_MADE, subsets))["top1"]
    assert top1["subset_mean_recall"] == {
        "two": pytest.approx((1 / 3 + 0) / 2),
        "one": 1.0,
        "absent": None,
    }
    assert top1["intervals"]["subset_mean_recall"]["absent"] is None


@pytest.mark.parametrize(("labels", "found"), [(["smile"], "'smile'"), ([], "no class")])
def test_a_subset_of_unknown_classes_is_refused(labels, found):
    with pytest.raises(
        ConfigError, match=f"subset 'x' names {found}; wanted classes among surprise"
    ):
        evaluation_of(HAND_MADE, {"x": labels})


def test_rejected_pictures_count_as_errors_in_all_listed():
    listed = {"surprise": 3, "happiness": 4, "neutral": 1, "fear": 2}
    rejected = {"surprise": 1, "happiness": 1, "fear": 2}
    scores = strict_json(evaluation_of(HAND_MADE, listed=listed, rejected=rejected))
    assert scores["top1"]["accuracy"] == 3 / 6
    assert scores["top1"]["accuracy_all_listed"] == 3 / 10
    assert scores["gt_box"]["accuracy_all_listed"] == 5 / 10
    # Surprise 2 of 3, fear 0 of 2, happiness 1 of 4, neutral 0 of 1.
    mean_recall = (2 / 3 + 0 + 1 / 4 + 0) / 4
    assert scores["top1"]["mean_recall_all_listed"] == pytest.approx(mean_recall)
    assert scores["listed_by_class"]["fear"] == 2


def test_rejected_faces_are_enough_to_know_the_listed_ones():
    scores = strict_json(evaluation_of(HAND_MADE, rejected={"fear": 4}))
    assert scores["top1"]["accuracy_all_listed"] == 3 / 10


def test_pictures_lost_without_a_rejection_are_errors_as_well():
    scores = strict_json(
        evaluation_of(HAND_MADE, listed={"surprise": 2, "happiness": 5, "neutral": 1})
    )
    assert scores["top1"]["accuracy_all_listed"] == 3 / 8


def test_unknown_lists_give_null():
    scores = strict_json(evaluation_of(HAND_MADE))
    assert scores["top1"]["accuracy_all_listed"] is None
    assert scores["listed_by_class"] is None


def test_more_faces_than_listed_are_refused():
    with pytest.raises(DatasetFormatError, match=r"3 faces of happiness .* at most 2, as 3 were"):
        evaluation_of(
            HAND_MADE,
            listed={"surprise": 2, "happiness": 3, "neutral": 1},
            rejected={"happiness": 1},
        )


def test_gt_box_is_null_where_the_box_head_was_not_run():
    pictures = [dataclasses.replace(p, truth_probabilities=None) for p in HAND_MADE]
    assert strict_json(evaluation_of(pictures))["gt_box"] is None
    with pytest.raises(ValueError, match="found none for a"):
        evaluation_of([pictures[0], *HAND_MADE[1:]])


def test_a_picture_of_unlabelled_faces_adds_no_face_and_no_false_positive():
    crowd = scored_picture("z", found=[(LEFT, 0.99, one_hot(4))], ignore=[LEFT])
    with_crowd, without = (
        strict_json(evaluation_of([*HAND_MADE, crowd])),
        strict_json(evaluation_of(HAND_MADE)),
    )
    assert with_crowd["pictures"] == without["pictures"] + 1
    for name in ("top1", "matched", "gt_box", "n", "ap"):
        assert with_crowd[name] == without[name]


def test_nothing_labelled_gives_nulls():
    crowd = scored_picture("z", found=[(LEFT, 0.99, one_hot(4))], ignore=[LEFT])
    for pictures in ([crowd], []):
        scores = strict_json(evaluation_of(pictures, listed={"fear": 0}))
        assert scores["n"] == 0
        assert scores["gt_box"] is None
        top1 = scores["top1"]
        assert top1["accuracy"] is top1["mean_recall"] is top1["accuracy_all_listed"] is None
        assert top1["intervals"]["accuracy"] is None
        assert scores["ap"]["ap"] is None


def test_pictures_and_split_hash_must_agree():
    with pytest.raises(ValueError, match="split hash expected"):
        evaluate(HAND_MADE[1:], CLASSES, protocol_for(HAND_MADE))


def test_a_picture_given_twice_is_refused():
    pictures = [*HAND_MADE, HAND_MADE[2]]
    with pytest.raises(ValueError, match="image ids expected once each, found c again"):
        evaluation_of(pictures)


def test_pictures_of_another_number_of_classes_are_refused():
    with pytest.raises(ValueError, match="a: classes expected 6, found 7"):
        evaluate(HAND_MADE, CLASSES[:6], protocol_for(HAND_MADE))


class TestClassifier:
    """A classifier predicts for the labelled faces' own boxes and detects none."""

    PICTURES = tuple(
        dataclasses.replace(
            picture,
            boxes=np.empty((0, 4)),
            scores=np.empty(0),
            probabilities=np.empty((0, len(CLASSES))),
        )
        for picture in HAND_MADE
    )

    def test_given_boxes_are_the_one_rule(self):
        evaluation = evaluation_of(self.PICTURES, boxes_given=True)
        assert list(evaluation.rules) == ["gt_box"]
        assert evaluation.primary == "gt_box"
        scores = scores_to_json(evaluation)
        assert scores["top1"] is scores["matched"] is scores["ap"] is None
        assert scores["primary"] == "gt_box"
        assert scores["protocol"]["boxes_given"] is True
        # The same predictions of a detector have the same scores.
        detector = scores_to_json(evaluation_of(HAND_MADE))
        assert scores["gt_box"] == detector["gt_box"]
        assert (detector["primary"], detector["protocol"]["boxes_given"]) == ("top1", False)

    def test_without_predictions_it_is_refused(self):
        pictures = [dataclasses.replace(p, truth_probabilities=None) for p in self.PICTURES]
        with pytest.raises(ValueError, match="truth_probabilities expected"):
            evaluation_of(pictures, boxes_given=True)
