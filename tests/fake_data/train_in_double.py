"""A training command in float64, whose rounding stays too small to see.

In float32 a backbone with batch normalisation turns rounding into differences of a per cent after one
step: the pictures of a batch in another order, in one process, do that already.

    python train_in_double.py train_frcnn --data ...
"""

from __future__ import annotations

import sys

from torch import Tensor, nn

from fer_det import models
from fer_det.cli import train as train_frcnn
from fer_det.cli import train_classifier
from fer_det.engine import scoring as score
from fer_det.engine import trainer
from fer_det.models import vgg16_classifier as classifier

_COMMANDS = {"train_frcnn": train_frcnn, "train_classifier": train_classifier}
_build_model, _build_classifier = models.build_model, classifier.build
_to_unit_range = score.to_unit_range


def _double_model(*arguments: object) -> nn.Module:
    return _build_model(*arguments).double()  # type: ignore[arg-type]


def _double_classifier(*arguments: object) -> nn.Module:
    return _build_classifier(*arguments).double()  # type: ignore[arg-type]


def _double_pictures(*arguments: object) -> Tensor:
    return _to_unit_range(*arguments).double()  # type: ignore[arg-type]


if __name__ == "__main__":
    models.build_model = _double_model
    classifier.build = _double_classifier  # type: ignore[assignment]
    trainer.to_unit_range = score.to_unit_range = _double_pictures
    sys.exit(_COMMANDS[sys.argv.pop(1)].main())
