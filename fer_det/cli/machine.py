"""Settings of a training that names none: those that this computer can train in hours."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

OWN_CHOICE = ("--config", "--print_config", "--print-config", "--help")
"""Beginnings of flags with which a command is taken as it is typed."""


def settings_for_machine(argv: Sequence[str] | None, without_gpu: str) -> tuple[list[str], str]:
    """Return a training command's arguments, with --config where they need one, and a note on it.

    A command that chooses neither a configuration nor a model trains on a computer without a GPU by
    the configuration `without_gpu`, since the defaults would take days there. The note says so, or
    that flags of the default model keep its defaults; "" where there is nothing to say.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if any(word.startswith(OWN_CHOICE) or word == "-h" for word in words) or _has_gpu(words):
        return words, ""
    own_model = [word for word in words if word.startswith("--model.")]
    if any(word.startswith("--model.name") for word in own_model):
        return words, ""
    if own_model:
        note = "no GPU is used, and flags of the model keep the settings for GPUs; faster: --config"
        return words, f"{note} {without_gpu} before them\n"
    note = f"no GPU is used: settings of configs/{without_gpu}.yaml; others by --config, --model.*"
    return ["--config", without_gpu, *words], f"{note}\n"


def say_once(note: str) -> None:
    """Print a note of a training command, in the first of its processes only."""
    if os.environ.get("RANK", "0") == "0":
        print(end=note)


def _has_gpu(words: Sequence[str]) -> bool:
    import torch

    device = next((each.partition("=")[2] for each in words if each.startswith("--device=")), None)
    if "--device" in words[:-1]:
        device = words[words.index("--device") + 1]
    if device not in (None, "auto"):
        return device != "cpu"
    return torch.cuda.is_available() or torch.backends.mps.is_available()
