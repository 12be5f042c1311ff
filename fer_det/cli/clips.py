"""`fer-det clips`: scores ways to tell the expression of a clip from its frames."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from fer_det.config.clips import ClipsConfig
from fer_det.config.command import parse_config
from fer_det.config.model import ClassifierModelConfig
from fer_det.config.training import AugmentConfig
from fer_det.errors import WeightsError
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "clips.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_score, argv)


def _score(argv: Sequence[str] | None) -> int:
    config = parse_config(ClipsConfig, PROG, argv)
    from fer_det.clips.joint import JointTraining
    from fer_det.clips.scores import Figure, score_clips
    from fer_det.clips.sequences import NEUTRAL, gather_clips
    from fer_det.data.augment import Augmentation
    from fer_det.data.face_crops import FaceCrops
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
    if config.joint and not isinstance(file.config, ClassifierModelConfig):
        raise WeightsError(
            f"--joint true with the detector {weights}",
            "a classifier, which sees each face alone",
            "name another file, or leave --joint out",
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
    photos = open_split(file, config.data, folder.splits())
    answers = score_split(
        file, weights, hardware, photos, config.batch_size, config.workers, file.temperature
    )
    scored = {
        picture.image_id: picture for picture in track(answers, len(photos), "scored", "pictures")
    }
    clips, left_out = gather_clips(
        plan.rows, plan.person_of, scored, file.classes, folder.home, config.peaks
    )
    neutral = file.classes.index(NEUTRAL)
    frames = sum(len(clip.numbers) for clip in clips)
    folds = len({fold_of[clip.person] for clip in clips})
    print(
        f"{len(clips):,} clips of {len({clip.person for clip in clips}):,} persons, "
        f"{frames:,} frames, {folds} folds; {left_out} left out, whose frames disagree"
    )
    refine = None
    if isinstance(file.config, ClassifierModelConfig) and config.joint:
        crops = FaceCrops(photos, file.config.face_margin, Augmentation(AugmentConfig()))
        refine = JointTraining(file, hardware, crops, config)
    scores, peaks = score_clips(
        clips, fold_of, neutral, config.top, config.epochs, config.seed, config.resamples, refine
    )

    def words(figure: Figure) -> str:
        low, high = figure.interval
        folds = f"{figure.folds_mean:.3f} +- {figure.folds_deviation:.3f}"
        return f"{figure.value:.3f} [{low:.3f}, {high:.3f}]  {folds}"

    print(f"{'':<10} {'accuracy (WAR), 95 %, folds':<38} mean recall (UAR), 95 %, folds")
    for each in scores:
        print(f"{each.name:<10} {words(each.accuracy):<38} {words(each.mean_recall)}")
    for peak in peaks:
        print(
            f"peak by {peak.name}: {peak.error:.2f} frames from the last on average, the last "
            f"itself in {peak.exact:.1%} of {peak.clips:,} clips; {peak.order:.1%} of pairs in "
            "order"
        )
    if config.out is not None:
        found = {
            "clips": len(clips),
            "left_out": left_out,
            "scores": [asdict(each) for each in scores],
            "peaks": [asdict(each) for each in peaks],
        }
        write_bytes(config.out, (json.dumps(found, indent=1) + "\n").encode())
        print(f"written: {config.out}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
