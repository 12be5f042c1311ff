"""What one photo costs, from its file to the expressions of its faces, here and in other packages.

    python benchmarks/packages.py [--files FILE ...] [--others '{"fer": "fer/bin/python"}']

Each package runs in processes of its own, in turns: CPU and wall seconds from the start of Python
to the first answer, the most memory, and the seconds of a further answer in the same process. The
photo has 640 x 480 pixels and one face. Packages that do not run are named with their last line.
Linux only.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import _project  # noqa: F401  (first: it may run this script again in .venv)
import torch
from _measure import BenchmarkConfig, Report
from PIL import Image

from fer_det.config.command import parse_config
from fer_det.config.export import ExportConfig
from fer_det.errors import ConfigError
from fer_det.export.onnx_file import export_onnx
from fer_det.io.files import find_shipped
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware
from fer_det.runtime.progress import track

SCRIPT = Path(__file__).with_name("_one_package.py")
PHOTO = Path(__file__).parents[1] / "docs" / "photos" / "astronaut.jpg"
SIZE = (640, 480)
WEIGHTS = "weights/expression_small.safetensors"


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Compare ways to answer one photo."""

    rounds: int = 5
    """Processes of each side, in turns with the others."""
    repeats: int = 10
    """Further answers in each process."""
    files: tuple[Path, ...] = ()
    """Files of fer-det export, each a side of its own."""
    others: dict[str, Path] = field(default_factory=dict)
    """Names of other packages, and the Python of an environment that has each: fer,
    hsemotion-onnx, uniface, deepface, py-feat."""


@dataclass(frozen=True)
class Side:
    """One way to answer."""

    title: str
    python: str
    package: str
    weights: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "packages.py", argv)
    report = Report("packages", config, Hardware(torch.device("cpu"), "float32"))
    with tempfile.TemporaryDirectory() as name:
        photo = _write_photo(Path(name, "photo.jpg"))
        sides = _sides(config, Path(name))
        answers: dict[str, list[dict[str, Any]]] = {side.title: [] for side in sides}
        for _ in track(range(config.rounds), config.rounds, "packages", "rounds"):
            for side in list(sides):
                try:
                    answers[side.title].append(_ask(side, photo, config.repeats))
                except _DoesNotRunError as error:
                    print(f"{side.title}: does not run: {error}", flush=True)
                    sides.remove(side)
                    del answers[side.title]
    for title, rounds in answers.items():
        for figure in ("first CPU", "first wall", "next CPU", "next wall"):
            report.figure(title, figure, [each[figure] for each in rounds], "s")
        report.figure(title, "memory", [each["megabytes"] for each in rounds], "MB at most")
        print(f"{title}: {rounds[0]['labels']}")
    first = {title: [each["first CPU"] for each in rounds] for title, rounds in answers.items()}
    ours = first.pop("onnxruntime")
    ratios = {
        title: report.ratio(f"{title} over onnxruntime", "first CPU", seconds, ours)
        for title, seconds in first.items()
    }
    report.finish("FIRST_ANSWER_TORCH_OVER_ONNX", ratios["torch"].median)
    return EXIT_OK


class _DoesNotRunError(Exception):
    """A package gave no answer; the last line of what it printed."""


def _sides(config: Config, folder: Path) -> list[Side]:
    weights = find_shipped(WEIGHTS)
    if weights is None:
        raise ConfigError(f"no {WEIGHTS}", "the shipped classifier", "install fer_det again")
    exported = folder / "float32.onnx"
    export_onnx(ExportConfig(out=exported, pictures=4), weights)
    sides = [
        Side("torch", sys.executable, "fer_det", str(weights)),
        Side("onnxruntime", sys.executable, "fer_det", str(exported)),
    ]
    if find_spec("openvino"):
        sides.append(Side("openvino", sys.executable, "openvino", str(exported)))
    sides += [Side(file.name, sys.executable, "fer_det", str(file)) for file in config.files]
    sides += [Side(name, str(python), name) for name, python in config.others.items()]
    return sides


def _write_photo(path: Path) -> Path:
    with Image.open(PHOTO) as portrait:
        photo = Image.new("RGB", SIZE, (128, 128, 128))
        photo.paste(portrait.convert("RGB").resize((SIZE[1], SIZE[1])), (80, 0))
    photo.save(path, quality=95)
    return path


def _ask(side: Side, photo: Path, repeats: int) -> dict[str, Any]:
    """Run a side twice, for the first answer and for the next ones -> the figures."""
    command = [side.python, str(SCRIPT), side.package, str(photo)]
    began = time.perf_counter()
    before = os.times()
    first = _run([*command, "0", side.weights])
    after = os.times()
    seconds = time.perf_counter() - began
    further = _run([*command, str(repeats), side.weights])
    return {
        "first CPU": sum(after[2:4]) - sum(before[2:4]),
        "first wall": seconds,
        "next CPU": sorted(further["cpu"])[repeats // 2],
        "next wall": sorted(further["wall"])[repeats // 2],
        "megabytes": first["megabytes"],
        "labels": first["labels"],
    }


def _run(command: Sequence[str]) -> dict[str, Any]:
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _DoesNotRunError(str(error)) from error
    if told.returncode:
        raise _DoesNotRunError((told.stderr.strip().splitlines() or ["no message"])[-1])
    return dict(json.loads(told.stdout.splitlines()[-1]))


if __name__ == "__main__":
    sys.exit(main())
