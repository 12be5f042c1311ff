"""Every setting of the commands that convert and fetch weights, with its default and its help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.config.model import demand

Channels = Literal["auto", "rgb", "bgr"]
StoredType = Literal["float32", "float16"]
PublicName = Literal[
    "caffe", "matconvnet", "torch", "pytorch", "keras", "keras_notop", "deepface", "imagenet"
]


@dataclass(frozen=True)
class ConvertWeightsConfig:
    """Turn a public file of VGG-Face, or torchvision's VGG16, into a weights file of ours.

    The file may also stand first, without its flag: convert_weights.py IN --out OUT.safetensors.
    What it is, is told by what is in it, not by its name; nothing in it is run.
    """

    weights: Path
    """File to convert: .pth, .h5, .mat, .caffemodel or .t7, unpacked."""
    out: Path
    """Weights file to write, .safetensors, from which training can start."""
    head: bool = True
    """Take fc6 and fc7 too, where the file has them; they are nine tenths of it."""
    dtype: StoredType = "float32"
    """Type of the numbers written; float16 is half as large and nearly the same."""
    channels: Channels = "auto"
    """Order of colours that the file's first layer reads; auto is what is known of its form."""


@dataclass(frozen=True)
class FetchWeightsConfig:
    """Download a public file of weights, check it and turn it into a weights file of ours.

    Only this command uses the network, and only when it is typed. A file that already lies in
    --folder is not downloaded again, whoever put it there.
    """

    file: PublicName = "caffe"
    """Which public file; weights/README.md tells sources, sizes and licences."""
    folder: Path = Path("weights/downloads")
    """Folder that downloads go to; a broken one goes on where it stopped."""
    out: Path = Path("weights/vgg_face.safetensors")
    """Weights file to write, .safetensors, from which training can start."""
    dtype: StoredType = "float32"
    """Type of the numbers written; float16 is half as large and nearly the same."""
    timeout: float = 60.0
    """Seconds without an answer after which the network counts as absent."""

    def __post_init__(self) -> None:
        demand(self.timeout > 0, f"--timeout {self.timeout}", "more than 0 seconds")
