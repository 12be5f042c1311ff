"""A training command in float64, whose rounding errors stay negligible.

In float32 a backbone with batch normalisation turns rounding errors into differences of a per cent
after one step: the pictures of a batch in another order, in one process, already do that.

    python train_in_double.py train_frcnn --data ...
"""

from __future__ import annotations

import sys
from typing import Any

from torch import Tensor

from fer_det.cli import train as train_frcnn
from fer_det.cli import train_classifier
from fer_det.engine import scoring, trainer
from fer_det.engine.tasks import classification, detection
from fer_det.models import build_model
from fer_det.models.contract import FaceModel

_COMMANDS = {"train_frcnn": train_frcnn, "train_classifier": train_classifier}
_to_unit_range = scoring.to_unit_range


def _double_model(*arguments: Any, **parts: Any) -> FaceModel:
    return build_model(*arguments, **parts).double()


def _double_pictures(*arguments: Any) -> Tensor:
    return _to_unit_range(*arguments).double()


if __name__ == "__main__":
    detection.build_model = classification.build_model = _double_model
    trainer.to_unit_range = scoring.to_unit_range = _double_pictures
    sys.exit(_COMMANDS[sys.argv.pop(1)].main())
