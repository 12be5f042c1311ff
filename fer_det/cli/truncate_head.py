"""tools/truncate_head.py: replaces the wide layers of a model's head by low-rank ones."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fer_det.config.command import parse_config
from fer_det.config.scoring import TruncateHeadConfig
from fer_det.io.files import refuse_existing
from fer_det.runtime.command import EXIT_OK, other_command, run_command

if TYPE_CHECKING:
    from torch import Tensor

PROG = "truncate_head.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_truncate, argv)


def _truncate(argv: Sequence[str] | None) -> int:
    config = parse_config(TruncateHeadConfig, PROG, argv)
    from fer_det.engine.run_folder import find_weights
    from fer_det.weights.model_file import read_model_file, restore_model, write_model_file

    weights = find_weights(config.weights)
    refuse_existing(config.out, config.overwrite)
    file = read_model_file(weights)
    tensors, model_config = restore_model(file, weights).truncated(config.rank)
    origin = {"path": str(weights), "sha256": file.sha256, "rank": config.rank}
    info = {**file.info, "truncated": origin}
    thin = replace(file, tensors=tensors, config=model_config, info=info, training=None)
    write_model_file(config.out, thin)
    print(f"{config.out}: {_count(tensors):,} parameters of {_count(file.tensors):,}")
    print(f"next: {other_command('eval')} --weights {shlex.quote(str(config.out))}")
    return EXIT_OK


def _count(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


if __name__ == "__main__":
    sys.exit(main())
