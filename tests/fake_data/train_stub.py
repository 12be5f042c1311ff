"""train_frcnn with a model of a few weights, in which a process dies at a chosen point.

    python train_stub.py --model.name=stub --data ...

FERDET_DIE: "POINT|RANK|FILE"; the process of that rank kills itself at that point if FILE exists,
and removes FILE, so that it happens once.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from fake_data import stub_detector

from fer_det.cli import train as train_frcnn
from fer_det.engine.trainer import Trainer
from fer_det.models import MODELS

POINTS = ("first step", "mid-epoch", "last step", "save")


def _arm(point: str, rank: str, marker: Path) -> None:
    if os.environ.get("RANK", "0") != rank or not marker.is_file():
        return

    def die() -> None:
        marker.unlink()
        os.kill(os.getpid(), signal.SIGKILL)

    step, replace = Trainer.step, Path.replace
    saved = 0

    def dying_step(trainer: Trainer, *arguments: Any) -> Any:
        total = trainer._total_steps
        deadly = {"first step": 0, "mid-epoch": total // 2 + 1, "last step": total - 1}
        if trainer.position.step == deadly.get(point):
            die()
        return step(trainer, *arguments)

    def dying_replace(path: Path, target: Path) -> Path:
        nonlocal saved
        saved += target.name == "last.pth"
        if saved == 3:
            die()
        return replace(path, target)

    Trainer.step = dying_step  # type: ignore[method-assign]
    if point == "save":
        Path.replace = dying_replace  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    if "FERDET_DIE" in os.environ:
        point, rank, marker = os.environ["FERDET_DIE"].split("|")
        _arm(point, rank, Path(marker))
    MODELS[stub_detector.NAME] = stub_detector.REGISTERED
    train_frcnn.COMMAND = (__file__,)
    sys.exit(train_frcnn.main())
