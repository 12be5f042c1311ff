"""How much longer a detector's prediction takes than its backbone's forward pass.

    python benchmarks/inference.py [--size 224] [--batches '[1, 16]'] [--width 512]
                                   [--rank 256] [--proposals 3]

Times the whole detector in evaluation (normalisation, backbone, proposals, box head, NMS) as
best.pth holds it, alternating with its backbone alone, on random pictures with random weights.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import _project  # noqa: F401  (first: it may run this script again in .venv)
import torch
from _measure import BenchmarkConfig, Report, clock_of, in_turns, per_picture
from torch import Tensor, nn

from fer_det.config.command import parse_config
from fer_det.config.model import Precision
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.engine.scoring import to_unit_range
from fer_det.models import build_model
from fer_det.models.vgg16_frcnn.config import Config as ModelConfig
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware, choose_hardware
from fer_det.runtime.memory import keep_freed_memory

CLASSES = tuple(expression.label for expression in BASIC_EXPRESSIONS)


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Time the detector's predictions against its backbone."""

    size: int = 224
    """Side of the input, in pixels."""
    batches: tuple[int, ...] = (1, 16)
    """Pictures at a time."""
    width: int = 512
    """Width of fc6 and fc7."""
    rank: int | None = None
    """Rank of fc6 and fc7, as tools/truncate_head.py leaves them; null: whole."""
    proposals: int = 3
    """Proposals of each picture; a trained RPN keeps 2.6 for a photo of one face, one with random
    weights all 32 that are allowed."""
    precision: Precision = "auto"
    """Number format of the network; auto takes bfloat16 where the processor computes it fast."""
    device: str = "auto"
    """cpu, cuda, ..."""
    rounds: int = 15
    """How many times each is timed, alternating, after one round to warm up."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "inference.py", argv)
    hardware = choose_hardware(config.device, config.precision)
    keep_freed_memory()
    report = Report("inference", config, hardware)
    torch.manual_seed(0)
    model = _make_model(config, hardware)
    worst = max(_compare(config, hardware, report, model, batch) for batch in config.batches)
    report.finish(f"ANSWER_OVER_BACKBONE_{config.size}PX_{config.width}WIDE", worst)
    return EXIT_OK


def _make_model(config: Config, hardware: Hardware) -> nn.Module:
    """The detector of a best.pth, which has no batch normalisation, with random weights."""
    model_config = ModelConfig(
        input_size=config.size,
        head_width=config.width,
        head_rank=config.rank,
        test_proposals=config.proposals,
        batch_norm=False,
    )
    return hardware.prepare(build_model(model_config, CLASSES))


def _compare(
    config: Config, hardware: Hardware, report: Report, model: nn.Module, batch: int
) -> float:
    """Time one batch size -> prediction over backbone."""
    pictures = torch.randint(0, 256, (batch, 3, config.size, config.size), dtype=torch.uint8)
    seconds = in_turns(
        {
            "backbone": _forward(model.get_submodule("backbone"), hardware, pictures),
            "answer": _forward(model, hardware, pictures),
        },
        config.rounds,
        clock_of(hardware),
    )
    rank = "" if config.rank is None else f", rank {config.rank}"
    head = f"{config.width} wide{rank}, {config.proposals} proposals"
    setting = f"{config.size} px, {head}, batch {batch}"
    for name, of_side in seconds.items():
        report.figure(setting, name, per_picture(of_side, batch), "ms a picture")
    return report.ratio(
        setting, "answer over backbone", seconds["answer"], seconds["backbone"]
    ).median


def _forward(network: nn.Module, hardware: Hardware, pictures: Tensor) -> Callable[[], None]:
    @torch.inference_mode()
    def forward() -> None:
        images = to_unit_range(pictures, hardware.device)
        with hardware.autocast():
            network(images)

    return forward


if __name__ == "__main__":
    sys.exit(main())
