"""AP compared with pycocotools, the reference program of COCO, on random detections."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest
from fake_data.scored_pictures import random_pictures
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fer_det.evaluation.average_precision import average_precision


def pycocotools_evaluation(pictures, classes):
    """Run the reference on a data set that is built here, not by our own `to_coco`."""
    annotations, results = [], []
    for image_id, picture in enumerate(pictures, start=1):
        truth = [
            (b, [int(y)], 0) for b, y in zip(picture.truth_boxes, picture.truth_labels, strict=True)
        ]
        truth += [(b, range(1, classes + 1), 1) for b in picture.ignore_boxes]
        for (x0, y0, x1, y1), labels, crowd in truth:
            for label in labels:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": label,
                        "bbox": [x0, y0, x1 - x0, y1 - y0],
                        "area": (x1 - x0) * (y1 - y0),
                        "iscrowd": crowd,
                    }
                )
        for (x0, y0, x1, y1), score, row in zip(
            picture.boxes, picture.scores, picture.probabilities, strict=True
        ):
            label = int(np.argmax(row))
            results.append(
                {
                    "image_id": image_id,
                    "category_id": label + 1,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "score": score * row[label],
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        truth_set = COCO()
        truth_set.dataset = {
            "info": {},
            "images": [{"id": i, "width": 100, "height": 100} for i in range(1, len(pictures) + 1)],
            "annotations": annotations,
            "categories": [{"id": label, "name": str(label)} for label in range(1, classes + 1)],
        }
        truth_set.createIndex()
        evaluator = COCOeval(truth_set, truth_set.loadRes(results), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return evaluator


@pytest.mark.parametrize("seed", range(4))
def test_ap_equals_that_of_pycocotools(seed):
    # The fifth class has no labelled face; two of three pictures have faces without label.
    pictures = random_pictures([40, 25, 10, 3, 0], seed)
    assert sum(len(picture.ignore_boxes) for picture in pictures) > 20
    oracle = pycocotools_evaluation(pictures, 5)
    ours = average_precision(pictures, 5)
    # stats: AP@[.5:.95], AP@0.5; precision: IoU, recall, class, area, boxes a picture.
    assert ours.ap == pytest.approx(oracle.stats[0], abs=1e-12)
    assert ours.ap50 == pytest.approx(oracle.stats[1], abs=1e-12)
    assert 0.05 < ours.ap < ours.ap50 < 0.95
    by_class = oracle.eval["precision"][:, :, :, 0, 2].mean(axis=1)
    np.testing.assert_allclose(ours.ap_by_class[:4], by_class.mean(axis=0)[:4], atol=1e-12)
    np.testing.assert_allclose(ours.ap50_by_class[:4], by_class[0, :4], atol=1e-12)
    assert by_class[0, 4] == -1
    assert np.isnan(ours.ap50_by_class[4])


@pytest.mark.parametrize("score", [None, 1.0], ids=["few values", "exactly 1"])
def test_equal_scores_are_ranked_in_the_order_given(score):
    """pycocotools sorts stably (merge sort), so equal figures mean that ours does as well."""
    given = random_pictures([60, 50, 40], seed=7)
    pictures = [
        replace(
            picture,
            scores=np.round(picture.scores, 1) if score is None else np.ones(len(picture.boxes)),
            probabilities=np.eye(3)[picture.box_classes - 1],
        )
        for picture in given
    ]
    oracle = pycocotools_evaluation(pictures, 3)
    ours = average_precision(pictures, 3)
    by_class = oracle.eval["precision"][:, :, :, 0, 2].mean(axis=1)
    np.testing.assert_allclose(ours.ap_by_class, by_class.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(ours.ap50_by_class, by_class[0], atol=1e-12)
    # Another order has another AP, so the order is what was compared.
    other = average_precision(pictures[::-1], 3)
    assert np.abs(other.ap_by_class - ours.ap_by_class).max() > 1e-3
