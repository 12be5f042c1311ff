"""The training command in float64, whose rounding stays too small to see.

In float32 a trunk with batch normalisation turns rounding into differences of a per cent after one
step: the pictures of a batch in another order, in one process, do that already.
"""

from __future__ import annotations

import sys

from torch import Tensor, nn

from fer_det.cli import train_frcnn
from fer_det.engine import score, trainer

_build_model, _to_unit_range = train_frcnn.build_model, score.to_unit_range


def _double_model(*arguments: object) -> nn.Module:
    return _build_model(*arguments).double()  # type: ignore[arg-type]


def _double_pictures(*arguments: object) -> Tensor:
    return _to_unit_range(*arguments).double()  # type: ignore[arg-type]


if __name__ == "__main__":
    train_frcnn.build_model = _double_model
    trainer.to_unit_range = score.to_unit_range = _double_pictures
    sys.exit(train_frcnn.main())
