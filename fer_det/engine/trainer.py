"""The training loop: it knows losses, steps and files, and not which model it trains."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from fer_det.config.training import RunConfig
from fer_det.data.loader import make_loader
from fer_det.data.sampler import EpochSampler
from fer_det.engine.log import RunLog
from fer_det.engine.optimizer import (
    freeze_backbone,
    make_optimizer,
    set_learning_rate,
    shorten_gradients,
)
from fer_det.engine.schedule import learning_rate
from fer_det.engine.scoring import to_unit_range
from fer_det.engine.tasks.task import Task
from fer_det.errors import TrainingDivergedError
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes
from fer_det.runtime.progress import format_seconds, track
from fer_det.weights.checkpoint import Checkpoint, save_checkpoint

BEST, LAST = "best.pth", "last.pth"
STEPS_BETWEEN_RECORDS = 10

STAYS = ("index", "seed")
"""Parts of a target that the processor itself reads, so that they do not travel to the GPU."""


@dataclass(frozen=True)
class Position:
    """How far a run has come, and the best it has seen."""

    epoch: int = 0
    """The epoch that comes next or is under way, from 0."""
    step_in_epoch: int = 0
    """Steps of it that are done."""
    step: int = 0
    """Steps done in all."""
    epoch_loss: float = 0.0
    """Sum of the losses of the epoch's steps that are done."""
    best_recall: float = -1.0
    """Highest mean recall on the validation split, over the classes that choose."""
    best_epoch: int = -1
    """The epoch that reached it."""


class Trainer:
    """Trains one model for one task and keeps its run folder.

    Every process of a distributed run has its own; the first writes the files.
    """

    def __init__(
        self,
        model: nn.Module,
        config: RunConfig,
        folder: Path,
        task: Task,
        hardware: Hardware,
        processes: Processes,
        info: Mapping[str, Any],
        resumed: Checkpoint | None = None,
    ) -> None:
        self.model = model.to(hardware.device)
        freeze_backbone(self.model, config.optimizer.freeze_layers)
        self.optimizer = make_optimizer(self.model, config.optimizer)
        self.position = Position()
        self._config, self._folder = config, folder
        self._task = task
        self._hardware, self._processes, self._info = hardware, processes, info
        self._scaler = torch.amp.GradScaler(
            hardware.device.type, enabled=hardware.precision == "float16"
        )
        if resumed is not None:
            self._restore(resumed)
        self._stepped = self._shared_model()
        self._sampler = EpochSampler(
            [picture.label for picture in task.train.pictures],
            config.batch_size,
            config.balance,
            config.seed,
            processes.rank,
            processes.world,
        )
        self._total_steps = sum(self._sampler.steps(epoch) for epoch in range(config.epochs))
        self._saved_at = time.monotonic()
        self._log: RunLog | None = None

    def run(self) -> Position:
        """Train to the last epoch; last.pth and best.pth (see Task) lie in the run folder then."""
        if self._processes.is_first:
            self._log = RunLog(self._folder, self.position.epoch, self.position.step)
        began, began_at = time.monotonic(), self.position.step
        for epoch in range(self.position.epoch, self._config.epochs):
            mean_loss = self._train_epoch(epoch)
            scores = self._task.validate(self.model)
            improved = scores["selection"] > self.position.best_recall
            self._move_to(
                epoch=epoch + 1,
                step_in_epoch=0,
                epoch_loss=0.0,
                **({"best_recall": scores["selection"], "best_epoch": epoch} if improved else {}),
            )
            if self._processes.is_first:
                kept = improved and self._save_best(scores)
                self._record("epoch", {"epoch": epoch, "loss": mean_loss, **scores})
                self._save_last()
                pace = (time.monotonic() - began) / max(self.position.step - began_at, 1)
                left = format_seconds(pace * (self._total_steps - self.position.step))
                print(
                    f"epoch {epoch + 1}/{self._config.epochs}: loss {mean_loss:.3f}, validation "
                    f"accuracy {scores['accuracy']:.3f}, mean recall {scores['mean_recall']:.3f}"
                    f"{' (best)' if kept else ''}, {left} left",
                    flush=True,
                )
        if self._log is not None:
            self._log.close()
        return self.position

    def _train_epoch(self, epoch: int) -> float:
        self._stepped.train()
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
            self._move_to(
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
        """Move the weights once; -> the losses, the gradient's length and the learning rate.

        pictures [B, 3, S, S] uint8. Raises TrainingDivergedError where anything is not finite.
        """
        rate = learning_rate(
            self._config.optimizer.learning_rate,
            self.position.step,
            self._total_steps,
            self._config.optimizer.warmup_steps,
        )
        set_learning_rate(self.optimizer, rate)
        device = self._hardware.device
        images = to_unit_range(pictures, device)
        placed = [
            {name: v if name in STAYS else v.to(device) for name, v in target.items()}
            for target in targets
        ]
        with self._hardware.autocast():
            losses: dict[str, Tensor] = self._stepped(images, placed)
        loss = torch.stack([value.float() for value in losses.values()]).sum()
        if not bool(loss.isfinite()):
            raise self._diverged("a loss", losses, targets)
        self.optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(self.optimizer)
        norm = shorten_gradients(self.model, self._config.optimizer.clip_norm)
        # With float16 the scaler leaves such a step out and lowers its scale.
        if not self._scaler.is_enabled() and not bool(norm.isfinite()):
            raise self._diverged("a gradient", losses, targets)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        values = {"loss": loss, **losses, "gradient_norm": norm}
        return {name: float(value.detach()) for name, value in values.items()} | {
            "learning_rate": rate
        }

    def _save_best(self, scores: Mapping[str, float]) -> bool:
        """Write best.pth where the task has one; -> whether it has."""
        state = {name: tensor.cpu() for name, tensor in self.model.state_dict().items()}
        info = {
            **self._info,
            "epoch": self.position.best_epoch,
            "step": self.position.step,
            "validation": dict(scores),
        }
        checkpoint = self._task.best_checkpoint(state, info)
        if checkpoint is None:
            return False
        save_checkpoint(self._folder / BEST, checkpoint)
        return True

    def _save_last(self) -> None:
        training = {
            "optimizer": self.optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "position": vars(self.position),
        }
        checkpoint = Checkpoint(
            model=self.model.state_dict(),
            config=self._task.model_config,
            classes=self._task.classes,
            info=self._info,
            training=training,
        )
        save_checkpoint(self._folder / LAST, checkpoint)
        self._saved_at = time.monotonic()

    def _restore(self, checkpoint: Checkpoint) -> None:
        assert checkpoint.training is not None
        self.model.load_state_dict(checkpoint.model)
        self.optimizer.load_state_dict(cast(dict[str, Any], checkpoint.training["optimizer"]))
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(checkpoint.training["scaler"])
        self.position = Position(**checkpoint.training["position"])

    def _shared_model(self) -> nn.Module:
        if self._processes.world == 1:
            return self.model
        return DistributedDataParallel(self.model)

    def _move_to(self, **changes: Any) -> None:
        self.position = Position(**{**vars(self.position), **changes})

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
