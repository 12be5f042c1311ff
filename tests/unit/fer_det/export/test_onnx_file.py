"""Model files as ONNX files: the same answers, the contract, and refusals."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data.tiny_models import CLASSES, TEMPERATURE, write_tiny
from fake_data.voc_tree import write_voc_tree

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
from onnx import numpy_helper

from fer_det.cli.export import main
from fer_det.config.export import ExportConfig
from fer_det.config.predict import FaceOptions
from fer_det.core.box import FaceBox
from fer_det.errors import ConfigError, DatasetFormatError, OutputError, WeightsError
from fer_det.export import parity
from fer_det.export.onnx_file import export_onnx
from fer_det.export.onnx_model import OnnxModel
from fer_det.export.parity import made_pattern
from fer_det.imaging import decode
from fer_det.imaging.decode import encode_jpeg
from fer_det.predict.predictor import Predictor

NAMES = ("ssdlite", "resnet_classifier", "vgg16_frcnn")
FORMS = ("onnx", "onnx-core")
# Importing openvino here would send its telemetry, see fer_det.export.sessions.
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="no openvino")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    return {name: write_tiny(folder / f"{name}.pth", name) for name in NAMES}


def export(path: Path, source: Path, **settings: Any) -> OnnxModel:
    config = ExportConfig(**{"out": path, "pictures": 4, **settings})
    export_onnx(config, source)
    return OnnxModel.load(path)


def pixels(number: int, width: int, height: int) -> Any:
    image = made_pattern(number, max(width, height)).image.transpose(1, 2, 0)[:height, :width]
    return np.ascontiguousarray((255 * image.clip(0, 1)).round().astype(np.uint8))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["ssdlite", "vgg16_frcnn"])
def test_a_detector_answers_as_predict_does(
    weights: dict[str, Path], tmp_path: Path, name: str, form: str
) -> None:
    detector = export(tmp_path / "a.onnx", weights[name], to=form)
    # Pictures of the input's size or less, which are looked at whole.
    options = FaceOptions(faces="model", too_small=0, low_resolution=0)
    predictor = Predictor.from_checkpoint(weights[name], "cpu", "float32", options)
    compared = 0
    for number, size in enumerate([(64, 40), (64, 64), (30, 55)]):
        picture = pixels(number, *size)
        wanted, found = predictor(picture, 0.5), detector(picture)
        assert len(found) == len(wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.box.as_tuple() == pytest.approx(theirs.box.as_tuple(), abs=0.01)
            assert ours.score == pytest.approx(theirs.score, abs=1e-4)
            assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-4)
            assert ours.expression == theirs.expression
            compared += 1
    assert compared > 5


@pytest.mark.parametrize("form", FORMS)
def test_a_classifier_answers_with_the_temperature(
    weights: dict[str, Path], tmp_path: Path, form: str
) -> None:
    classifier = export(tmp_path / "a.onnx", weights["resnet_classifier"], to=form)
    picture = pixels(1, 80, 60)
    boxes = [FaceBox(10, 5, 40, 45), FaceBox(-5, 20, 30, 70), FaceBox(30, 10, 70, 50)]
    found = classifier.classify(picture, boxes)
    assert [face.box for face in found] == boxes
    rows = np.array([[*face.probabilities.values()] for face in found])
    assert rows.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.ptp(rows, axis=0).max() > 1e-3
    with pytest.raises(ConfigError, match="finds no faces"):
        classifier(picture)


def test_boxes_are_in_pixels_of_a_file_that_is_decoded_smaller(
    weights: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = export(tmp_path / "a.onnx", weights["resnet_classifier"])
    path = tmp_path / "a.jpg"
    path.write_bytes(encode_jpeg(np.kron(pixels(1, 80, 60), np.ones((2, 2, 1), np.uint8))))
    boxes = [FaceBox(20, 10, 80, 90), FaceBox(100, 20, 140, 100)]
    wanted = classifier.classify(path, boxes)
    monkeypatch.setattr(decode, "MAX_PIXELS", 160 * 120 - 1)
    found = classifier.classify(path, boxes)
    assert [face.box for face in found] == boxes
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=0.01)


def test_the_file_says_what_it_needs(weights: dict[str, Path], tmp_path: Path) -> None:
    contract = export(tmp_path / "a.onnx", weights["ssdlite"], to="onnx-core").contract
    assert (contract.kind, contract.form, contract.model) == ("detector", "core", "ssdlite")
    assert contract.classes == CLASSES
    assert (contract.input_size, contract.padding) == (96, (128, 128, 128))
    assert contract.temperature == TEMPERATURE
    assert contract.licence == "CC0-1.0"
    assert len(contract.source_sha256) == 64
    assert contract.thresholds.smallest_face == 24
    of_faces = export(tmp_path / "b.onnx", weights["resnet_classifier"]).contract
    assert of_faces.face_margin == pytest.approx(0.1)
    assert not of_faces.fixed_batch


def test_float16_is_half_the_size_and_nearly_the_same(
    weights: dict[str, Path], tmp_path: Path
) -> None:
    export(tmp_path / "a.onnx", weights["resnet_classifier"])
    export(tmp_path / "b.onnx", weights["resnet_classifier"], dtype="float16")
    sizes = [(tmp_path / name).stat().st_size for name in ("a.onnx", "b.onnx")]
    assert sizes[1] < 0.7 * sizes[0]


def test_a_file_that_answers_otherwise_does_not_appear(
    weights: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damage(proto: onnx.ModelProto) -> onnx.ModelProto:
        for tensor in proto.graph.initializer:
            if len(tensor.dims) > 1:
                values = numpy_helper.to_array(tensor) * np.float32(1.1)
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        return proto

    monkeypatch.setattr("fer_det.export.onnx_file.store_as_float16", damage)
    with pytest.raises(WeightsError, match="answers otherwise than its model"):
        export(tmp_path / "a.onnx", weights["resnet_classifier"], dtype="float16")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced_unasked(weights: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        export(tmp_path / "a.onnx", weights["resnet_classifier"])
    assert (tmp_path / "a.onnx").read_text() == "mine"


@pytest.mark.parametrize("name", ["ssdlite", "resnet_classifier"])
def test_int8_is_measured_on_pictures(weights: dict[str, Path], tmp_path: Path, name: str) -> None:
    # The first picture shows no face.
    labels = [(), *CLASSES, *CLASSES]
    folder = write_voc_tree(tmp_path / "voc", {"train": labels, "test": labels})
    settings = {"dtype": "int8", "data": folder.root, "pictures": 14, "to": "onnx-core"}
    file = export(tmp_path / "a.onnx", weights[name], **settings)
    assert file.contract.dtype == "int8"
    proto = onnx.load(tmp_path / "a.onnx")
    kinds = {tensor.data_type for tensor in proto.graph.initializer if len(tensor.dims) == 4}
    assert kinds == {onnx.TensorProto.INT8}


def test_a_classifier_needs_faces(weights: dict[str, Path], tmp_path: Path) -> None:
    folder = write_voc_tree(tmp_path / "voc", {"test": [()]})
    with pytest.raises(DatasetFormatError, match="no labelled face in the split test"):
        export(tmp_path / "a.onnx", weights["resnet_classifier"], data=folder.root)


def test_another_classifier_takes_one_picture_at_a_time(tmp_path: Path) -> None:
    weights = write_tiny(tmp_path / "a.pth", "vgg16_classifier")
    classifier = export(tmp_path / "a.onnx", weights, dtype="float16")
    assert classifier.contract.fixed_batch
    rows = classifier.probabilities(np.stack([made_pattern(n, 32).image for n in range(3)]))
    assert rows.shape == (3, len(CLASSES))


@needs_openvino
@pytest.mark.parametrize(
    ("name", "form"), [("ssdlite", "onnx-core"), ("resnet_classifier", "onnx")]
)
def test_openvino_gives_the_same_answers(
    weights: dict[str, Path], tmp_path: Path, name: str, form: str
) -> None:
    # The export itself refuses larger differences.
    export(tmp_path / "a.onnx", weights[name], to=form, engine="openvino")
    found = OnnxModel.load(tmp_path / "a.onnx", engine="openvino")
    assert found.engine == "OpenVINO"
    assert found.contract == OnnxModel.load(tmp_path / "a.onnx").contract


@needs_openvino
def test_openvino_is_refused_where_the_file_selects_boxes(
    weights: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="export it with --to onnx-core"):
        export(tmp_path / "a.onnx", weights["ssdlite"], engine="openvino")
    assert not (tmp_path / "a.onnx").exists()


@needs_openvino
@pytest.mark.parametrize("content", [b"", b"text", b"\x08\x07"])
def test_what_openvino_cannot_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.onnx"):
        OnnxModel.load(tmp_path / "a.onnx", engine="openvino")


def test_a_package_that_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ConfigError, match=r"needs the package openvino.*fer_det\[openvino\]"):
        OnnxModel.load(tmp_path / "a.onnx", engine="openvino")


def test_int8_needs_pictures(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without --data"):
        ExportConfig(out=tmp_path / "a.onnx", dtype="int8")


@pytest.mark.parametrize("content", [b"", b"text", b"\x08\x07"])
def test_what_is_no_exported_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.onnx"):
        OnnxModel.load(path)


def test_parity_counts_differences() -> None:
    same = parity.Parity(4, 10, 0.5, 0, 0.001, 1e-5, 10, 10, 6, 6)
    same.demand("float32", "x")
    for change in (
        {"box": 0.02},
        {"probability": 1e-3},
        {"same_labels": 9},
        {"unmatched": 1},
        {"faces": 0, "same_labels": 0},
    ):
        with pytest.raises(WeightsError):
            replace(same, **change).demand("float32", "x")
    replace(same, correct_after=5, box=3.0).demand("int8", "x")
    with pytest.raises(WeightsError, match="points of accuracy"):
        replace(same, correct_after=4).demand("int8", "x")


class TestToOpenvino:
    def test_without_the_package_nothing_is_written(
        self, weights: dict[str, Path], tmp_path: Path, monkeypatch: Any, capsys: Any
    ) -> None:
        monkeypatch.setitem(sys.modules, "openvino", None)
        flags = ["--weights", str(weights["ssdlite"]), "--out", str(tmp_path / "a.onnx")]
        for way in (["--to", "openvino"], ["--to", "onnx-core", "--engine", "openvino"]):
            assert main([*flags, *way]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("error: no package openvino; ")
            assert line.endswith("pip install 'fer_det[openvino]'")
        assert not (tmp_path / "a.onnx").exists()

    @needs_openvino
    def test_it_is_a_core_file_that_openvino_has_checked(
        self, weights: dict[str, Path], tmp_path: Path
    ) -> None:
        flags = ["--weights", str(weights["ssdlite"]), "--out", str(tmp_path / "a.onnx")]
        assert main([*flags, "--to", "openvino", "--pictures", "2"]) == 0
        found = OnnxModel.load(tmp_path / "a.onnx", engine="openvino")
        assert found.contract.form == "core"
