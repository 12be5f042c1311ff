"""Model files as LiteRT files: the same answers, the contract, and refusals."""

from __future__ import annotations

import sys
import zipfile
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data.astronaut import portrait
from fake_data.tiny_models import CLASSES, TEMPERATURE, write_tiny
from fake_data.voc_tree import write_voc_tree

from fer_det.cli.export import main
from fer_det.config.export import ExportConfig
from fer_det.config.predict import FaceOptions
from fer_det.errors import ConfigError, WeightsError
from fer_det.export.onnx_model import OnnxModel
from fer_det.predict.predictor import Predictor

needs_converter = pytest.mark.skipif(
    find_spec("litert_torch") is None, reason="no litert-torch, which is in the extra litert"
)
needs_runtime = pytest.mark.skipif(
    find_spec("ai_edge_litert") is None, reason="no ai-edge-litert, which is in the extra litert"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    names = ("ssdlite", "resnet_classifier", "vgg16_frcnn")
    return {name: write_tiny(folder / f"{name}.pth", name) for name in names}


def export(path: Path, source: Path, **settings: Any) -> OnnxModel:
    from fer_det.export.litert_file import export_litert

    config = ExportConfig(**{"out": path, "to": "litert", "pictures": 4, **settings})
    export_litert(config, source)
    return OnnxModel.load(path, engine="litert")


@needs_converter
def test_a_classifier_answers_as_the_model_and_says_what_it_needs(
    weights: dict[str, Path], tmp_path: Path
) -> None:
    contract = export(tmp_path / "a.tflite", weights["resnet_classifier"]).contract
    assert (contract.kind, contract.form, contract.dtype) == ("classifier", "core", "float32")
    assert contract.classes == CLASSES
    assert (contract.input_size, contract.padding) == (32, (128, 128, 128))
    assert contract.temperature == TEMPERATURE
    assert contract.face_margin == pytest.approx(0.1)
    assert contract.fixed_batch
    assert contract.licence == "CC0-1.0"
    assert len(contract.source_sha256) == 64
    with zipfile.ZipFile(tmp_path / "a.tflite") as packed:
        assert packed.namelist() == ["fer_det.json"]
    files = (weights["resnet_classifier"], tmp_path / "a.tflite")
    wanted, found = (
        Predictor.from_checkpoint(path, "cpu", "float32", FaceOptions())(portrait())
        for path in files
    )
    assert len(wanted) == len(found) == 1
    assert found[0].box.as_tuple() == pytest.approx(wanted[0].box.as_tuple(), abs=1)
    assert found[0].probabilities == pytest.approx(wanted[0].probabilities, abs=0.01)


@needs_converter
@pytest.mark.slow
def test_a_detector_answers_as_the_model(weights: dict[str, Path], tmp_path: Path) -> None:
    # The export itself refuses larger differences than docs/export.md allows.
    detector = export(tmp_path / "a.tflite", weights["ssdlite"])
    options = FaceOptions(faces="model", too_small=0, low_resolution=0)
    predictor = Predictor.from_checkpoint(weights["ssdlite"], "cpu", "float32", options)
    picture = np.random.default_rng(5).integers(0, 256, (60, 90, 3), np.uint8)
    wanted, found = predictor(picture, 0.2), detector(picture, 0.2)
    assert len(wanted) == len(found) > 0
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.box.as_tuple() == pytest.approx(theirs.box.as_tuple(), abs=0.01)
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-4)


@needs_converter
def test_smaller_numbers(weights: dict[str, Path], tmp_path: Path) -> None:
    labels = [*CLASSES, *CLASSES]
    data = write_voc_tree(tmp_path / "voc", {"train": labels, "test": labels}).root
    sizes = []
    for dtype in ("float32", "float16", "int8"):
        path = tmp_path / f"{dtype}.tflite"
        settings = {"dtype": dtype, "data": data, "pictures": 14}
        assert export(path, weights["resnet_classifier"], **settings).contract.dtype == dtype
        sizes.append(path.stat().st_size)
    assert sizes[0] > sizes[1] > sizes[2]


@needs_converter
def test_a_file_that_answers_otherwise_does_not_appear(
    weights: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from fer_det.export import litert_file
    from fer_det.models.contract import FaceModel

    convert = litert_file.convert

    def damage(model: FaceModel, size: int) -> bytes:
        damaged = deepcopy(model)
        for values in damaged.parameters():
            values.data *= 1.1
        return convert(damaged, size)

    monkeypatch.setattr(litert_file, "convert", damage)
    source = weights["resnet_classifier"]
    argv = ["--to=litert", f"--weights={source}", f"--out={tmp_path / 'a.tflite'}", "--pictures=4"]
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert "a.tflite answers otherwise than its model" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@needs_converter
def test_faster_rcnn_is_refused_in_one_line(
    weights: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = weights["vgg16_frcnn"]
    argv = ["--to=litert", f"--weights={source}", f"--out={tmp_path / 'a.tflite'}"]
    assert main(argv) == 2
    assert capsys.readouterr().err == (
        f"error: {source}, a vgg16_frcnn, as a LiteRT file, which has no RoIAlign; wanted ssdlite "
        "or a classifier; train --model.name ssdlite, or export --to onnx\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_without_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find(name: str, package: str | None = None) -> object:
        return None if name.startswith(("litert", "ai_edge")) else find_spec(name, package)

    monkeypatch.setattr("importlib.util.find_spec", find)
    assert main(["--to=litert", f"--out={tmp_path / 'a.tflite'}"]) == 2
    assert capsys.readouterr().err == (
        "error: no package litert_torch, ai_edge_quantizer, ai_edge_litert; wanted "
        "what the extra litert installs; pip install 'fer_det[litert]'\n"
    )
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(ConfigError, match=r"needs the package ai_edge_litert.*fer_det\[litert\]"):
        OnnxModel.load(tmp_path / "a.tflite", engine="litert")


@needs_runtime
@pytest.mark.parametrize("content", [b"", b"text", b"\x1c\x00\x00\x00TFL3"])
def test_what_is_no_exported_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tflite").write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.tflite"):
        OnnxModel.load(tmp_path / "a.tflite", engine="litert")


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_other_backends_refuse_the_file(tmp_path: Path, backend: Any) -> None:
    with pytest.raises(ConfigError, match=f"--backend {backend} with"):
        Predictor.from_checkpoint(tmp_path / "a.tflite", backend=backend)


def test_openvino_does_not_check_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--engine openvino with --to litert"):
        ExportConfig(out=tmp_path / "a.tflite", to="litert", engine="openvino")
