"""ScoredPictures without a detector: written by hand, or random with some errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_det.evaluation.picture import ScoredPicture
from fer_det.evaluation.protocol import Protocol, hash_pictures

CLASSES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")


def one_hot(label: int, classes: int = 7, confidence: float = 1.0) -> list[float]:
    """Return probabilities: `confidence` for `label` (1..classes), the rest spread evenly."""
    rest = (1 - confidence) / (classes - 1)
    return [confidence if place == label else rest for place in range(1, classes + 1)]


def scored_picture(
    image_id: str = "a",
    truth: Sequence[tuple[Sequence[float], int]] = (),
    found: Sequence[tuple[Sequence[float], float, Sequence[float]]] = (),
    ignore: Sequence[Sequence[float]] = (),
    gt_box: Sequence[Sequence[float]] | None = None,
    classes: int = 7,
) -> ScoredPicture:
    """Return a picture of 100 x 100; truth: (box, label); found: (box, score, probabilities)."""
    return ScoredPicture(
        image_id=image_id,
        width=100,
        height=100,
        truth_boxes=np.array([box for box, _ in truth], np.float64).reshape(-1, 4),
        truth_labels=np.array([label for _, label in truth], np.int64),
        ignore_boxes=np.array(ignore, np.float64).reshape(-1, 4),
        boxes=np.array([box for box, _, _ in found], np.float64).reshape(-1, 4),
        scores=np.array([score for _, score, _ in found], np.float64),
        probabilities=np.array([row for _, _, row in found], np.float64).reshape(-1, classes),
        truth_probabilities=None
        if gt_box is None
        else np.array(gt_box, np.float64).reshape(-1, classes),
    )


def protocol_for(
    pictures: Sequence[ScoredPicture], classes: Sequence[str] = CLASSES, **changes: object
) -> Protocol:
    """Return a scoring protocol with the split hash of the pictures."""
    fields: dict[str, object] = {
        "dataset": "made",
        "split": "test",
        "split_hash": hash_pictures(pictures, classes),
        "image_variant": "original photos",
        "box_source": "mtcnn",
        "checkpoint_rule": "best mean recall on the validation split",
        "weights_sha256": "0123456789abcdef" * 4,
        "input_size": 224,
    }
    return Protocol(**{**fields, **changes})  # type: ignore[arg-type]


def random_pictures(
    n_by_class: Sequence[int], seed: int, margin: float = 2.0, with_gt_box: bool = True
) -> list[ScoredPicture]:
    """Return pictures with one labelled face, up to two without label, and up to four detections.

    margin: added to the logit of the true class; the logits have unit noise.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(1, len(n_by_class) + 1), n_by_class))
    return [
        _random_picture(f"p{number:05d}", int(label), len(n_by_class), rng, margin, with_gt_box)
        for number, label in enumerate(labels)
    ]


def _random_picture(
    image_id: str,
    label: int,
    classes: int,
    rng: np.random.Generator,
    margin: float,
    with_gt_box: bool,
) -> ScoredPicture:
    truth = _random_boxes(rng, 1)
    ignore = _random_boxes(rng, int(rng.integers(0, 3)))
    near = np.vstack([truth, ignore])[: int(rng.integers(0, 4))]
    boxes = np.vstack([near + rng.normal(0, 2, near.shape), _random_boxes(rng, rng.integers(0, 2))])
    logits = rng.normal(size=(len(boxes) + 1, classes))
    logits[:, label - 1] += margin
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    return ScoredPicture(
        image_id=image_id,
        width=100,
        height=100,
        truth_boxes=truth,
        truth_labels=np.array([label]),
        ignore_boxes=ignore,
        boxes=boxes,
        # Two decimals, so that some scores are equal.
        scores=np.round(rng.random(len(boxes)), 2),
        probabilities=shares[:-1],
        truth_probabilities=shares[-1:] if with_gt_box else None,
    )


def _random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner, side = rng.uniform(0, 50, (count, 2)), rng.uniform(20, 45, (count, 2))
    return np.hstack([corner, corner + side])
