"""tools/calibrate.py: fits a model's temperature on the validation split."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from fer_det.config.command import parse_config
from fer_det.config.scoring import CalibrateConfig
from fer_det.io.files import demand_writable, refuse_existing
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "calibrate.py"
SPLIT = "val"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_calibrate, argv)


def _calibrate(argv: Sequence[str] | None) -> int:
    config = parse_config(CalibrateConfig, PROG, argv)
    import numpy as np

    from fer_det.engine.run_folder import find_weights
    from fer_det.engine.scoring import find_data, open_split, score_split
    from fer_det.evaluation.calibration import (
        UNCHANGED,
        apply_temperature,
        fit_temperature,
        fit_unknown,
        measure_calibration,
    )
    from fer_det.evaluation.picture import most_probable
    from fer_det.evaluation.table import format_score
    from fer_det.runtime.device import choose_hardware
    from fer_det.runtime.memory import keep_freed_memory
    from fer_det.runtime.progress import track
    from fer_det.weights.model_file import (
        TEMPERATURE,
        UNKNOWN_BELOW,
        demand_complete,
        read_model_file,
        write_model_file,
    )

    hardware = choose_hardware(config.device, config.precision)
    keep_freed_memory()
    weights = find_weights(config.weights)
    file = read_model_file(weights)
    demand_complete(file, weights)
    out = config.out or weights.with_name(f"{weights.stem}_calibrated{weights.suffix}")
    refuse_existing(out, config.overwrite)
    demand_writable(out.parent)
    data = find_data(config.data, file)
    print(f"weights: {weights}\ndata: {data}, split {SPLIT}, {hardware.describe()}", flush=True)
    photos = open_split(file, data, SPLIT)
    scored = score_split(
        file, weights, hardware, photos, config.batch_size, config.workers, UNCHANGED
    )
    pictures = list(track(scored, len(photos), "scored", "pictures"))
    rows = [each.truth_probabilities for each in pictures if each.truth_probabilities is not None]
    probabilities = np.concatenate(rows)
    labels = np.concatenate([each.truth_labels for each in pictures])
    temperature = fit_temperature(probabilities, labels)
    calibrated = apply_temperature(probabilities, temperature)
    calibration = measure_calibration(
        calibrated,
        most_probable(probabilities) == labels,
        temperature,
    )
    info = {**file.info, TEMPERATURE: temperature}
    if config.unknown_error is not None:
        limit, error, share = fit_unknown(calibrated, labels, config.unknown_error)
        info[UNKNOWN_BELOW] = limit
        answered = f"{share:.1%} of the faces answered, {error:.1%} of them wrong"
        print(f"unknown below {limit:.3f}: {answered}")
    write_model_file(out, replace(file, info=info))
    print(
        f"temperature {temperature:.3f} (was {file.temperature:.3f}), from {len(labels)} faces; "
        f"their calibration error is {format_score(calibration.ece)}, without temperature "
        f"{format_score(calibration.ece_untempered)}"
    )
    print(f"model file: {out}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
