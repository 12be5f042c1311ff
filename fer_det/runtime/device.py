"""Where the network runs and in which arithmetic, chosen for the machine at hand."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from fer_det.config.training import Precision
from fer_det.errors import ConfigError

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Hardware:
    """A device and the arithmetic of the forward pass on it."""

    device: torch.device
    precision: str
    """float32, bfloat16 or float16."""

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which the network is run."""
        mixed = self.precision != "float32"
        return torch.autocast(self.device.type, _TYPES[self.precision], enabled=mixed)

    def prepare(self, model: nn.Module) -> nn.Module:
        """Make a model ready to answer here, and only that; in place.

        The weights of its products are kept in this arithmetic. autocast would turn them at every
        call, and answers the same to the last digit.
        """
        model.to(self.device).eval()
        if self.precision != "float32":
            for layer in model.modules():
                if isinstance(layer, (nn.Conv2d, nn.Linear)):
                    for parameter in layer.parameters(recurse=False):
                        parameter.data = parameter.data.to(_TYPES[self.precision])
        return model.requires_grad_(False)

    def describe(self) -> str:
        """'cpu, bfloat16, 2 threads' or the like."""
        threads = f", {torch.get_num_threads()} threads" if self.device.type == "cpu" else ""
        return f"{self.device}, {self.precision}{threads}"


def choose_hardware(device: str, precision: Precision, local_rank: int = 0) -> Hardware:
    """Turn the flags into a device and an arithmetic that are there; ConfigError otherwise."""
    chosen = _choose_device(device, local_rank)
    if precision == "auto":
        return Hardware(chosen, _fastest(chosen))
    if precision == "float16" and chosen.type == "cpu":
        raise ConfigError(
            "--precision float16 on the CPU", "float32 or bfloat16", "change the flag"
        )
    return Hardware(chosen, precision)


def make_deterministic() -> None:
    """Ask torch for the same bytes on every run, where it can give them."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False


def _choose_device(device: str, local_rank: int) -> torch.device:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    name = ("cuda" if gpus else "cpu") if device == "auto" else device
    try:
        # Each process of a machine takes a GPU of its own.
        chosen = torch.device(f"cuda:{local_rank}" if name == "cuda" else name)
    except RuntimeError as error:
        raise _no_device(device) from error
    if chosen.type not in ("cpu", "cuda"):
        raise _no_device(device)
    if chosen.type == "cuda" and chosen.index >= gpus:
        raise ConfigError(
            f"--device {device} for process {local_rank} and {gpus} GPUs",
            "a GPU that is there, one for each process",
            "start fewer processes, or leave the flag out",
        )
    return chosen


def _no_device(device: str) -> ConfigError:
    return ConfigError(f"--device {device}", "cpu, cuda or cuda:N", "change the flag")


def _fastest(device: torch.device) -> str:
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    # bfloat16 is emulated, and slow, where the processor has no instructions for it.
    has_units = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if device.type == "cpu" and has_units else "float32"
