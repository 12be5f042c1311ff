"""The training loop: it works with losses, steps and files, for any model and task."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from fer_det.config.training import RunConfig
from fer_det.data.loader import make_loader
from fer_det.data.sampler import EpochSampler
from fer_det.engine.averaging import WeightAverage
from fer_det.engine.optimizer import Optimization
from fer_det.engine.run_folder import RunLog
from fer_det.engine.scoring import to_unit_range
from fer_det.engine.tasks import Task
from fer_det.errors import TrainingDivergedError
from fer_det.models.contract import FaceModel
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes
from fer_det.runtime.progress import format_seconds, track
from fer_det.weights.model_file import TEMPERATURE, ModelFile, write_model_file

BEST, LAST = "best.pth", "last.pth"
STEPS_BETWEEN_RECORDS = 10

ON_CPU = ("index", "seed")
"""Parts of a target that only the CPU reads, and that are not copied to the GPU."""


@dataclass(frozen=True)
class Position:
    """How far a run has come, and its best epoch."""

    epoch: int = 0
    """The current epoch, from 0."""
    step_in_epoch: int = 0
    """Finished steps of the epoch."""
    step: int = 0
    """Finished steps of the run."""
    epoch_loss: float = 0.0
    """Sum of the losses of the epoch's finished steps."""
    best_recall: float = -1.0
    """Highest selection score on the validation split."""
    best_epoch: int = -1
    """The epoch with that score."""


