"""tools/calibrate.py: fits a model's temperature on the validation split."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from fer_det.config.command import EXIT_OK, parse_config, run_command
from fer_det.config.scoring import CalibrateConfig
from fer_det.runtime.memory import keep_freed_memory

PROG = "calibrate.py"
SPLIT = "val"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_calibrate, argv)


def _calibrate(argv: Sequence[str] | None) -> int:
    config = parse_config(CalibrateConfig, PROG, argv)
    from fer_det.engine.run_folder import find_weights
    from fer_det.engine.scoring import find_data, open_split, score_split
    from fer_det.engine.tasks import temperature_of
    from fer_det.evaluation.answers import face_records
    from fer_det.evaluation.calibration import calibrate
    from fer_det.evaluation.temperature import UNCHANGED
    from fer_det.runtime.device import choose_hardware
    from fer_det.runtime.progress import track
    from fer_det.weights.model_file import TEMPERATURE, read_model_file, write_model_file

    hardware = choose_hardware(config.device, config.precision)
    keep_freed_memory()
    weights = find_weights(config.weights)
    file = read_model_file(weights)
    data = find_data(config.data, file)
    print(f"weights: {weights}\ndata: {data}, split {SPLIT}, {hardware.describe()}", flush=True)
    photos = open_split(file, data, SPLIT)
    scored = score_split(
        file, weights, hardware, photos, config.batch_size, config.workers, UNCHANGED
    )
    pictures = list(track(scored, len(photos), "scored", "pictures"))
    records = list(face_records(pictures, file.classes, ["gt_box"]))
    temperature = temperature_of(
        [
            (int(label), row)
            for picture in pictures
            if picture.truth_probabilities is not None
            for label, row in zip(picture.truth_labels, picture.truth_probabilities, strict=True)
        ]
    )
    error = calibrate(records, "gt_box").ece
    out = config.out or weights.with_name(f"{weights.stem}_calibrated{weights.suffix}")
    write_model_file(out, replace(file, info={**file.info, TEMPERATURE: temperature}))
    print(
        f"temperature {temperature:.3f} (was {file.temperature:.3f}), from {len(records)} faces "
        f"with calibration error {error:.3f} at temperature 1"
    )
    print(f"model file: {out}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
