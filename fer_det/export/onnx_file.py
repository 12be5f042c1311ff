"""A model file -> an ONNX file, checked against the model before it appears."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from fer_det.config.export import ExportConfig
from fer_det.config.model import ClassifierModelConfig
from fer_det.errors import OutputError
from fer_det.export.contract import METADATA_KEY, Contract, Form, Thresholds
from fer_det.export.decoding import Floats
from fer_det.export.graphs import Complete, Core
from fer_det.export.number_types import quantise, store_as_float16
from fer_det.export.onnx_model import OnnxModel
from fer_det.export.parity import Parity, measure, questions
from fer_det.io.files import atomic_path, make_folder
from fer_det.models import is_detector
from fer_det.weights.model_file import (
    UNKNOWN_BELOW,
    ModelFile,
    read_model_file,
    restore_model,
)

OPSET = 17
CALIBRATION_SPLIT = "train"
UNKNOWN_LICENCE = "not stated; that of the weights and data it was trained with"


def export_onnx(config: ExportConfig, weights: Path) -> Parity:
    """Write config.out; return how it differs from the model in `weights`.

    Raises WeightsError, and leaves no file, where it differs by more than parity.ALLOWED.
    """
    if config.out.exists() and not config.overwrite:
        raise OutputError(
            f"{config.out} exists already",
            "a new file",
            "name another --out, or give --overwrite to replace it",
        )
    file = read_model_file(weights)
    model = restore_model(file, weights).eval().float()
    form: Form = "core" if config.to == "onnx-core" else "complete"
    contract = replace(
        describe(file, form),
        dtype=config.dtype,
        fixed_batch=is_detector(file.config) or not model.traces_batches,
    )
    asked = list(questions(contract, config.data, config.split, config.pictures))
    graph = Core(model) if form == "core" else Complete(model, contract)
    proto = trace(graph, contract)
    if config.dtype == "float16":
        proto = store_as_float16(proto)
    elif config.dtype == "int8":
        proto = quantise(proto, _calibration_images(contract, config))
    sign(proto, contract)
    make_folder(config.out.parent)
    with atomic_path(config.out) as path:
        onnx.save(proto, path)
        exported = OnnxModel.load(path, engine=config.engine)
        parity = measure(model, file.temperature, exported, asked)
        parity.demand(config.dtype, str(config.out))
    return parity


def describe(file: ModelFile, form: Form) -> Contract:
    """Return the contract of the ONNX file that is made from a model file."""
    config, info = file.config, file.info
    detector = is_detector(config)
    limits: dict[str, Any] = {}
    if UNKNOWN_BELOW in info:
        limits["unknown"] = float(info[UNKNOWN_BELOW])
    return Contract(
        kind="detector" if detector else "classifier",
        form=form,
        model=config.name,
        classes=file.classes,
        input_size=config.input_size,
        padding=config.padding,
        image_mean=config.image_mean,
        image_std=config.image_std,
        face_margin=config.face_margin if isinstance(config, ClassifierModelConfig) else None,
        temperature=file.temperature,
        thresholds=Thresholds(**limits),
        licence=str(info.get("licence", UNKNOWN_LICENCE)),
        source=file.source,
        source_sha256=file.sha256,
        **(_box_constants(config) if detector else {}),
    )


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


def _box_constants(config: Any) -> dict[str, Any]:
    return {
        "box_weights": config.box_weights,
        "candidates": getattr(config, "candidates", None),
        "nms_iou": config.nms_iou,
        "detections": config.detections,
    }


def _calibration_images(contract: Contract, config: ExportConfig) -> Iterator[Floats]:
    asked = questions(contract, config.data, CALIBRATION_SPLIT, config.calibration)
    for question in islice(asked, config.calibration):
        yield question.image[None]
