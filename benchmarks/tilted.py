"""What turning faces upright is worth, on photos that are rotated in the plane.

    python benchmarks/tilted.py [--data VOC] [--weights model.onnx] [--angles '[0, 30, 45]']

Each photo of a VOC folder's split with one labelled face is rotated about its centre, MTCNN finds
the faces, and the classifier answers for the largest one, as the photo shows it and turned upright
by the eyes. Accuracy and mean recall are of the faces that were found, the same ones on both sides.
The claim is the accuracy upright over the accuracy as shown, at the last angle.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import _project  # noqa: F401  (first: it may run this script again in .venv)
import numpy as np
import torch
from _measure import BenchmarkConfig, Report
from numpy.typing import NDArray

from fer_det.config.command import parse_config
from fer_det.core.expression import Expression
from fer_det.errors import DatasetFormatError
from fer_det.faces.mtcnn.fast import FastMtcnn
from fer_det.imaging import affine
from fer_det.imaging.decode import load_rgb8
from fer_det.io.voc import VocFolder
from fer_det.predict.predictor import Predictor
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware
from fer_det.runtime.progress import track

GRAY = (128.0, 128.0, 128.0)
NEVER = 180.0
BATCH = 64

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Measure what turning faces upright is worth."""

    data: Path = Path("data/voc")
    """VOC folder with labelled photos of one face each."""
    split: str = "test"
    """Its split."""
    weights: Path = Path("weights/expression_small.onnx")
    """Model file of a classifier."""
    angles: tuple[float, ...] = (0, 15, 30, 45)
    """Degrees by which the photos are rotated, anticlockwise."""
    upright_above: float = 15
    """As of fer-det predict: smaller tilts are left alone."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "tilted.py", argv)
    report = Report("tilted", config, Hardware(torch.device("cpu"), "float32"))
    runner, detector = Predictor.from_checkpoint(config.weights).runner, FastMtcnn()
    photos = list(_labelled(VocFolder(config.data), config.split))
    ratio = 1.0
    for angle in config.angles:
        labels: list[Expression] = []
        answers: dict[str, list[Expression]] = {"as shown": [], "upright": []}
        for path, label in track(photos, len(photos), f"{angle:g} degrees", "photos"):
            pixels = _rotated(load_rgb8(path), angle)
            faces = detector.detect([pixels])[0]
            if not faces:
                continue
            labels.append(label)
            face = [max(faces, key=lambda each: each.box.longer_side)]
            for name, above in (("as shown", NEVER), ("upright", config.upright_above)):
                ((answer,),) = runner.classify([pixels], [face], BATCH, above)
                answers[name].append(max(answer, key=answer.__getitem__))
        if not labels:
            raise DatasetFormatError(
                f"{config.data}: no face was found at {angle:g} degrees", "photos", "see --data"
            )
        setting = f"{angle:g} degrees, {len(labels)} of {len(photos)}"
        hits = {name: _hits(of_side, labels) for name, of_side in answers.items()}
        for name, of_side in hits.items():
            report.figure(setting, f"{name}, accuracy", [float(np.mean(of_side))], "")
            recalls = [of_side[[each is one for each in labels]].mean() for one in set(labels)]
            report.figure(setting, f"{name}, mean recall", [float(np.mean(recalls))], "")
        upright, shown = (float(np.mean(hits[name])) for name in ("upright", "as shown"))
        ratio = report.ratio(setting, "upright over as shown", [upright], [shown]).median
    report.finish("ACCURACY_UPRIGHT_OVER_AS_SHOWN", ratio)
    return EXIT_OK


def _labelled(folder: VocFolder, split: str) -> list[tuple[Path, Expression]]:
    photos = []
    for image_id in folder.image_ids(split):
        labels = folder.read(image_id).labels
        if len(labels) == 1:
            photos.append((folder.image_path(image_id), Expression.from_label(labels[0])))
    return photos


def _rotated(pixels: Pixels, angle: float) -> Pixels:
    height, width = pixels.shape[:2]
    matrix = affine.rotation_matrix(angle, width, height)
    return affine.warp(pixels, matrix, width, height, GRAY) if angle else pixels


def _hits(answers: Sequence[Expression], labels: Sequence[Expression]) -> NDArray[np.bool_]:
    return np.array([answer is label for answer, label in zip(answers, labels, strict=True)])


if __name__ == "__main__":
    sys.exit(main())
