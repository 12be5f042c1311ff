"""Device and arithmetic of the network, chosen for the machine at hand."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from fer_det.config.model import Precision
from fer_det.errors import ConfigError

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Hardware:
    """A device and the arithmetic of the forward pass on it."""

    device: torch.device
    precision: Precision
    """float32, bfloat16 or float16."""

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context to run the network in."""
        mixed = self.precision != "float32"
        return torch.autocast(self.device.type, _TYPES[self.precision], enabled=mixed)

    def prepare(self, model: nn.Module) -> nn.Module:
        """Make a model ready for evaluation on this device, in place.

        Weights of convolutions and linear layers are stored in this precision, except those of
        layers with the attribute `keeps_precision`. autocast would convert them at each call, with
        the same results to the last bit.
        """
        model.to(self.device).eval()
        if self.precision != "float32":
            for layer in model.modules():
                kept = getattr(layer, "keeps_precision", False)
                if isinstance(layer, (nn.Conv2d, nn.Linear)) and not kept:
                    for parameter in layer.parameters(recurse=False):
                        parameter.data = parameter.data.to(_TYPES[self.precision])
        return model.requires_grad_(False)

    def describe(self) -> str:
        """Return `cpu, bfloat16, 2 threads` or the like."""
        threads = f", {torch.get_num_threads()} threads" if self.device.type == "cpu" else ""
        return f"{self.device}, {self.precision}{threads}"


def choose_hardware(device: str, precision: Precision, local_rank: int = 0) -> Hardware:
    """Turn the flags --device and --precision into a device and an arithmetic.

    device: auto (an NVIDIA GPU, else Apple's GPU, else the CPU), cpu, mps, cuda or cuda:N.
    precision: auto takes bfloat16 where the device is fast at it. local_rank: on several GPUs the
    process of this rank takes the GPU of this number. Raises ConfigError for what is not there.
    """
    chosen = _choose_device(device, local_rank)
    if precision == "auto":
        return Hardware(chosen, _fastest(chosen))
    if precision == "float16" and chosen.type == "cpu":
        raise ConfigError(
            "--precision float16 on the CPU", "float32 or bfloat16", "change the flag"
        )
    if precision == "bfloat16" and chosen.type == "mps" and not _mps_has_bfloat16():
        raise ConfigError(
            "--precision bfloat16 on a macOS before 14",
            "float32 or float16",
            "change the flag, or update macOS",
        )
    return Hardware(chosen, precision)


def make_deterministic() -> None:
    """Ask torch for the same results in every run, where it has such implementations."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False


def _choose_device(device: str, local_rank: int) -> torch.device:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    name = device
    if device == "auto":
        name = "cuda" if gpus else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        # Each process of a machine takes a GPU of its own.
        chosen = torch.device(f"cuda:{local_rank}" if name == "cuda" else name)
    except RuntimeError as error:
        raise _no_device(device) from error
    if chosen.type not in ("cpu", "cuda", "mps"):
        raise _no_device(device)
    if chosen.type == "cuda" and chosen.index >= gpus:
        raise ConfigError(
            f"--device {device} for process {local_rank}, and torch sees {gpus} GPUs",
            "a GPU that is there, one for each process",
            "leave the flag out, or start fewer processes; docs/troubleshooting.md: no GPU is seen",
        )
    if chosen.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError(
            f"--device {device} without an Apple GPU that torch can use",
            "cpu, cuda or cuda:N here",
            "change the flag or leave it out",
        )
    return chosen


def _no_device(device: str) -> ConfigError:
    return ConfigError(f"--device {device}", "cpu, cuda, cuda:N or mps", "change the flag")


def _fastest(device: torch.device) -> Precision:
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if device.type == "mps":
        return "bfloat16" if _mps_has_bfloat16() else "float32"
    # Processors without instructions for bfloat16 emulate it, slowly; so do those that were told to
    # do without AVX-512, by ATEN_CPU_CAPABILITY.
    has_units = torch.backends.cpu.get_cpu_capability() != "AVX2" and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )
    return "bfloat16" if has_units else "float32"


def _mps_has_bfloat16() -> bool:
    return torch.backends.mps.is_macos_or_newer(14, 0)
