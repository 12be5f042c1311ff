"""The command folds: trains and scores a model for each fold, and sums the scores up."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_det.cli import main as commands
from fer_det.cli.machine import settings_for_machine
from fer_det.config.classifier import TrainClassifierConfig
from fer_det.config.command import parse_config
from fer_det.config.folds import FoldsConfig
from fer_det.config.training import RunConfig, TrainConfig
from fer_det.errors import ConfigError
from fer_det.models import config_chooser
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "folds.py"
SUMMARY, PLAN = "folds.json", "plan.json"
_CONFIGS: dict[str, type[RunConfig]] = {
    "classifier": TrainClassifierConfig,
    "detector": TrainConfig,
}
_WITHOUT_GPU = {"classifier": "small_cpu_classifier", "detector": "small_cpu"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_folds, argv)


def _folds(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    cut = words.index("--") if "--" in words else len(words)
    config = parse_config(FoldsConfig, PROG, words[:cut])
    training = words[cut + 1 :]
    settings = _read_training(config, training)
    from fer_det.evaluation.folds import format_folds, plan_folds, sum_up, write_fold
    from fer_det.evaluation.scores_file import SCORES, read_scores
    from fer_det.io.files import make_folder, write_text
    from fer_det.io.voc import VocFolder

    source = VocFolder(config.data)
    plan = plan_folds(source, config.protocol, config.val_fraction)
    make_folder(config.out)
    _hold_to_plan(config, {"training": training, "trainer": config.trainer, "data": plan.hash()})
    for number, fold in enumerate(plan.folds, start=1):
        folder = config.out / fold.name
        if (folder / SCORES).is_file():
            print(f"{fold.name} ({number} of {len(plan.folds)}) is done")
            continue
        counts = ", ".join(f"{len(own)} {split}" for split, own in fold.persons.items())
        print(f"{fold.name} ({number} of {len(plan.folds)}), persons: {counts}", flush=True)
        write_fold(folder / "voc", source, plan, fold)
        code = _train_and_score(config, training, settings, folder)
        if code != EXIT_OK:
            return code
    results = [read_scores(config.out / fold.name / SCORES) for fold in plan.folds]
    summary = sum_up(plan, results, config.resamples)
    write_text(config.out / SUMMARY, json.dumps(summary, indent=1) + "\n")
    print(f"\n{format_folds(summary)}\nfigures: {config.out / SUMMARY}")
    return EXIT_OK


def _read_training(config: FoldsConfig, training: Sequence[str]) -> RunConfig:
    """The training command's settings, so that a wrong flag is found before anything is written."""
    for name in ("--data", "--out"):
        if any(word.split("=")[0] == name for word in training):
            raise ConfigError(f"{name} behind --", f"{name} before it", "move the flag")
    kind, config_class = config.trainer, _CONFIGS[config.trainer]
    words, _ = settings_for_machine([*training, f"--data={config.data}"], _WITHOUT_GPU[kind])
    read: RunConfig = parse_config(config_class, PROG, words, {"model": config_chooser(kind)})
    return read


def _hold_to_plan(config: FoldsConfig, plan: dict[str, Any]) -> None:
    """Write plan.json, or raise ConfigError where the folder holds the folds of another plan."""
    from fer_det.io.files import write_text

    path = config.out / PLAN
    if path.is_file() and not config.overwrite:
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            before = {}
        changed = [name for name, value in plan.items() if before.get(name) != value]
        if changed:
            raise ConfigError(
                f"{config.out} holds folds with other {changed[0]}",
                "the same flags and data to go on",
                "choose another --out, or --overwrite to start again",
            )
        return
    for folder in config.out.glob("fold-*"):
        shutil.rmtree(folder)
    (config.out / SUMMARY).unlink(missing_ok=True)
    write_text(path, json.dumps(plan, indent=1) + "\n")


def _train_and_score(
    config: FoldsConfig, training: Sequence[str], settings: RunConfig, folder: Path
) -> int:
    """Run the training and the scoring command on a fold -> the exit code."""
    run, data = folder / "run", f"--data={folder / 'voc'}"
    command = "train-classifier" if config.trainer == "classifier" else "train"
    code = commands.run(command, [*training, data, f"--out={run}"])
    if code != EXIT_OK:
        return code
    same = ("device", "precision", "workers", "batch_size")
    flags = [f"--{name}={getattr(settings, name)}" for name in same]
    weights = f"--weights={run / 'best.pth'}"
    return commands.run("eval", [weights, data, f"--out={folder}", *flags])


if __name__ == "__main__":
    sys.exit(main())
