"""How much faster two processes load training pictures than the network uses them.

    python benchmarks/loader.py [--pictures FOLDER] [--size 112] [--workers 2]

The trainer's loader (read, decode, augment, scale, collate) on a VOC folder of synthetic faces,
alternating with the trainer's step. The start of the workers counts as the loader's time.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import _project  # noqa: F401  (first: it may run this script again in .venv)
import torch
from _measure import BenchmarkConfig, Report, clock_of, in_turns
from _pictures import LABELS, take_photos, write_voc
from train_step import make_trainer

from fer_det.config.command import parse_config
from fer_det.config.model import Precision
from fer_det.config.training import AugmentConfig
from fer_det.data.augment import Augmentation
from fer_det.data.loader import Batch, make_loader
from fer_det.data.sampler import EpochSampler
from fer_det.data.voc_dataset import VocDataset
from fer_det.models.vgg16_frcnn.config import Config as ModelConfig
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import choose_hardware, make_deterministic
from fer_det.runtime.memory import keep_freed_memory


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Time the loader against the training step."""

    pictures: Path | None = None
    """Folder of .jpg photos; null: some synthetic faces."""
    count: int = 32
    """Number of different pictures, which are repeated under other names."""
    size: int = 112
    """Side of the input, in pixels."""
    width: int = 512
    """Width of fc6 and fc7."""
    batch_size: int = 16
    """Pictures a step."""
    batches: int = 24
    """Batches that the loader loads in a round."""
    workers: int = 2
    """Processes that load pictures."""
    precision: Precision = "auto"
    """Number format of the step; auto takes bfloat16 where the processor computes it fast."""
    device: str = "auto"
    """cpu, cuda, ..."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "loader.py", argv)
    hardware = choose_hardware(config.device, config.precision)
    make_deterministic()
    keep_freed_memory()
    report = Report("loader", config, hardware)
    photos = take_photos(config.pictures, config.count)
    listed = config.batches * config.batch_size
    model_config = ModelConfig(input_size=config.size, head_width=config.width)
    with tempfile.TemporaryDirectory() as name:
        root = write_voc(Path(name) / "voc", photos, {"train": listed})
        augmentation = Augmentation(AugmentConfig())
        padding = model_config.padding
        data = VocDataset(root, "train", config.size, padding, LABELS, augmentation)
        sampler = EpochSampler([each.label for each in data.pictures], config.batch_size, 0.0, 0)
        sampler.set_position(0)

        def load() -> Batch:
            *_, last = make_loader(data, sampler, config.workers, pin_memory=False)
            return last

        pictures, targets = load()
        trainer = make_trainer(model_config, hardware, config.batch_size, Path(name))
        trainer.model.train()
        sides = {"load": load, "step": lambda: trainer.step(pictures, targets)}
        seconds = in_turns(sides, config.rounds, clock_of(hardware))
    setting = f"{config.size} px, {config.workers} workers, {torch.get_num_threads()} threads"
    loaded = [listed / each for each in seconds["load"]]
    used = [config.batch_size / each for each in seconds["step"]]
    report.figure(setting, "loaded", loaded, "pictures a second")
    report.figure(setting, "used by the step", used, "pictures a second")
    ratio = report.ratio(setting, "loader over step", loaded, used)
    report.finish("LOADER_OVER_STEP", ratio.median)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
