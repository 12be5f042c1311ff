"""Faces found in photos that lie on their side or upside down, with and without --any_orientation.

    python benchmarks/turned.py [--groups FOLDER]

The photos are those of benchmarks/crowds.py, turned by quarters. A face is found if a box overlaps
it as there; all other boxes are false. Times are CPU seconds, since the machine may be shared.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import _project  # noqa: F401  (first: it may run this script again in .venv)
import numpy as np
import torch
from _measure import Report
from crowds import Config, Found, load_photos
from numpy.typing import NDArray

from fer_det.config.command import parse_config
from fer_det.config.predict import FaceOptions
from fer_det.io.files import find_shipped
from fer_det.predict.predictor import Predictor
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "turned.py", argv)
    photos = load_photos(config)
    report = Report("turned", config, Hardware(torch.device("cpu"), "float32"))
    weights = config.weights or find_shipped("weights/expression_small.onnx")
    assert weights is not None
    least = 1.0
    for tries in (False, True):
        options = FaceOptions(any_orientation=tries)
        predictor = Predictor.from_checkpoint(weights, options=options)
        for quarters in range(4):
            found, began = [], time.process_time()
            for photo in photos:
                lying = np.ascontiguousarray(np.rot90(photo.pixels, quarters))
                boxes = turned_boxes(photo.boxes, quarters, *photo.pixels.shape[1::-1])
                faces = [(face.box, face.score) for face in predictor(lying)]
                found.append(Found.of(faces, boxes))
            seconds = (time.process_time() - began) / len(photos)
            total = sum(each.faces for each in found)
            share = sum(len(each.hits) for each in found) / total
            others = sum(len(each.others) for each in found) / len(photos)
            setting = f"{90 * quarters} degrees" + ", any orientation" * tries
            report.figure(setting, "found", [share], f"of {total}")
            report.figure(setting, "others", [others], "a picture")
            report.figure(setting, "CPU", [seconds], "s a picture")
            least = min(least, share) if tries else least
    report.finish("LEAST_FOUND_IN_ANY_ORIENTATION", least)
    return EXIT_OK


def turned_boxes(
    boxes: NDArray[np.float64], quarters: int, width: int, height: int
) -> NDArray[np.float64]:
    """Boxes [N, 4] of a picture of that size, seen in its np.rot90 by `quarters`."""
    for _ in range(quarters):
        left, top, right, bottom = boxes.T
        boxes = np.stack([top, width - right, bottom, width - left], axis=1)
        width, height = height, width
    return boxes


if __name__ == "__main__":
    sys.exit(main())
