"""How much longer a training step takes than the backbone alone.

    python benchmarks/train_step.py [--sizes '[112, 224]'] [--widths '[512, 4096]'] [--stock false]

Times the trainer's step (forward, backward, clipping and AdamW) on a batch of random pictures with
one face each, alternating with the forward and backward pass of VGG16's backbone on the same batch,
with batch normalisation, as it is trained, and without, and with VGG16's thirteen convolutions
alone, each on an input of its own shape: what the processor gives at best. Also one step of
torchvision's Faster R-CNN on VGG16 with its default settings (800 px, 2,000 proposals, 512 RoIs,
float32).
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import _project  # noqa: F401  (first: it may run this script again in .venv)
import numpy as np
import torch
from _measure import BenchmarkConfig, Report, clock_of, in_turns, per_picture
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision.ops import MultiScaleRoIAlign

from fer_det.config.command import parse_config
from fer_det.config.model import Precision
from fer_det.config.training import TrainConfig
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.engine.scoring import to_unit_range
from fer_det.engine.trainer import Trainer
from fer_det.models import build_model
from fer_det.models.vgg16.network import OUT_CHANNELS, STRIDE, VGG16Backbone, vgg16_features
from fer_det.models.vgg16_frcnn.config import Config as ModelConfig
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware, choose_hardware, make_deterministic
from fer_det.runtime.distributed import Processes
from fer_det.runtime.memory import keep_freed_memory

CLASSES = tuple(expression.label for expression in BASIC_EXPRESSIONS)
FACE = (0.2, 0.15, 0.8, 0.9)
"""The face's box, relative to the picture."""
STOCK_SIZE = 800
STOCK_ANCHORS = ((32, 64, 128, 256, 512),)


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Time a training step against its backbone, and against torchvision's settings."""

    sizes: tuple[int, ...] = (112, 224)
    """Sides of the input, in pixels."""
    widths: tuple[int, ...] = (512, 4096)
    """Widths of fc6 and fc7."""
    batch_size: int = 16
    """Pictures a step."""
    stock: bool = True
    """Also time one step with torchvision's settings, on one picture."""
    precision: Precision = "auto"
    """Number format of our step; auto takes bfloat16 where the processor computes it fast."""
    device: str = "auto"
    """cpu, cuda, ..."""
    rounds: int = 5
    """How many times each is timed, alternating, after one round to warm up."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "train_step.py", argv)
    hardware = choose_hardware(config.device, config.precision)
    make_deterministic()
    keep_freed_memory()
    report = Report("train_step", config, hardware)
    ratios = {
        (size, width): _compare(config, hardware, report, size, width)
        for size in config.sizes
        for width in config.widths
    }
    if config.stock:
        seconds = _time_stock_step(hardware)
        report.figure(f"{STOCK_SIZE} px, torchvision's", "step", [1000 * seconds], "ms a picture")
        for (size, width), (_, step) in ratios.items():
            name = f"stock over step, {size} px, {width} wide"
            report.figure(f"{STOCK_SIZE} px, torchvision's", name, [1000 * seconds / step], "x")
    size, width = config.sizes[0], config.widths[0]
    report.finish(f"STEP_OVER_BACKBONE_{size}PX_{width}WIDE", ratios[size, width][0])
    return EXIT_OK


def _compare(
    config: Config, hardware: Hardware, report: Report, size: int, width: int
) -> tuple[float, float]:
    """Time one setting -> (step over backbone, ms a picture of the step)."""
    torch.manual_seed(0)
    pictures = torch.randint(0, 256, (config.batch_size, 3, size, size), dtype=torch.uint8)
    edges = torch.tensor([FACE]) * size
    targets = [
        {
            "boxes": edges.clone(),
            "labels": torch.tensor([1 + number % len(CLASSES)]),
            "seed": torch.tensor(number),
            "index": torch.tensor(number),
        }
        for number in range(config.batch_size)
    ]
    with tempfile.TemporaryDirectory() as folder:
        model_config = ModelConfig(input_size=size, head_width=width)
        trainer = make_trainer(model_config, hardware, config.batch_size, Path(folder))
        plain = VGG16Backbone(batch_norm=False).train().to(hardware.device)
        plain.to(memory_format=torch.channels_last)
        model = trainer.model.train()
        seconds = in_turns(
            {
                "backbone": _backbone_step(model.get_submodule("backbone"), hardware, pictures),
                "plain backbone": _backbone_step(plain, hardware, pictures),
                "bare convolutions": _convolutions(plain, hardware, pictures),
                "step": lambda: trainer.step(pictures, targets),
            },
            config.rounds,
            clock_of(hardware),
        )
    setting = f"{size} px, {width} wide, batch {config.batch_size}"
    each = {name: per_picture(of_side, config.batch_size) for name, of_side in seconds.items()}
    spreads = {
        name: report.figure(setting, name, values, "ms a picture") for name, values in each.items()
    }
    ratio = report.ratio(setting, "step over backbone", each["step"], each["backbone"])
    report.ratio(setting, "step over plain backbone", each["step"], each["plain backbone"])
    report.ratio(setting, "bare convolutions over step", each["bare convolutions"], each["step"])
    return ratio.median, spreads["step"].median


def make_trainer(
    model_config: ModelConfig, hardware: Hardware, batch_size: int, folder: Path
) -> Trainer:
    """The trainer of tools/train_frcnn.py's default run, used for single steps only."""
    labels = [1 + number % len(CLASSES) for number in range(batch_size)]
    pictures = [SimpleNamespace(label=label, path=Path(f"{label}.jpg")) for label in labels]
    train = SimpleNamespace(pictures=pictures, labels=np.array(labels))
    return Trainer(
        build_model(model_config, CLASSES),
        TrainConfig(batch_size=batch_size, model=model_config),
        folder,
        cast(Any, SimpleNamespace(train=train)),
        hardware,
        Processes(),
        info={},
    )


