"""Whether memory stays flat, however many pictures there are.

    python benchmarks/memory.py [--few 200] [--many 800]

Converts, trains on and scores a few pictures and then many, each in a process of its own, and
compares the most memory that it ever held. The pictures are small, repeated, and prepared in the
same process, so that its memory is all of it.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import _project  # noqa: F401  (first: it may run this script again in .venv)
import numpy as np
import torch
from _measure import BenchmarkConfig, Report
from _pictures import Photo, write_rafdb, write_voc

from fer_det.config.command import parse_config
from fer_det.config.model import demand
from fer_det.core.box import FaceBox
from fer_det.errors import WorkerError
from fer_det.imaging.decode import encode_jpeg
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware

TASKS = ("convert", "train", "evaluate")
SIZE = 64
"""Side of the pictures, in pixels."""
ASK = "--one"
"""First word of the command line on which this script runs one task in its process."""
SMALL = (f"--model.input_size={SIZE // 2}", "--model.head_width=16", "--workers=0")


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Compare the memory that a few pictures need with that of many."""

    few: int = 200
    """Pictures of the smaller run."""
    many: int = 800
    """Pictures of the larger run."""

    def __post_init__(self) -> None:
        found = f"--few {self.few} and --many {self.many}"
        demand(0 < self.few < self.many, found, "at least 1, and more")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "memory.py", argv)
    report = Report("memory", config, Hardware(torch.device("cpu"), "float32"))
    peaks: dict[tuple[str, int], float] = {}
    with tempfile.TemporaryDirectory() as name:
        for count in (config.few, config.many):
            folder = Path(name) / str(count)
            _write_pictures(folder, count)
            for task in TASKS:
                _, peaks[task, count] = run_task(task, folder)
                setting = f"{count} pictures of {SIZE} px"
                report.figure(setting, task, [peaks[task, count]], "MB at most")
    growth = {task: peaks[task, config.many] / peaks[task, config.few] for task in TASKS}
    for task, ratio in growth.items():
        report.figure(f"{config.many} over {config.few}", task, [ratio], "x")
    report.finish("MEMORY_MANY_OVER_FEW", max(growth.values()))
    return EXIT_OK


def _write_pictures(folder: Path, count: int) -> None:
    generator = np.random.default_rng(0)
    photos = []
    for _ in range(16):
        pixels = generator.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        face = FaceBox(0.2 * SIZE, 0.2 * SIZE, 0.8 * SIZE, 0.9 * SIZE)
        photos.append(Photo(encode_jpeg(pixels), SIZE, SIZE, face))
    write_rafdb(folder / "raw", photos, count, faces="aligned")
    write_voc(folder / "voc", photos, {"train": count, "val": 16, "test": count})


def run_task(task: str, folder: Path) -> tuple[float, float]:
    """Do a task in a process of its own -> seconds without its start, megabytes at most."""
    command = [sys.executable, __file__, ASK, task, str(folder)]
    told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode:
        raise WorkerError(
            f"the task {task} failed ({told.stderr.strip().splitlines()[-1:]})",
            "a task that ends well",
            f"run {' '.join(command)}",
        )
    seconds, megabytes = json.loads(told.stdout.splitlines()[-1])
    return float(seconds), float(megabytes)


def _run_one(task: str, folder: Path) -> None:
    """Do one task in this process; print its seconds and the most megabytes that it held."""
    run: dict[str, Callable[[Path], int]] = {
        "convert": _convert,
        "train": _train,
        "evaluate": _evaluate,
    }
    began = time.perf_counter()
    with redirect_stdout(sys.stderr):
        code = run[task](folder)
    if code != EXIT_OK:
        sys.exit(code)
    print(json.dumps([time.perf_counter() - began, most_megabytes()]))


def most_megabytes() -> float:
    """The most memory that this program has held."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Unlike ru_maxrss this does not count what the process was before it ran this program.
        (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def _convert(folder: Path) -> int:
    from voc_builder.cli.build_voc import main as build_voc

    return build_voc(["--rafdb", f"{folder / 'raw'}", "--out", f"{folder / 'out'}", "--workers=0"])


def _train(folder: Path) -> int:
    from fer_det.cli.train import main as train

    where = [f"--data={folder / 'voc'}", f"--out={folder / 'run'}"]
    return train([*where, "--epochs=1", "--balance=0", *SMALL])


def _evaluate(folder: Path) -> int:
    from fer_det.cli.eval import main as evaluate

    weights = f"--weights={folder / 'run' / 'best.pth'}"
    return evaluate([weights, f"--data={folder / 'voc'}", "--workers=0", "--resamples=100"])


if __name__ == "__main__":
    if sys.argv[1:2] == [ASK]:
        _run_one(sys.argv[2], Path(sys.argv[3]))
    else:
        sys.exit(main())
