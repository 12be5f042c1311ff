"""The text for a terminal: that it is complete and at most 100 columns wide."""

from __future__ import annotations

import dataclasses

import pytest
from fake_data.scored_pictures import (
    CLASSES,
    one_hot,
    protocol_for,
    random_pictures,
    scored_picture,
)

from fer_det.evaluation.evaluate import evaluate
from fer_det.evaluation.scores_file import scores_to_json
from fer_det.evaluation.table import format_evaluation

FIVE = ("surprise", "happiness", "sadness", "anger", "neutral")
PICTURES = random_pictures([40, 5, 30, 90, 31, 32, 60], seed=4)
LISTED = dict(zip(CLASSES, (41, 5, 30, 95, 31, 32, 60), strict=True))
REJECTED = {"surprise": 1, "happiness": 5}


def table_of(pictures, classes=CLASSES, subsets=None, **protocol):
    conditions = protocol_for(pictures, classes, **protocol)
    evaluation = evaluate(pictures, classes, conditions, subsets, 200)
    return format_evaluation(evaluation), scores_to_json(evaluation)


def cells(table, label):
    """Return the words of the first line that starts with the label."""
    line = next(line for line in table.splitlines() if line.startswith(label))
    return line[len(label) :].split()


def test_every_figure_has_its_interval_for_each_rule():
    table, scores = table_of(PICTURES, subsets={"five": FIVE})
    rules = [scores[name] for name in ("top1", "matched", "gt_box")]
    rows = {
        "accuracy": (288, lambda s: s["accuracy"]),
        "mean recall": (288, lambda s: s["mean_recall"]),
        "mean recall over five": (288, lambda s: s["subset_mean_recall"]["five"]),
        "macro-F1": (288, lambda s: s["macro_f1"]),
        "miss rate": (288, lambda s: s["miss_rate"]),
        "surprise": (40, lambda s: s["recall"]["surprise"]),
        "neutral": (60, lambda s: s["recall"]["neutral"]),
    }
    for label, (count, pick) in rows.items():
        expected = [str(count)]
        for rule in rules:
            low, high = pick(rule["intervals"])
            expected += [f"{pick(rule):.3f}", f"[{low:.3f},", f"{high:.3f}]"]
        assert cells(table, label) == expected


def test_the_protocol_is_printed():
    table, scores = table_of(PICTURES, subsets={"five": FIVE}, dataset="wild7")
    words = " ".join(table.split())
    assert "top1 is the primary rule" in words
    assert "highest-scoring box with IoU >= 0.5" in words
    misses = sum(row[-1] for row in scores["top1"]["confusion"])
    assert f"wild7, test: 288 labelled faces in 288 pictures, {misses} missed" in words
    assert f"wild7, split test (hash {scores['protocol']['split_hash'][:12]})" in words
    assert "original photos, boxes from mtcnn, input 224 px, no temperature scaling" in words
    assert "checkpoint: best mean recall on the validation split." in words
    assert "weights 0123456789ab," in words
    assert "200 bootstrap resamples of the pictures (seed 0)" in words
    assert "five: surprise, happiness, sadness, anger, neutral." in words
    assert f"Always predicting happiness would have an accuracy of {90 / 288:.3f}." in words
    # Thirty and more are enough; fear has five.
    assert "Too few faces for a reliable interval: fear 5." in words


def test_the_confusion_and_ap_are_there_in_full():
    table, scores = table_of(PICTURES)
    lines = table.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("confusion by top1"))
    assert lines[start + 1].split() == [*CLASSES, "none"]
    for offset, (label, counts) in enumerate(
        zip(CLASSES, scores["top1"]["confusion"], strict=True)
    ):
        assert lines[start + 2 + offset].split() == [label, *map(str, counts)]
    by_class = [scores["ap"]["by_class"][label]["ap50"] for label in CLASSES]
    assert cells(table, "AP@0.5") == [f"{v:.3f}" for v in (scores["ap"]["ap50"], *by_class)]


def test_rejected_pictures_are_not_forgotten():
    table, scores = table_of(PICTURES, listed=LISTED, rejected=REJECTED)
    assert cells(table, "accuracy, all listed") == [
        "294",
        *(f"{scores[name]['accuracy_all_listed']:.3f}" for name in ("top1", "matched", "gt_box")),
    ]
    words = " ".join(table.split())
    assert "6 of 294 listed faces were not scored (6 rejected by the VOC builder)" in words
    everything, _ = table_of(PICTURES, rejected={})
    assert "All 288 listed faces were scored." in everything
    unknown, _ = table_of(PICTURES)
    assert "It is unknown how many listed faces were rejected before scoring." in unknown


def test_the_calibration_error_is_printed_with_and_without_temperature():
    table, scores = table_of(PICTURES, temperature=1.5)
    rules = [scores[name]["calibration"] for name in ("top1", "matched", "gt_box")]
    for label, name in (
        ("calibration error (ECE)", "ece"),
        ("ECE without temperature", "ece_untempered"),
    ):
        assert cells(table, label) == ["288", *(f"{each[name]:.3f}" for each in rules)]
    assert "temperature 1.50" in table
    assert "without temperature" not in table_of(PICTURES)[0]


def test_without_gt_box_the_reason_replaces_the_column():
    table, _ = table_of([dataclasses.replace(p, truth_probabilities=None) for p in PICTURES])
    assert "gt_box   not scored: the box head was not run" in table
    assert len(cells(table, "accuracy")) == 1 + 2 * 3


def test_without_labelled_faces_there_is_nothing_to_score():
    table, _ = table_of([scored_picture("z", found=[((0, 0, 9, 9), 0.9, one_hot(4))])])
    assert "There is no labelled face, so there is nothing to score." in table
    assert cells(table, "accuracy") == ["0", "-", "-"]


@pytest.mark.parametrize("count", [2, 7, 8, 11])
@pytest.mark.parametrize("long_names", [False, True])
def test_the_table_fits_a_hundred_columns(count, long_names):
    stem = "a_compound_expression_of_many_words_" if long_names else "class"
    classes = [f"{stem}{number}" for number in range(count)]
    pictures = random_pictures([3] * count, seed=1)
    table, _ = table_of(pictures, classes, subsets={"x" * 60: classes}, listed=None)
    assert max(map(len, table.splitlines())) <= 100
    assert table.isascii()
    assert all(line == line.rstrip() for line in table.splitlines())


def test_the_table_of_a_classifier_has_no_detection():
    table, scores = table_of(PICTURES, subsets={"five": FIVE}, boxes_given=True)
    lines = table.splitlines()
    assert lines[0].endswith("288 labelled faces in 288 pictures, boxes given")
    assert "The model is a classifier" in table
    for rule in ("top1", "matched"):
        assert f"  {rule:<8} not scored: a classifier detects no faces" in lines
    assert "average precision not scored: a classifier detects no faces" in lines
    assert "confusion by gt_box: truth in rows, predictions in columns" in lines
    assert "gt_box (primary)" in table
    assert "miss rate" not in table
    assert "missed" not in table
    rule = scores["gt_box"]
    low, high = rule["intervals"]["accuracy"]
    wanted = ["288", f"{rule['accuracy']:.3f}", f"[{low:.3f},", f"{high:.3f}]"]
    assert cells(table, "accuracy") == wanted
    assert f"{rule['subset_mean_recall']['five']:.3f}" in cells(table, "mean recall over five")
    assert all(len(line) <= 100 for line in lines)
