"""Faces found in photos that lie on their side or upside down, with and without --rotate auto.

    python benchmarks/turned.py [--groups FOLDER]

The photos are those of benchmarks/crowds.py, turned by quarters. A face is found if a box overlaps
it as there; all other boxes are false. Times are CPU seconds, since the machine may be shared.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import _project  # noqa: F401  (first: it may run this script again in .venv)
import torch
from _measure import Report
from crowds import Config, count_found, load_photos

from fer_det.config.command import parse_config
from fer_det.config.predict import FaceOptions
from fer_det.io.files import find_shipped
from fer_det.predict.predictor import Predictor
from fer_det.predict.turns import turn, turn_back
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware

MODES = ("never", "auto")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "turned.py", argv)
    photos = load_photos(config)
    total = sum(len(photo.boxes) for photo in photos)
    report = Report("turned", config, Hardware(torch.device("cpu"), "float32"))
    weights = config.weights or find_shipped("weights/expression_small.onnx")
    assert weights is not None
    least = 1.0
    for mode in MODES:
        options = FaceOptions(rotate="auto" if mode == "auto" else "never")
        predictor = Predictor.from_checkpoint(weights, options=options)
        for quarters in range(4):
            counts, began = [], time.process_time()
            for photo in photos:
                height, width = photo.pixels.shape[:2]
                faces = predictor(turn(photo.pixels, quarters))
                upright = turn_back(faces, quarters, width, height)
                counts.append(count_found([(f.box, f.score) for f in upright], photo.boxes))
            seconds = (time.process_time() - began) / len(photos)
            hits, others = (sum(column) for column in zip(*counts, strict=True))
            setting = f"{90 * quarters} degrees, --rotate {mode}"
            report.figure(setting, "found", [hits / total], f"of {total}")
            report.figure(setting, "others", [others / len(photos)], "a picture")
            report.figure(setting, "CPU", [seconds], "s a picture")
            least = min(least, hits / total) if mode == "auto" else least
    report.finish("LEAST_FOUND_WITH_ROTATE_AUTO", least)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
