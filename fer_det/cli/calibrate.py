"""tools/calibrate.py: a checkpoint in, the same one with a temperature of its own out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fer_det.config.command import parse_config
from fer_det.config.scoring import CalibrateConfig
from fer_det.engine.run_folder import find_weights
from fer_det.engine.split_answers import find_data, split_answers, split_as_seen_by
from fer_det.evaluation.calibration import (
    UNCHANGED,
    apply_temperature,
    fit_temperature,
    measure_calibration,
)
from fer_det.evaluation.picture import most_probable
from fer_det.evaluation.table import format_score
from fer_det.io.files import make_folder
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import choose_hardware, keep_freed_memory
from fer_det.runtime.progress import track
from fer_det.weights.checkpoint import TEMPERATURE, load_checkpoint, save_checkpoint

PROG = "calibrate.py"
SPLIT = "val"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_calibrate, argv)


def _calibrate(argv: Sequence[str] | None) -> int:
    config = parse_config(CalibrateConfig, PROG, argv)
    hardware = choose_hardware(config.device, config.precision)
    keep_freed_memory()
    weights = find_weights(config.weights)
    checkpoint = load_checkpoint(weights)
    data = find_data(config.data, checkpoint)
    print(f"weights: {weights}\ndata: {data}, split {SPLIT}, {hardware.describe()}", flush=True)
    photos = split_as_seen_by(checkpoint, data, SPLIT)
    answers = split_answers(
        checkpoint, weights, hardware, photos, config.batch_size, config.workers, UNCHANGED
    )
    pictures = list(track(answers, len(photos), "scored", "pictures"))
    rows = [each.truth_probabilities for each in pictures if each.truth_probabilities is not None]
    probabilities = np.concatenate(rows)
    labels = np.concatenate([each.truth_labels for each in pictures])
    temperature = fit_temperature(probabilities, labels)
    calibration = measure_calibration(
        apply_temperature(probabilities, temperature),
        most_probable(probabilities) == labels,
        temperature,
    )
    out = config.out or weights.with_name(f"{weights.stem}_calibrated{weights.suffix}")
    make_folder(out.parent)
    info = {**checkpoint.info, TEMPERATURE: temperature}
    save_checkpoint(out, replace(checkpoint, info=info))
    print(
        f"temperature {temperature:.3f} (was {checkpoint.temperature:.3f}), from {len(labels)} "
        f"faces; their calibration error is {format_score(calibration.ece)}, without temperature "
        f"{format_score(calibration.ece_untempered)}"
    )
    print(f"checkpoint: {out}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