class Trainer:
    """Trains one model for one task and writes its run folder.

    Each process of a distributed run has its own Trainer; the first one writes the files.
    """

    def __init__(
        self,
        model: FaceModel,
        config: RunConfig,
        folder: Path,
        task: Task,
        hardware: Hardware,
        processes: Processes,
        info: Mapping[str, Any],
        resumed: ModelFile | None = None,
    ) -> None:
        """info: what model files hold of the run; resumed: the last.pth to resume from."""
        self.model = model.to(hardware.device)
        self.model.freeze(config.optimizer.freeze_layers)
        self._optimization = Optimization(self.model, config.optimizer, hardware)
        decay = config.optimizer.average
        self._average = WeightAverage(self.model, decay) if decay else None
        self.position = Position()
        self._config, self._folder = config, folder
        self._task = task
        self._hardware, self._processes, self._info = hardware, processes, info
        if resumed is not None:
            self._restore(resumed)
        self._wrapped = self._wrap()
        self._sampler = EpochSampler(
            task.train.labels,
            config.batch_size,
            config.balance,
            config.seed,
            processes.rank,
            processes.world,
        )
        self._total_steps = sum(self._sampler.steps(epoch) for epoch in range(config.epochs))
        self._saved_at = time.monotonic()
        self._log: RunLog | None = None

    @property
    def scored_model(self) -> FaceModel:
        """The model that is scored and deployed: the averaged one where weights are averaged."""
        return self.model if self._average is None else self._average.model

    def run(self) -> Position:
        """Train to the last epoch, writing last.pth and best.pth."""
        if self._processes.is_first:
            self._log = RunLog(self._folder, self.position.epoch, self.position.step)
        started_at, first_step = time.monotonic(), self.position.step
        for epoch in range(self.position.epoch, self._config.epochs):
            mean_loss = self._train_epoch(epoch)
            scores = self._task.validate(self.scored_model, self._hardware, self._processes)
            improved = scores["selection"] > self.position.best_recall
            if improved:
                best = scores["selection"]
                self.position = replace(self.position, best_recall=best, best_epoch=epoch)
            self.position = replace(self.position, epoch=epoch + 1, step_in_epoch=0, epoch_loss=0.0)
            self._optimization.end_epoch(scores["selection"])
            if self._processes.is_first:
                if improved:
                    self._save_best(scores)
                self._record("epoch", {"epoch": epoch, "loss": mean_loss, **scores})
                self._save_last()
                steps = max(self.position.step - first_step, 1)
                seconds = (time.monotonic() - started_at) / steps
                left = format_seconds(seconds * (self._total_steps - self.position.step))
                print(
                    f"epoch {epoch + 1}/{self._config.epochs}: loss {mean_loss:.3f}, validation "
                    f"accuracy {scores['accuracy']:.3f}, mean recall {scores['mean_recall']:.3f}, "
                    f"selection score {scores['selection']:.3f}"
                    f"{' (best)' if improved else ''}, {left} left",
                    flush=True,
                )
        if self._log is not None:
            self._log.close()
        return self.position

    def _train_epoch(self, epoch: int) -> float:
        self._wrapped.train()
        first = self.position.step_in_epoch
        self._sampler.set_position(epoch, first)
        total = self._sampler.steps(epoch)
        pinned = self._hardware.device.type == "cuda"
        batches = make_loader(self._task.train, self._sampler, self._config.workers, pinned)
        steps: Any = range(first, total)
        if self._processes.is_first:
            title = f"epoch {epoch + 1}/{self._config.epochs}"
            steps = track(steps, total, title, "steps", start=first)
        for step in steps:
            pictures, targets = next(batches)
            values = self.step(pictures, targets)
            self.position = replace(
                self.position,
                step_in_epoch=step + 1,
                step=self.position.step + 1,
                epoch_loss=self.position.epoch_loss + values["loss"],
            )
            if self._processes.is_first:
                if self.position.step % STEPS_BETWEEN_RECORDS == 0:
                    self._record("step", {"epoch": epoch, **values})
                if time.monotonic() - self._saved_at > 60 * self._config.save_minutes:
                    self._save_last()
        return self.position.epoch_loss / total

    def step(self, pictures: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, float]:
        """Do one step of the optimizer; return losses, total gradient norm and learning rate.

        pictures [B, 3, S, S] uint8. Raises TrainingDivergedError where a loss or gradient is not
        finite.
        """
        device = self._hardware.device
        images = to_unit_range(pictures, device)
        placed = [
            {name: v if name in ON_CPU else v.to(device) for name, v in target.items()}
            for target in targets
        ]
        with self._hardware.autocast():
            losses: dict[str, Tensor] = self._wrapped(images, placed)
        loss = torch.stack([value.float() for value in losses.values()]).sum()
        if not bool(loss.isfinite()):
            raise self._diverged("a loss", losses, targets)
        norm = self._optimization.compute_gradients(loss)
        if not self._optimization.skips_infinite_steps and not bool(norm.isfinite()):
            raise self._diverged("a gradient", losses, targets)
        rate = self._optimization.step(self.position.step, self._total_steps)
        if self._average is not None:
            self._average.update(self.model)
        values = {"loss": loss, **losses, "gradient_norm": norm}
        return {name: float(value.detach()) for name, value in values.items()} | {
            "learning_rate": rate
        }

    def _save_best(self, scores: Mapping[str, float]) -> None:
        tensors, config = self.scored_model.deployable()
        info = {
            **self._info,
            "epoch": self.position.best_epoch,
            "step": self.position.step,
            "validation": dict(scores),
            TEMPERATURE: scores["temperature"],
        }
        write_model_file(self._folder / BEST, ModelFile(tensors, config, self._task.classes, info))

    def _save_last(self) -> None:
        training = {**self._optimization.state(), "position": vars(self.position)}
        if self._average is not None:
            training["average"] = self._average.state()
        model = self.model
        file = ModelFile(model.state_dict(), model.config, self._task.classes, self._info, training)
        write_model_file(self._folder / LAST, file)
        self._saved_at = time.monotonic()

    def _restore(self, file: ModelFile) -> None:
        assert file.training is not None
        self.model.load_state_dict(file.tensors)
        self._optimization.restore(file.training)
        if self._average is not None:
            self._average.restore(file.training["average"])
        self.position = Position(**file.training["position"])

    def _wrap(self) -> nn.Module:
        """Return the model, in a distributed run in a wrapper that averages gradients."""
        if self._processes.world == 1:
            return self.model
        return DistributedDataParallel(self.model)

    def _record(self, kind: str, values: Mapping[str, Any]) -> None:
        assert self._log is not None
        self._log.write(kind, self.position.step, values)

    def _diverged(
        self, what: str, losses: Mapping[str, Tensor], targets: list[dict[str, Tensor]]
    ) -> TrainingDivergedError:
        pictures = self._task.train.pictures
        names = [pictures[int(target["index"])].path.name for target in targets]
        parts = ", ".join(f"{name} {float(value.detach()):.3g}" for name, value in losses.items())
        return TrainingDivergedError(
            f"{what} that is not finite at step {self.position.step} ({parts}) on "
            + ", ".join(names),
            "finite losses and gradients",
            "look at these pictures, lower --optimizer.learning_rate or use --precision float32",
        )
