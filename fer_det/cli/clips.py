"""`fer-det clips`: scores ways to tell the expression of a clip from its frames."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from fer_det.config.clips import ClipsConfig
from fer_det.config.command import parse_config
from fer_det.errors import WeightsError
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "clips.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_score, argv)


def _score(argv: Sequence[str] | None) -> int:
    config = parse_config(ClipsConfig, PROG, argv)
    from fer_det.clips.scores import Figure, score_aggregations, score_peaks
    from fer_det.clips.sequences import NEUTRAL, gather_clips
    from fer_det.engine.run_folder import find_weights
    from fer_det.engine.scoring import open_split, score_split
    from fer_det.evaluation.folds import plan_folds
    from fer_det.io.files import demand_writable, refuse_existing, write_bytes
    from fer_det.io.voc import VocFolder
    from fer_det.runtime.device import choose_hardware
    from fer_det.runtime.memory import keep_freed_memory
    from fer_det.runtime.progress import track
    from fer_det.weights.model_file import demand_complete, read_model_file

    hardware = choose_hardware(config.device, config.precision)
    keep_freed_memory()
    weights = find_weights(config.weights)
    file = read_model_file(weights)
    demand_complete(file, weights)
    if NEUTRAL not in file.classes:
        raise WeightsError(
            f"{weights} without the class {NEUTRAL}", "a model that knows it", "name another model"
        )
    if config.out is not None:
        refuse_existing(config.out, config.overwrite)
        demand_writable(config.out.parent)
    folder = VocFolder(config.data)
    plan = plan_folds(folder, config.protocol, val_fraction=0.1)
    fold_of = {
        person: number for number, fold in enumerate(plan.folds) for person in fold.persons["test"]
    }
    print(f"weights: {weights}\ndata: {config.data}, {hardware.describe()}", flush=True)
    scored = {}
    for split in folder.splits():
        photos = open_split(file, config.data, split)
        answers = score_split(
            file,
            weights,
            hardware,
            photos,
            config.batch_size,
            config.workers,
            file.temperature,
        )
        for picture in track(answers, len(photos), f"scored, {split}", "pictures"):
            scored[picture.image_id] = picture
    clips, left_out = gather_clips(plan.rows, plan.person_of, scored, file.classes, folder.home)
    neutral = file.classes.index(NEUTRAL)
    frames = sum(len(clip.numbers) for clip in clips)
    folds = len({fold_of[clip.person] for clip in clips})
    print(
        f"{len(clips):,} clips of {len({clip.person for clip in clips}):,} persons, "
        f"{frames:,} frames, {folds} folds; {left_out} left out, whose frames disagree"
    )
    scores = score_aggregations(
        clips, fold_of, neutral, config.top, config.epochs, config.seed, config.resamples
    )

    def words(figure: Figure) -> str:
        low, high = figure.interval
        folds = f"{figure.folds_mean:.3f} +- {figure.folds_deviation:.3f}"
        return f"{figure.value:.3f} [{low:.3f}, {high:.3f}]  {folds}"

    print(f"{'':<10} {'accuracy (WAR), 95 %, folds':<38} mean recall (UAR), 95 %, folds")
    for each in scores:
        print(f"{each.name:<10} {words(each.accuracy):<38} {words(each.mean_recall)}")
    peaks = score_peaks(clips, neutral) if config.peaks else None
    if peaks is not None:
        print(
            f"peak: {peaks.error:.2f} frames from the last on average, the last itself in "
            f"{peaks.exact:.1%} of {peaks.clips:,} clips; {peaks.order:.1%} of pairs in order"
        )
    if config.out is not None:
        found = {
            "clips": len(clips),
            "left_out": left_out,
            "scores": [asdict(each) for each in scores],
            "peaks": None if peaks is None else asdict(peaks),
        }
        write_bytes(config.out, (json.dumps(found, indent=1) + "\n").encode())
        print(f"written: {config.out}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
