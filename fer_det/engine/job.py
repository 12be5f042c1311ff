"""A training from its run folder to its end: resumed or new, initialised, trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from fer_det.config.model import ModelConfig, to_plain
from fer_det.config.training import AUTO, NONE, RunConfig
from fer_det.data.loader import PictureDataset, make_loader
from fer_det.data.sampler import Draw
from fer_det.engine.run_folder import RUNS, hold_run, is_held, newest_run_folder
from fer_det.engine.scoring import to_unit_range
from fer_det.engine.tasks import Task
from fer_det.engine.trainer import BEST, LAST, Position, Trainer
from fer_det.errors import ConfigError, WeightsError
from fer_det.io.files import claim_folder, find_shipped, make_folder, sweep_temporaries
from fer_det.models.contract import FaceModel
from fer_det.runtime.device import Hardware, choose_hardware
from fer_det.runtime.distributed import Processes
from fer_det.weights.model_file import DATASETS, ModelFile, read_model_file

FREE_TO_CHANGE = (
    "data",
    "device",
    "export",
    "faces",
    "init",
    "out",
    "overwrite",
    "processes",
    "retries",
    "save_minutes",
    "workers",
)
"""Settings that do not change the result, and so may differ when a run is resumed.

The content of the files that some of them name does, and is compared by its hash.
"""

CALIBRATION_PICTURES = 64
"""Pictures on which inserted batch normalisation is calibrated."""
CALIBRATION_BATCH = 16

M = TypeVar("M", bound=ModelConfig)


@dataclass(frozen=True)
class FinishedRun:
    """A run that has come to its end."""

    folder: Path
    model: FaceModel
    position: Position

    def describe_best(self) -> str:
        """Return the path of best.pth, the epoch that it holds and the score that selected it."""
        return (
            f"{self.folder / BEST}: epoch {self.position.best_epoch + 1}, selection score "
            f"{self.position.best_recall:.3f} on the validation split (mean recall, in which "
            "classes with few faces count less)"
        )


@dataclass(frozen=True)
class TrainingJob:
    """One training: what is trained, with which settings, and from which weights."""

    kind: str
    """Runs are kept in runs/<kind>-001, -002, ... by default."""
    config: RunConfig
    task: Task
    pretrained: ModelFile | None = None
    """None for random weights."""

    def run(self, hardware: Hardware, processes: Processes) -> FinishedRun:
        """Train in the run folder, resuming the run in it, and lock it while training.

        Raises ConfigError where --out holds another run, OutputError where another process trains
        there, and TrainingDivergedError.
        """
        info = describe_run(self.config, hardware, self.task.data_hashes(), self.pretrained)
        demand_same_run(info, processes)
        with ExitStack() as held:

            def choose() -> Path:
                if not processes.is_first:
                    return Path()
                folder = choose_folder(self.kind, self.config, info)
                held.enter_context(hold_run(make_folder(folder)))
                return folder

            folder = processes.from_first(processes.together(choose))
            return self._run_in(folder, info, hardware, processes)

    def _run_in(
        self, folder: Path, info: dict[str, Any], hardware: Hardware, processes: Processes
    ) -> FinishedRun:
        config, task = self.config, self.task
        resumed = processes.together(lambda: find_resumable(folder, info, config.overwrite))
        demand_same_checkpoint(folder, resumed, processes)
        if resumed is not None:
            # Another number format, on another machine, would be another run.
            precision = resumed.info["precision"]
            hardware = choose_hardware(config.device, precision, processes.local_rank)
            info = {**info, "precision": precision}
        if processes.is_first:
            sweep_temporaries(folder)
            if config.overwrite:
                # Until the first epoch ends, the folder must not show the previous run.
                for name in (BEST, LAST):
                    (folder / name).unlink(missing_ok=True)
            verb = "resumes" if resumed is not None else "starts"
            print(
                f"run {folder} {verb}: {len(task.train)} training and {len(task.validation)} "
                f"validation pictures, {len(task.classes)} classes, {hardware.describe()}",
                flush=True,
            )
        torch.manual_seed(config.seed)
        model = task.build_model()
        if resumed is None and self.pretrained is not None:
            text = initialise(model, self.pretrained, task.calibration())
            if processes.is_first:
                print(text, flush=True)
        elif resumed is None and processes.is_first:
            print("pretrained weights: none, all weights are random", flush=True)
        trainer = Trainer(model, config, folder, task, hardware, processes, info, resumed)
        position = trainer.run()
        return FinishedRun(folder, trainer.scored_model, position)


def read_pretrained(path: Path | None, config: M) -> tuple[ModelFile | None, M]:
    """Read --init; return it, and the model's settings with the normalisation of its weights.

    path: see TrainConfig.init. Raises WeightsNotFoundError and WeightsError, and ConfigError where
    the flags ask for another normalisation.
    """
    if path == AUTO:
        path = find_weights_for(config)
    if path is None or path == NONE:
        return None, config
    if not path.exists():
        path = find_shipped(path.as_posix()) or path
    file = read_model_file(path)
    default = ModelConfig()
    for name in ("image_mean", "image_std"):
        wanted, own = getattr(config, name), getattr(file.config, name)
        if wanted not in (getattr(default, name), own):
            raise ConfigError(
                f"--model.{name} {list(wanted)} with --init {path}",
                f"that file's own {list(own)}",
                "leave the flag out",
            )
    mean, std = file.config.image_mean, file.config.image_std
    return file, replace(config, image_mean=mean, image_std=std)


def find_weights_for(config: ModelConfig) -> Path | None:
    """Return the best pretrained weights for a model that weights/ holds, here or as shipped."""
    for name in config.pretrained:
        own = Path("weights") / name
        found = own if own.is_file() else find_shipped(own.as_posix())
        if found is not None:
            return found
    return None


def initialise(model: FaceModel, file: ModelFile, pictures: PictureDataset) -> str:
    """Load pretrained weights into a new model; return a text that lists its layers.

    pictures: without augmentation, to calibrate batch normalisation on.
    """
    report = model.load_pretrained(file, _calibration_batches(pictures))
    lines = [f"pretrained weights: {file.path} ({file.source})"]
    init = file.info.get("init")
    while init is not None:
        lines.append(f"  initialised from {init['path']} ({init['source']})")
        init = init.get("init")
    return "\n".join([*lines, report.describe()])


def choose_folder(kind: str, config: RunConfig, info: dict[str, Any]) -> Path:
    """Return --out; by default the newest run if these settings resume it, else a new folder.

    So the same command resumes its run, with --out and without. A new folder is created, and no
    other process gets the same one.
    """
    if config.out is not None:
        return config.out
    newest = newest_run_folder(kind, LAST)
    if newest is None or config.overwrite or is_held(newest):
        return claim_folder(RUNS, kind)
    try:
        find_resumable(newest, info, overwrite=False)
    except (ConfigError, WeightsError):
        return claim_folder(RUNS, kind)
    return newest


def find_resumable(folder: Path, info: dict[str, Any], overwrite: bool) -> ModelFile | None:
    """Return the run folder's last.pth, or None where a new run starts.

    Raises ConfigError where the folder holds a run with other settings or other data, and
    WeightsError where its last.pth is broken.
    """
    path = folder / LAST
    if overwrite or not path.is_file():
        return None
    file = read_model_file(path)
    try:
        before, now = _comparable(_with_all_settings(file)), _comparable(info)
    except (KeyError, TypeError, AttributeError) as error:
        raise _not_resumable(path) from error
    if file.training is None:
        raise _not_resumable(path)
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        key = changed[0]
        raise ConfigError(
            f"{folder} holds a run with {key} {before.get(key)}, not {now.get(key)}",
            "the same settings and data to resume it",
            "choose another --out, or --overwrite to start again",
        )
    return file


def demand_same_run(info: dict[str, Any], processes: Processes) -> None:
    """Raise ConfigError, in every process, unless all have the first one's settings and data.

    The data and the first weights are compared by their hashes: each machine may keep them
    elsewhere.
    """
    own = {**_comparable(info), "--precision": info["precision"]}
    all_own = processes.gather([own])
    for rank, each in enumerate(all_own):
        changed = [key for key in own if each.get(key) != all_own[0].get(key)]
        if changed:
            key = changed[0]
            processes.fail(
                ConfigError(
                    f"process {rank} has {key} {each.get(key)}, process 0 {all_own[0].get(key)}",
                    "the same settings, data and first weights on every machine",
                    "give every machine the same flags and copies of the same files",
                )
            )


def demand_same_checkpoint(folder: Path, resumed: ModelFile | None, processes: Processes) -> None:
    """Raise ConfigError, in every process, unless all of them resume from the same file or none.

    On machines without a shared folder the others would begin at epoch 0 beside the first.
    """
    held = processes.gather([None if resumed is None or processes.world == 1 else resumed.sha256])
    others = [rank for rank, each in enumerate(held) if each != held[0]]
    if others:
        has = "no" if held[0] is None else "a"
        processes.fail(
            ConfigError(
                f"process 0 has {has} {folder / LAST}, process {others[0]} another or none",
                "the same run folder on every machine",
                "train in a shared folder, or copy the run folder to every machine",
            )
        )


def describe_run(
    config: RunConfig,
    hardware: Hardware,
    data: Mapping[str, str],
    pretrained: ModelFile | None = None,
) -> dict[str, Any]:
    """Return what model files hold of their training; data: see Task.data_hashes."""
    info = {
        "train_config": to_plain(config),
        "precision": hardware.precision,
        "data": dict(data),
    }
    return info if pretrained is None else {**info, "init": pretrained.origin()}


def _not_resumable(path: Path) -> WeightsError:
    return WeightsError(
        f"{path} holds no state of a training",
        "the last.pth of a training run",
        "choose another --out, or --overwrite to start again",
    )


def _with_all_settings(file: ModelFile) -> dict[str, Any]:
    """Return the file's info, with model settings that were added after it was written."""
    trained = dict(file.info["train_config"])
    if "model" in trained:
        trained["model"] = {**to_plain(file.config), **trained["model"]}
    return {**file.info, "train_config": trained}


def _comparable(info: Any) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in info["train_config"].items():
        if name in FREE_TO_CHANGE:
            continue
        if isinstance(value, dict):
            flat |= {f"--{name}.{key}": entry for key, entry in value.items()}
        else:
            flat[f"--{name}"] = value
    free = ("path", DATASETS)
    flat |= {f"data {key}": entry for key, entry in info["data"].items() if key not in free}
    return flat | {"--init with sha256": info.get("init", {}).get("sha256")}


def _calibration_batches(pictures: PictureDataset) -> Iterator[Tensor]:
    """Yield pictures spread evenly over the split, [B, 3, S, S] in 0..1."""
    count = min(CALIBRATION_PICTURES, len(pictures))
    places = np.linspace(0, len(pictures) - 1, count).round().astype(int).tolist()
    draws = [Draw(place, 0) for place in places]
    chunks = [draws[k : k + CALIBRATION_BATCH] for k in range(0, count, CALIBRATION_BATCH)]
    for batch, _ in make_loader(pictures, chunks, workers=0, pin_memory=False):
        yield to_unit_range(batch, torch.device("cpu"))
