"""The model that a checkpoint describes, with the checkpoint's weights in it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from fer_det.errors import WeightsError
from fer_det.models import build_model
from fer_det.weights.checkpoint import Checkpoint

_LONGEST = 160
"""Of what torch says, which may name all layers."""


def restore_model(checkpoint: Checkpoint, path: Path) -> nn.Module:
    """Build the checkpoint's model and put its weights in; `path` is what an error calls it.

    Raises WeightsError where the weights are not those of the network that the file describes, and
    ConfigError where no such model is known.
    """
    # On no device at first: what a file says of its size should cost nothing until it is true.
    with torch.device("meta"):
        described = build_model(checkpoint.config, checkpoint.classes)
    try:
        described.load_state_dict(checkpoint.model, assign=True)
    except RuntimeError as error:
        _, *complaints = (line.strip() for line in str(error).splitlines())
        raise WeightsError(
            f"{path} holds other weights than its settings ask for ({_shortened(complaints[0])})",
            "a checkpoint written by fer_det",
            "choose another file or train again",
        ) from error
    model = build_model(checkpoint.config, checkpoint.classes)
    model.load_state_dict(checkpoint.model)
    return model


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
