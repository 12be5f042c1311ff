from __future__ import annotations

import numpy as np
import pytest
from fake_data.scored_pictures import CLASSES, one_hot, protocol_for, scored_picture

from fer_det.core.label import COMPOUNDS, compound_of
from fer_det.errors import ConfigError
from fer_det.evaluation.evaluate import evaluate
from fer_det.evaluation.label_map import LABEL_MAPS
from fer_det.evaluation.table import format_evaluation

BOX, OTHER = (0.0, 0.0, 40.0, 40.0), (50.0, 0.0, 90.0, 40.0)
THREE = LABEL_MAPS["three"].restrict(CLASSES)
EIGHT = (*CLASSES, "contempt")


def test_probabilities_are_added_up() -> None:
    # Sadness is the most probable expression, the positive ones together are more probable.
    row = [0.25, 0.0, 0.0, 0.2, 0.4, 0.0, 0.15]
    picture = scored_picture("a", [(BOX, 4), (OTHER, 6)], [(BOX, 0.9, row)], gt_box=[row, row])
    (mapped,) = THREE.apply([picture], CLASSES)
    assert list(THREE.members) == ["positive", "negative", "neutral"]
    np.testing.assert_allclose(mapped.probabilities, [[0.45, 0.4, 0.15]])
    np.testing.assert_allclose(mapped.truth_probabilities, [[0.45, 0.4, 0.15]] * 2)
    assert mapped.truth_labels.tolist() == [1, 2]
    assert mapped.box_classes.tolist() == [1]
    assert mapped.scores.tolist() == [0.9]


def test_every_expression_has_its_class() -> None:
    pictures = [
        scored_picture(f"p{each}", [(BOX, each)], gt_box=[one_hot(each)])
        for each in (1, 2, 3, 4, 5, 6, 7)
    ]
    labels = [each.truth_labels.tolist() for each in THREE.apply(pictures, CLASSES)]
    # surprise, fear, disgust, happiness, sadness, anger, neutral
    assert labels == [[1], [2], [2], [1], [2], [2], [3]]


def test_a_class_that_is_left_out() -> None:
    seven = LABEL_MAPS["seven"].restrict(EIGHT)
    row = [0.2, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.5]
    lost = one_hot(8, 8)
    picture = scored_picture(
        "a",
        [(BOX, 8), (OTHER, 4)],
        [(BOX, 0.9, row), (BOX, 0.8, lost)],
        gt_box=[lost, row],
        classes=8,
    )
    (mapped,) = seven.apply([picture], EIGHT)
    np.testing.assert_allclose(mapped.probabilities[0], [0.4, 0, 0, 0.6, 0, 0, 0])
    np.testing.assert_allclose(mapped.probabilities[1], [1 / 7] * 7)
    assert mapped.truth_labels.tolist() == [4]
    np.testing.assert_allclose(mapped.truth_boxes, [OTHER])
    assert mapped.truth_probabilities is not None
    np.testing.assert_allclose(mapped.truth_probabilities, [[0.4, 0, 0, 0.6, 0, 0, 0]])
    # The face of contempt is neither correct nor wrong.
    np.testing.assert_allclose(mapped.ignore_boxes, [BOX])
    assert seven.describe(EIGHT).endswith("neutral; contempt left out")


def test_counts_and_description() -> None:
    counts = {"surprise": 1, "happiness": 2, "sadness": 4, "contempt": 8}
    assert THREE.sum_counts(counts) == {"positive": 3, "negative": 4, "neutral": 0}
    assert THREE.describe(CLASSES) == (
        "three: positive = happiness + surprise, negative = fear + disgust + sadness + anger,"
        " neutral"
    )


def test_compounds_share_expressions() -> None:
    compound = LABEL_MAPS["compound"].restrict(CLASSES)
    labels = list(compound.members)
    assert len(labels) == 11
    # surprise, fear, disgust, happiness, sadness, anger, neutral
    row = [0.3, 0.05, 0.0, 0.35, 0.1, 0.1, 0.1]
    picture = scored_picture("a", [(BOX, 1), (OTHER, 4)], [], gt_box=[row, row])
    (mapped,) = compound.apply([picture], CLASSES, {"a": ["happily_surprised", None]})
    assert mapped.truth_probabilities is not None
    found = dict(zip(labels, mapped.truth_probabilities[0].tolist(), strict=True))
    assert max(found, key=found.__getitem__) == "happily_surprised"
    assert sum(found.values()) == pytest.approx(1)
    assert found["happily_surprised"] / found["sadly_angry"] == pytest.approx(0.65 / 0.2)
    assert [labels[number - 1] for number in mapped.truth_labels] == ["happily_surprised"]
    # The face that shows no compound is neither correct nor wrong.
    np.testing.assert_allclose(mapped.ignore_boxes, [OTHER])
    assert "neutral left out" in compound.describe(CLASSES)


def test_a_soft_label_of_two_expressions_is_a_compound() -> None:
    assert compound_of({"surprise": 0.5, "happiness": 0.5, "fear": 0.0}) == "happily_surprised"
    assert compound_of({"happiness": 1.0}) is None
    assert compound_of({"happiness": 0.5, "sadness": 0.5}) is None
    pairs = {frozenset(pair) for pair in COMPOUNDS.values()}
    assert len(pairs) == 11


def test_a_model_of_fewer_classes() -> None:
    few = LABEL_MAPS["three"].restrict(("happiness", "anger"))
    assert few.members == {"positive": ("happiness",), "negative": ("anger",)}
    with pytest.raises(ConfigError, match="label_map three for a model of smile"):
        LABEL_MAPS["three"].restrict(("smile",))


def test_scores_state_the_map_and_differ_from_those_of_seven() -> None:
    # Happiness taken for surprise is an error of seven classes, not of three.
    pictures = [
        scored_picture("a", [(BOX, 4)], [(BOX, 0.9, one_hot(1))], gt_box=[one_hot(1)]),
        scored_picture("b", [(BOX, 5)], [(BOX, 0.9, one_hot(7))], gt_box=[one_hot(7)]),
    ]
    mapped = THREE.apply(pictures, CLASSES)
    classes = tuple(THREE.members)
    protocol = protocol_for(mapped, classes, label_map=THREE.describe(CLASSES), temperature=1.3)
    seven = evaluate(pictures, CLASSES, protocol_for(pictures), resamples=10)
    three = evaluate(mapped, classes, protocol, resamples=10)
    assert float(seven.rules["top1"].scores.accuracy) == 0
    assert float(three.rules["top1"].scores.accuracy) == 0.5
    assert three.n_by_class == {"positive": 1, "negative": 1, "neutral": 0}
    # A temperature cannot be taken back from sums.
    assert three.rules["top1"].calibration.ece_untempered is None
    assert "Label map three: positive = happiness + surprise" in format_evaluation(three)
    assert "Label map" not in format_evaluation(seven)
