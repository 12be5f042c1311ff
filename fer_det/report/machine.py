"""What a run was scored on: processor, memory, system, and the versions that matter."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("fer_det", "torch", "torchvision", "numpy", "faster-coco-eval")
_CPU_LIST = Path("/proc/cpuinfo")


def describe_machine(hardware: str) -> dict[str, str]:
    """A name and words for each; hardware: device and arithmetic, as Hardware.describe says it."""
    return {
        "device and arithmetic": hardware,
        "processor": _processor(),
        "logical cores": str(os.cpu_count() or "unknown"),
        "memory": _memory(),
        "system": platform.platform(),
        "Python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    if _CPU_LIST.is_file():
        for line in _CPU_LIST.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows tells it in another way.
        return "unknown"
    return f"{size / 2**30:.1f} GiB"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
