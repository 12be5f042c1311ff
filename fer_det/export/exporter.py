"""What every exporter does: describe the model, write the file, check it, and only then show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from fer_det.config.export import ExportConfig
from fer_det.config.model import ClassifierModelConfig
from fer_det.errors import OutputError
from fer_det.export.contract import Contract, Form, Thresholds
from fer_det.export.decoding import Floats
from fer_det.export.onnx_model import OnnxModel
from fer_det.export.parity import Parity, measure, questions
from fer_det.export.sessions import Engine
from fer_det.io.files import atomic_path, make_folder
from fer_det.models import is_detector
from fer_det.models.contract import FaceModel
from fer_det.weights.model_file import (
    UNKNOWN_BELOW,
    ModelFile,
    read_model_file,
    restore_model,
)

CALIBRATION_SPLIT = "train"
UNKNOWN_LICENCE = "not stated; that of the weights and data it was trained with"

Write = Callable[[FaceModel, Contract, Path], None]
"""Writes the model, on the CPU in float32 and in evaluation mode, as a file with its contract."""


def export_checked(
    config: ExportConfig, weights: Path, form: Form, engine: Engine, write: Write
) -> Parity:
    """Write config.out; return how it differs from the model in `weights`.

    engine: what runs the file in the check. Raises OutputError where config.out exists, and
    WeightsError, and leaves no file, where it differs by more than parity.ALLOWED.
    """
    if config.out.exists() and not config.overwrite:
        raise OutputError(
            f"{config.out} exists already",
            "a new file",
            "name another --out, or give --overwrite to replace it",
        )
    file = read_model_file(weights)
    model = restore_model(file, weights).eval().float()
    contract = replace(
        describe(file, form),
        dtype=config.dtype,
        fixed_batch=engine == "litert" or is_detector(file.config) or not model.traces_batches,
    )
    asked = list(questions(contract, config.data, config.split, config.checked))
    make_folder(config.out.parent)
    with atomic_path(config.out) as path:
        write(model, contract, path)
        exported = OnnxModel.load(path, engine=engine)
        parity = measure(model, file.temperature, exported, asked)
        parity.demand(config.dtype, str(config.out))
    return parity


def describe(file: ModelFile, form: Form) -> Contract:
    """Return the contract of the file that is made from a model file."""
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


def _box_constants(config: Any) -> dict[str, Any]:
    return {
        "box_weights": config.box_weights,
        "candidates": getattr(config, "candidates", None),
        "nms_iou": config.nms_iou,
        "detections": config.detections,
    }


def calibration_images(contract: Contract, config: ExportConfig) -> Iterator[Floats]:
    """Yield inputs [1, 3, S, S] on which INT8 measures its ranges."""
    asked = questions(contract, config.data, CALIBRATION_SPLIT, config.calibration)
    for question in islice(asked, config.calibration):
        yield question.image[None]
