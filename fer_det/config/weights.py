"""The settings of the commands that convert and download weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.config.model import demand

Channels = Literal["auto", "rgb", "bgr"]
StoredType = Literal["float32", "float16"]
PublicName = Literal[
    "caffe", "matconvnet", "pytorch", "keras", "keras_notop", "deepface", "imagenet"
]


@dataclass(frozen=True)
class ConvertWeightsConfig:
    """Convert a published file of VGG-Face, torchvision's VGG16, DAN or EmotiEffLib for fer_det.

    The file may also come first, without its flag: convert-weights IN --out OUT.safetensors. It is
    recognised by its content, not by its name, and nothing in it is run.
    """

    weights: Path
    """File to convert: .pth, .h5, .mat or .caffemodel, unpacked."""
    out: Path
    """File to write, .safetensors: weights with which training can start, or of a classifier the
    whole model."""
    overwrite: bool = False
    """Replace --out if it exists."""
    head: bool = True
    """Take fc6 and fc7, too, where the file has them; they are nine tenths of it."""
    dtype: StoredType = "float32"
    """Type of the numbers written; float16 takes half the space and is nearly the same."""
    channels: Channels = "auto"
    """Order of colours that the file's first layer reads; auto is what is known of its format."""
    classes: tuple[str, ...] = ()
    """Of DAN and EmotiEffLib: what the answers stand for, in their order, where the file leaves it
    open, such as surprise,fear,disgust,happiness,sadness,anger,neutral."""


@dataclass(frozen=True)
class FetchWeightsConfig:
    """Download a published file of weights, check it and convert it into a weights file of fer_det.

    This is the only command that uses the network. A file that is in --folder already is not
    downloaded again.
    """

    file: PublicName = "caffe"
    """Which published file; weights/README.md lists sources, sizes and licences."""
    folder: Path = Path("weights/downloads")
    """Folder for downloads; a download that broke off continues where it stopped."""
    out: Path = Path("weights/vgg_face.safetensors")
    """Weights file to write, .safetensors, with which training can start."""
    dtype: StoredType = "float32"
    """Type of the numbers written; float16 takes half the space and is nearly the same."""
    timeout: float = 60.0
    """Seconds without an answer after which the download is given up."""

    def __post_init__(self) -> None:
        demand(self.timeout > 0, f"--timeout {self.timeout}", "more than 0 seconds")
