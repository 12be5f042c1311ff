"""Average precision (AP) by COCO's definition: localisation and expression scored together.

A box counts once, as its most probable expression c, with score P(face) x P(c). A face without
label is a crowd region of every class: a box with half its area on one is neither correct nor
wrong, unless it also matches a labelled face of its class. As in COCO: 101 recall points, at most
100 boxes per class and picture, and the mean over the classes that have faces.

Boxes of equal score are ranked in the order given: by picture, and within a picture in the
detector's order. COCO's evaluation sorts stably, so no other order can occur.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.evaluation.picture import FloatArray, ScoredPicture

MAX_BOXES = 100
RECALL_POINTS = 101

_ANY_AREA = [0.0, 1e10]


@dataclass(frozen=True, eq=False)
class AveragePrecision:
    """AP of C classes, 0..1; NaN for a class without labelled faces."""

    ap50_by_class: NDArray[np.float64]
    """[C], at IoU 0.5."""
    ap_by_class: NDArray[np.float64]
    """[C], the mean over IoU 0.5, 0.55, ... 0.95."""
    precision50: NDArray[np.float64]
    """[101, C], precision at recall 0, 0.01, ... 1 and IoU 0.5; its mean is AP@0.5."""

    @property
    def ap50(self) -> float:
        """Mean of `ap50_by_class` over the classes that have faces."""
        return _nan_mean(self.ap50_by_class)

    @property
    def ap(self) -> float:
        """Mean of `ap_by_class` over the classes that have faces."""
        return _nan_mean(self.ap_by_class)


def average_precision(pictures: Sequence[ScoredPicture], classes: int) -> AveragePrecision:
    """Compute AP@0.5 and AP@[.5:.95] of each class 1..classes over all pictures."""
    truth, results = to_coco(pictures, classes)
    if not results:
        # Older versions of the evaluator fail on an empty list of results.
        present = np.isin(
            np.arange(1, classes + 1), [label for p in pictures for label in p.truth_labels]
        )
        zero = np.where(present, 0.0, np.nan)
        return AveragePrecision(zero, zero, np.tile(zero, (RECALL_POINTS, 1)))
    precision = _coco_precision(truth, results)
    precision = np.where(precision > -1, precision, np.nan)
    by_class_and_iou = precision.mean(axis=1)
    return AveragePrecision(by_class_and_iou[0], by_class_and_iou.mean(axis=0), precision[0])


def to_coco(
    pictures: Sequence[ScoredPicture], classes: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Convert the labelled faces to a COCO data set, and the detections to COCO results."""
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, start=1):
        for annotation in _annotations_of(picture, classes):
            annotations.append({"id": len(annotations) + 1, "image_id": number, **annotation})
        for result in _results_of(picture):
            results.append({"image_id": number, **result})
    images = [
        {"id": number, "width": picture.width, "height": picture.height}
        for number, picture in enumerate(pictures, start=1)
    ]
    categories = [{"id": label, "name": str(label)} for label in range(1, classes + 1)]
    return {"images": images, "annotations": annotations, "categories": categories}, results


def _annotations_of(picture: ScoredPicture, classes: int) -> Iterator[dict[str, Any]]:
    for box, label in zip(_to_xywh(picture.truth_boxes), picture.truth_labels, strict=True):
        yield {"category_id": int(label), "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
    for box in _to_xywh(picture.ignore_boxes):
        for label in range(1, classes + 1):
            yield {"category_id": label, "bbox": box, "area": box[2] * box[3], "iscrowd": 1}


def _results_of(picture: ScoredPicture) -> Iterator[dict[str, Any]]:
    labels = picture.box_classes
    scores = np.asarray(picture.scores, np.float64) * picture.probabilities.max(axis=1)
    for box, label, score in zip(_to_xywh(picture.boxes), labels, scores, strict=True):
        yield {"category_id": int(label), "bbox": box, "score": float(score)}


def _coco_precision(truth: dict[str, Any], results: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Return [10 IoU thresholds, 101 recall points, C]; -1 for a class without faces."""
    # Imported here since it imports OpenCV, which reading scores.json does not need.
    from faster_coco_eval import COCO, COCOeval_faster

    ground_truth = COCO(truth, print_function=_ignore)
    evaluator = COCOeval_faster(
        ground_truth, ground_truth.loadRes(results), iouType="bbox", print_function=_ignore
    )
    evaluator.params.areaRng, evaluator.params.areaRngLbl = [_ANY_AREA], ["all"]
    evaluator.params.maxDets = [MAX_BOXES]
    evaluator.evaluate()
    evaluator.accumulate()
    return np.asarray(evaluator.eval["precision"], np.float64)[:, :, :, 0, 0]


def _to_xywh(boxes: FloatArray) -> list[list[float]]:
    edges = np.asarray(boxes, np.float64)
    rows: list[list[float]] = np.hstack([edges[:, :2], edges[:, 2:] - edges[:, :2]]).tolist()
    return rows


def _nan_mean(values: NDArray[np.float64]) -> float:
    numbers = values[~np.isnan(values)]
    return float(numbers.mean()) if len(numbers) else float("nan")


def _ignore(*_text: object) -> None:
    """Print nothing: standard output belongs to the caller."""
