"""tools/truncate_head.py: a checkpoint in, the same with a thin head out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fer_det.config.command import parse_config
from fer_det.config.training import demand
from fer_det.config.truncate import TruncateHeadConfig
from fer_det.errors import OutputError, WeightsError
from fer_det.runtime.command import EXIT_OK, run_command

if TYPE_CHECKING:
    from torch import Tensor

    from fer_det.weights.checkpoint import Checkpoint

PROG = "truncate_head.py"
LAYERS = ("roi_heads.box_head.fc6", "roi_heads.box_head.fc7")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_truncate, argv)


def _truncate(argv: Sequence[str] | None) -> int:
    config = parse_config(TruncateHeadConfig, PROG, argv)
    from fer_det.engine.run_folder import find_weights
    from fer_det.models.low_rank import truncate
    from fer_det.weights.checkpoint import Checkpoint, file_hash, load_checkpoint, save_checkpoint

    weights = find_weights(config.weights)
    checkpoint = load_checkpoint(weights)
    _refuse(config, checkpoint)
    state: Mapping[str, Tensor] = checkpoint.model
    for layer in LAYERS:
        state = truncate(state, layer, config.rank)
    origin = {"path": str(weights), "sha256": file_hash(weights), "rank": config.rank}
    thin = Checkpoint(
        model=state,
        config=replace(checkpoint.config, head_rank=config.rank),
        classes=checkpoint.classes,
        info={**checkpoint.info, "truncated": origin},
    )
    save_checkpoint(config.out, thin)
    before, after = (_numbers(each.model) for each in (checkpoint, thin))
    print(f"{config.out}: {after:,} numbers of {before:,}")
    print(f"next: python tools/eval_rafdb.py --weights {config.out}")
    return EXIT_OK


def _refuse(config: TruncateHeadConfig, checkpoint: Checkpoint) -> None:
    width = checkpoint.config.head_width
    demand(config.rank < width, f"--rank {config.rank}", f"less than the head's width, {width}")
    if checkpoint.config.head_rank is not None:
        raise WeightsError(
            f"{config.weights} has a head of rank {checkpoint.config.head_rank} already",
            "a checkpoint with whole layers",
            "name the one that it was made of",
        )
    if config.out.exists() and not config.overwrite:
        raise OutputError(
            f"{config.out} is there already",
            "a new file",
            "name another --out, or give --overwrite to replace it",
        )


def _numbers(state: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in state.values())


if __name__ == "__main__":
    sys.exit(main())
