"""A model file -> an ONNX file, checked against the model before it appears."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from fer_det.config.export import ExportConfig
from fer_det.export.contract import METADATA_KEY, Contract, Form
from fer_det.export.exporter import calibration_images, export_checked
from fer_det.export.graphs import Complete, Core
from fer_det.export.number_types import quantise, store_as_float16
from fer_det.export.parity import Parity
from fer_det.models.contract import FaceModel

OPSET = 17


def export_onnx(config: ExportConfig, weights: Path) -> Parity:
    """Write config.out; return how it differs from the model in `weights`.

    Raises what export_checked does.
    """

    def write(model: FaceModel, contract: Contract, path: Path) -> None:
        graph = Core(model) if contract.form == "core" else Complete(model, contract)
        proto = trace(graph, contract)
        if config.dtype == "float16":
            proto = store_as_float16(proto)
        elif config.dtype == "int8":
            proto = quantise(proto, calibration_images(contract, config))
        sign(proto, contract)
        onnx.save(proto, path)

    form: Form = "core" if config.to == "onnx-core" else "complete"
    return export_checked(config, weights, form, config.engine, write)


def trace(graph: nn.Module, contract: Contract) -> onnx.ModelProto:
    """Return the ONNX graph of a Core or Complete."""
    if contract.kind == "classifier":
        names = ["logits" if contract.form == "core" else "probabilities"]
    elif contract.form == "core":
        names = ["logits", "deltas", "anchors"]
    else:
        names = ["boxes", "scores", "probabilities"]
    example = torch.rand(1, 3, contract.input_size, contract.input_size)
    batch = {} if contract.fixed_batch else {0: "batch"}
    dynamic = dict.fromkeys(("images", *names), batch) if batch else {}
    return trace_graph(graph, example, ["images"], names, dynamic)


def trace_graph(
    graph: nn.Module,
    example: torch.Tensor,
    inputs: list[str],
    outputs: list[str],
    dynamic: dict[str, dict[int, str]],
) -> onnx.ModelProto:
    """Trace a module by TorchScript: torch.export refuses suppression, whose shapes are data."""
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        torch.inference_mode(),
    ):
        path = Path(folder, "graph.onnx")
        # The exporter's age, and each Python number of the anchors, which are constants indeed.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.eval(),
            (example,),
            path,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=dynamic,
            opset_version=OPSET,
            dynamo=False,
        )
        return onnx.load(path)


def sign(proto: onnx.ModelProto, contract: Contract) -> None:
    """Put the contract into the file's metadata."""
    del proto.metadata_props[:]
    entry = proto.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, contract.to_json()
    proto.producer_name = "fer_det"
