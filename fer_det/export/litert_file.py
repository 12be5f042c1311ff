"""A model file -> a LiteRT (.tflite) file for phones, checked against the model."""

from __future__ import annotations

import io
import logging
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from fer_det.config.export import ExportConfig
from fer_det.errors import ConfigError, WeightsError
from fer_det.export.contract import CONTRACT_FILE, CORE_OUTPUTS, Contract
from fer_det.export.exporter import export_checked
from fer_det.export.parity import Parity
from fer_det.export.sessions import without_native_log
from fer_det.models.contract import FaceModel

INPUT = "images"


def export_litert(config: ExportConfig, weights: Path) -> Parity:
    """Write config.out; return how it differs from the model in `weights`.

    Raises what export_checked does, and ConfigError for a model that LiteRT has no operators for.
    """

    def write(model: FaceModel, contract: Contract, path: Path) -> None:
        if isinstance(model, GeneralizedRCNN):
            raise ConfigError(
                f"{weights}, a {contract.model}, as a LiteRT file, which has no RoIAlign",
                "ssdlite or a classifier",
                "train --model.name ssdlite, or export --to onnx",
            )
        content = convert(model, contract.input_size)
        if config.dtype == "float16":
            content = store_as_float16(content)
        elif config.dtype == "int8":
            content = quantise(content)
        path.write_bytes(content)
        sign(path, contract)

    return export_checked(config, weights, "core", "litert", write)


class _Named(nn.Module):
    """The layers of a model, with the names of CORE_OUTPUTS."""

    def __init__(self, model: FaceModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        found = self.model.raw_outputs(images)
        return {name: found[name] for name in CORE_OUTPUTS if name in found}


def convert(model: FaceModel, size: int) -> bytes:
    """Convert a model whose input is [1, 3, size, size]; WeightsError where it cannot be."""
    with _quiet():
        import litert_torch

        litert_torch.config.show_progress = False
        # litert-torch 0.10 writes wrong weights from channels_last ones.
        graph = _Named(model.to(memory_format=torch.contiguous_format)).eval()
        example = {INPUT: torch.rand(1, 3, size, size)}
        try:
            converted = litert_torch.convert(graph, sample_kwargs=example)
            content: bytes = converted.model_content()
        # What it raises has no common base class but Exception.
        except Exception as error:
            first = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise WeightsError(
                f"litert-torch cannot convert this model ({first})",
                "ssdlite or a classifier of operators that LiteRT has",
                "export --to onnx",
            ) from error
    return content


def store_as_float16(content: bytes) -> bytes:
    """Store the weights of convolutions and products in float16; the arithmetic is in float32."""
    with _quiet():
        from ai_edge_quantizer import qtyping
        from ai_edge_quantizer.algorithm_manager import AlgorithmName
        from ai_edge_quantizer.quantizer import Quantizer

        half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        stored = qtyping.OpQuantizationConfig(
            weight_tensor_config=half,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        )
        quantizer = Quantizer(content)
        for name in _products():
            quantizer.update_quantization_recipe(".*", name, stored, AlgorithmName.FLOAT_CASTING)
        return bytes(quantizer.quantize().quantized_model)


def quantise(content: bytes) -> bytes:
    """Store the weights in INT8 with a scale for each output channel; layers quantise their input
    by its own range while they run.

    Ranges measured beforehand (static quantisation) lost more accuracy at the same speed, see
    docs/export.md.
    """
    with _quiet():
        from ai_edge_quantizer.quantizer import Quantizer

        quantizer = Quantizer(content)
        for name in _products():
            quantizer.add_dynamic_config(".*", name, num_bits=8)
        return bytes(quantizer.quantize().quantized_model)


def sign(path: Path, contract: Contract) -> None:
    """Append the contract as a ZIP archive, as TensorFlow Lite's metadata has associated files."""
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr(zipfile.ZipInfo(CONTRACT_FILE), contract.to_json())


def _products() -> tuple[Any, ...]:
    from ai_edge_quantizer.qtyping import TFLOperationName as Operation

    return Operation.CONV_2D, Operation.DEPTHWISE_CONV_2D, Operation.FULLY_CONNECTED


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop what converter and quantizer print."""
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            without_native_log(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
