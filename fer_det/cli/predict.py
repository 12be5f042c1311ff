"""tools/predict.py: a checkpoint and a picture in, its faces told and drawn."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_det.command import EXIT_OK, parse_config, run_command
from fer_det.config import PredictConfig
from fer_det.files import write_bytes
from fer_det.image import encode_jpeg, load_rgb8
from fer_det.inference.drawing import draw_detections
from fer_det.inference.predictor import Predictor
from fer_det.runs import find_weights

PROG = "predict.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_predict, argv)


def _predict(argv: Sequence[str] | None) -> int:
    config = parse_config(PredictConfig, PROG, argv)
    pixels = load_rgb8(config.picture)
    faces = Predictor.from_checkpoint(find_weights(config.weights))(pixels, config.min_score)
    for face in faces:
        edges = ", ".join(f"{edge:.0f}" for edge in face.box.as_tuple())
        probability = face.probabilities[face.expression]
        print(f"{face.expression} {probability:.2f}, face {face.score:.2f} at ({edges})")
    if not faces:
        print(f"{config.picture}: no face was found")
    write_bytes(config.out, encode_jpeg(draw_detections(pixels, faces)))
    print(f"drawn: {config.out}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
