"""What the benchmarks share: sides timed in turns, medians with their spread, a table in results/.

A benchmark makes one claim, a ratio of two sides. Both are timed in one run and in turns, so that
whatever else the machine does meets them alike; the ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import csv
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from fer_det.io.files import make_folder
from fer_det.runtime.device import Hardware
from fer_det.runtime.progress import track

RESULTS = Path(__file__).resolve().parent / "results"
COLUMNS = (
    *("time", "setting", "figure", "unit", "median", "low", "high", "rounds"),
    *("machine", "arithmetic", "versions", "commit"),
)


@dataclass(frozen=True)
class BenchmarkConfig:
    """What every benchmark can be told."""

    rounds: int = 7
    """How many times each side is timed, in turns with the others, after one round to warm up."""
    results: Path | None = RESULTS
    """Folder of the tables that a run adds its figures to; null: only printed."""


@dataclass(frozen=True)
class Spread:
    """The median of some measurements, and the quartiles around it."""

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value or more."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def __str__(self) -> str:
        return f"{self.median:10.3f}  [{self.low:.3f}, {self.high:.3f}]"


def in_turns(
    sides: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
    warm_up: int = 1,
) -> dict[str, list[float]]:
    """Seconds that each side took in each round; in every round each side runs once, in order."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    total = rounds + warm_up
    for number in track(range(total), total, ", ".join(sides), "rounds"):
        for name, side in sides.items():
            began = clock()
            side()
            if number >= warm_up:
                seconds[name].append(clock() - began)
    return seconds


class Report:
    """Prints the figures of one benchmark, and keeps them as lines of its table."""

    def __init__(self, what: str, config: BenchmarkConfig, hardware: Hardware) -> None:
        """what: the benchmark's name; the table is <what>-<device>-torch<version>.csv."""
        torch_version = torch.__version__.split("+")[0]
        name = f"{what}-{hardware.device.type}-torch{torch_version}.csv"
        self._path = None if config.results is None else config.results / name
        self._rows: list[dict[str, object]] = []
        self._common = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": describe_machine(hardware),
            "arithmetic": hardware.describe(),
            "versions": describe_versions(),
            "commit": _commit(),
        }
        for key in ("machine", "arithmetic", "versions"):
            print(f"{key}: {self._common[key]}")

    def figure(self, setting: str, name: str, values: Sequence[float], unit: str) -> Spread:
        """Print and keep one figure: median and quartiles of what each round gave."""
        spread = Spread.of(values)
        print(f"{setting:<34} {name:<34}{spread}  {unit}", flush=True)
        numbers = {key: f"{getattr(spread, key):.6g}" for key in ("median", "low", "high")}
        row = {"setting": setting, "figure": name, "unit": unit, "rounds": spread.rounds}
        self._rows.append({**self._common, **row, **numbers})
        return spread

    def ratio(
        self, setting: str, name: str, above: Sequence[float], below: Sequence[float]
    ) -> Spread:
        """The figure above / below, round by round."""
        return self.figure(setting, name, [a / b for a, b in zip(above, below, strict=True)], "x")

    def finish(self, name: str, ratio: float) -> None:
        """Add all figures to the table, and print the claim's as the last line."""
        if self._path is not None:
            make_folder(self._path.parent)
            begun = self._path.exists()
            with self._path.open("a", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                if not begun:
                    writer.writeheader()
                writer.writerows(self._rows)
            print(f"added to {self._path}")
        print(f"{name}: {ratio:.3f}", flush=True)


def clock_of(hardware: Hardware) -> Callable[[], float]:
    """A clock that a GPU's pending work is waited for."""

    def clock() -> float:
        if hardware.device.type == "cuda":
            torch.cuda.synchronize(hardware.device)
        return time.perf_counter()

    return clock


def per_picture(seconds: Sequence[float], pictures: int) -> list[float]:
    """Seconds a batch -> milliseconds a picture."""
    return [1000 * each / pictures for each in seconds]


def describe_machine(hardware: Hardware) -> str:
    """'2 cores, AMD EPYC, AVX512, AVX-512 bf16' or the GPU's name."""
    if hardware.device.type == "cuda":
        return str(torch.cuda.get_device_name(hardware.device))
    units = [torch.backends.cpu.get_cpu_capability()]
    units += ["bf16 units"] * torch.cpu._is_avx512_bf16_supported()
    units += ["AMX"] * torch.cpu._is_amx_tile_supported()
    return ", ".join([f"{os.cpu_count()} cores", _processor(), *units])


def describe_versions() -> str:
    """Python and the packages whose speed is measured."""
    packages = ("torch", "torchvision", "numpy", "pillow")
    versions = [f"{name} {version(name)}" for name in packages]
    return ", ".join([f"python {platform.python_version()}", *versions])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    command = ["git", "-C", str(RESULTS.parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