def _backbone_step(backbone: nn.Module, hardware: Hardware, pictures: Tensor) -> Callable[[], None]:
    """Only the backbone's forward and backward pass on the batch."""
    images = to_unit_range(pictures, hardware.device)

    def step() -> None:
        backbone.zero_grad(set_to_none=True)
        with hardware.autocast():
            features = backbone(images)["0"]
        features.float().sum().backward()

    return step


def _convolutions(backbone: nn.Module, hardware: Hardware, pictures: Tensor) -> Callable[[], None]:
    """Forward and backward pass of each convolution by itself, on random values of its shape."""
    inputs: list[tuple[nn.Module, Tensor]] = []

    def note(layer: nn.Module, given: tuple[Tensor, ...], _: Tensor) -> None:
        values = torch.randn_like(given[0])
        inputs.append((layer, values.requires_grad_(given[0].requires_grad)))

    layers = [each for each in backbone.modules() if isinstance(each, nn.Conv2d)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with hardware.autocast():
        backbone(to_unit_range(pictures, hardware.device))
    for hook in hooks:
        hook.remove()

    def step() -> None:
        for layer, values in inputs:
            layer.zero_grad(set_to_none=True)
            values.grad = None
            with hardware.autocast():
                answer = layer(values)
            answer.backward(torch.ones_like(answer))

    return step


def _time_stock_step(hardware: Hardware) -> float:
    """Seconds of one training step of torchvision's Faster R-CNN on one picture, in float32."""
    torch.manual_seed(0)
    backbone = vgg16_features(batch_norm=False)
    backbone.out_channels = OUT_CHANNELS  # type: ignore[assignment]
    model = FasterRCNN(
        backbone,
        num_classes=1 + len(CLASSES),
        rpn_anchor_generator=AnchorGenerator(STOCK_ANCHORS, ((0.5, 1.0, 2.0),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], output_size=7, sampling_ratio=2),
    )
    model.train().to(hardware.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5, momentum=0.9)
    picture = torch.rand(3, STOCK_SIZE, STOCK_SIZE, device=hardware.device)
    box = torch.tensor([FACE], device=hardware.device) * STOCK_SIZE
    target = {"boxes": box, "labels": torch.tensor([1], device=hardware.device)}

    def step() -> None:
        losses: dict[str, Tensor] = model([picture], [target])
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    print(f"one step of torchvision's settings, stride {STRIDE}, on one picture ...", flush=True)
    # A GPU's first step chooses its kernels; a CPU's first step is like all others.
    warm_up = 0 if hardware.device.type == "cpu" else 3
    (seconds,) = in_turns({"stock": step}, 1, clock_of(hardware), warm_up)["stock"]
    return seconds


if __name__ == "__main__":
    sys.exit(main())
