"""The flags of `fer-det export` and `fer-det web`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.config.model import demand, demand_file

Target = Literal["onnx", "onnx-core", "openvino", "litert", "mtcnn", "safetensors", "backbone"]
"""What docs/export.md describes."""
_SUFFIXES = {
    **{"onnx": ".onnx", "onnx-core": ".onnx", "openvino": ".onnx", "litert": ".tflite"},
    **{"safetensors": ".safetensors", "backbone": ".safetensors"},
}
WITHOUT_MAKE = (
    "without the repository: npm pack onnxruntime-web && tar -xzf onnxruntime-web-*.tgz && "
    "fer-det web --build --runtime package/dist"
)
"""The commands that build the page where there is no Makefile."""
NumberType = Literal["float32", "float16", "int8"]


@dataclass(frozen=True)
class ExportConfig:
    """Write a trained model as an ONNX or LiteRT file and check its answers against the model's.

    Such a file carries its classes, input, temperature, thresholds, licence and source. Exit code
    2, and no file, where its answers differ by more than docs/export.md allows.
    """

    out: Path
    """File to write; of mtcnn a folder for its three files."""
    to: Target = "onnx"
    """onnx: picture in, faces out; onnx-core: without the selection of boxes, for web pages and
    other programs; openvino: the same, checked with OpenVINO; litert: the same as a .tflite
    file, for phones; mtcnn: the three networks of the face detector MTCNN, which need no
    --weights; safetensors: the model file itself, to pass on, without the paths of this machine;
    backbone: the same of a model on VGG16, its convolutions alone, for --init of other
    trainings."""
    weights: Path = Path("best.pth")
    """Model file; a bare name that is not in this folder is searched in the newest run of runs/."""
    dtype: NumberType = "float32"
    """Type of the numbers in the file; float16 is half the size, int8 a quarter, and needs --data
    to measure ranges and accuracy."""
    data: Path | None = None
    """VOC folder whose pictures the check uses; made patterns by default."""
    split: str = "test"
    """Image set of --data that the check uses; int8 measures its ranges on another, train."""
    pictures: int | None = None
    """Number of pictures of the check; null: 64, for int8 400, since it allows less accuracy."""
    calibration: int = 100
    """Number of pictures that int8 measures its ranges on; of litert layers measure their own."""
    engine: Literal["onnx", "openvino"] = "onnx"
    """What runs an ONNX file in the check: onnxruntime or OpenVINO."""
    source: str | None = None
    """Of safetensors: who made the weights, written into the file."""
    licence: str | None = None
    """Of safetensors: under which terms they may be used."""
    trained_on: str | None = None
    """Of safetensors: the data that they were trained on."""
    overwrite: bool = False
    """Replace the file if it exists."""

    @property
    def checked(self) -> int:
        """Number of pictures of the check."""
        return self.pictures or (400 if self.dtype == "int8" else 64)

    def __post_init__(self) -> None:
        for name in ("pictures", "calibration"):
            number = getattr(self, name)
            demand(number is None or number > 0, f"--{name} {number}", "at least 1")
        demand(
            self.dtype != "int8" or self.data is not None,
            "--dtype int8 without --data",
            "a VOC folder with pictures to measure ranges on",
        )
        texts = (self.source, self.licence, self.trained_on)
        described = self.to in ("safetensors", "backbone") or texts == (None, None, None)
        demand(
            described,
            f"--source, --licence or --trained_on with --to {self.to}",
            "safetensors or backbone",
        )
        demand(
            self.engine == "onnx" or self.to in ("onnx", "onnx-core", "openvino"),
            f"--engine {self.engine} with --to {self.to}",
            "onnx or onnx-core, whose files it runs",
        )
        if self.to == "mtcnn":
            return
        demand_file("--out", self.out)
        suffix = _SUFFIXES[self.to]
        demand(
            self.out.suffix.lower() == suffix,
            f"--out {self.out} with --to {self.to}",
            f"a name that ends in {suffix}",
        )


@dataclass(frozen=True)
class WebConfig:
    """Serve the web page on this machine, or build its folder.

    The page finds faces and expressions in the browser; no picture leaves it. `make web` builds
    the folder.
    """

    folder: Path = Path("build/web")
    """Folder of the page."""
    port: int = 8000
    """Port on 127.0.0.1; 0 takes a free one."""
    build: bool = False
    """Build the folder instead of serving it."""
    weights: Path = Path("weights/expression_small.safetensors")
    """Model file of the classifier or detector that the page uses, by default the shipped one; a
    bare name that is not in this folder is searched in the newest run of runs/. Of --build, as are
    the flags below."""
    dtype: NumberType = "float16"
    """Type of the numbers in the model's file; int8 needs --data."""
    data: Path | None = None
    """VOC folder for the check of the export, see fer-det export."""
    runtime: Path = Path("build/npm/package/dist")
    """Folder with the files of onnxruntime-web, from its npm package."""

    def __post_init__(self) -> None:
        demand(0 <= self.port < 65536, f"--port {self.port}", "0 to 65535")
        demand(
            not self.build or self.dtype != "int8" or self.data is not None,
            "--dtype int8 without --data",
            "a VOC folder with pictures to measure ranges on",
        )
