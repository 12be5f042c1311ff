"""What a predictor of an ONNX file refuses, and how it finds faces."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data.astronaut import portrait
from fake_data.tiny_models import write_tiny

from fer_det.config.export import ExportConfig, Target
from fer_det.config.predict import FaceOptions
from fer_det.errors import ConfigError, WeightsError, WeightsNotFoundError
from fer_det.predict.predictor import Predictor

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

# Importing openvino here would send its telemetry, see fer_det.export.sessions.
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="no openvino")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An ONNX file of each kind."""
    from fer_det.export.onnx_file import export_onnx

    folder = tmp_path_factory.mktemp("files")
    found = {}
    for kind, name in (("detector", "ssdlite"), ("classifier", "resnet_classifier")):
        found[kind] = folder / f"{kind}.onnx"
        weights = write_tiny(folder / f"{kind}.pth", name)
        form: Target = "onnx-core" if kind == "detector" else "onnx"
        export_onnx(ExportConfig(out=found[kind], to=form, pictures=1), weights)
    return found


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("detector", {"faces": "mtcnn"}, "--faces mtcnn with a detector's exported file"),
        ("classifier", {"faces": "model"}, "--faces model with a classifier"),
        ("classifier", {"mtcnn": "exact"}, "--mtcnn exact with an exported file"),
    ],
)
def test_options_that_do_not_fit(
    files: dict[str, Path], kind: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Predictor.from_checkpoint(files[kind], options=FaceOptions(**options))


@pytest.mark.parametrize("flags", [{"device": "cuda"}, {"precision": "bfloat16"}])
def test_other_hardware_is_refused(files: dict[str, Path], flags: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"an exported file; wanted auto or"):
        Predictor.from_checkpoint(files["detector"], **flags)


def test_backends_refuse_files_of_the_other_kind(files: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match=r"--backend torch with .*detector\.onnx"):
        Predictor.from_checkpoint(files["detector"], backend="torch")
    for backend in ("onnx", "openvino"):
        with pytest.raises(ConfigError, match=rf"--backend {backend} with .*detector\.pth"):
            Predictor.from_checkpoint(files["detector"].with_suffix(".pth"), backend=backend)


@needs_openvino
def test_openvino_answers_as_onnxruntime_does(files: dict[str, Path]) -> None:
    whole = portrait()
    for path in files.values():
        options = FaceOptions(too_small=0)
        answers = [
            Predictor.from_checkpoint(path, options=options, backend=backend)(whole, 0.3)
            for backend in ("onnx", "openvino")
        ]
        assert len(answers[0]) == len(answers[1]) > 0
        for one, other in zip(*answers, strict=True):
            assert other.box.as_tuple() == pytest.approx(one.box.as_tuple(), abs=0.05)
            assert other.score == pytest.approx(one.score, abs=1e-4)
            assert other.probabilities == pytest.approx(one.probabilities, abs=1e-3)


def test_a_detector_finds_the_faces_of_large_pictures_itself(files: dict[str, Path]) -> None:
    predictor = Predictor.from_checkpoint(files["detector"], "cpu", "float32")
    assert "in tiles" in predictor.describe_search()
    predictor([np.zeros((60, 900, 3), np.uint8), np.zeros((60, 60, 3), np.uint8)])
    assert predictor.found_by == {"model": 2, "mtcnn": 0}


def test_files_that_are_absent_or_no_model(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError):
        Predictor.from_checkpoint(tmp_path / "absent.onnx")
    (tmp_path / "page.onnx").write_text("<html>")
    with pytest.raises(WeightsError, match="cannot be opened by onnxruntime"):
        Predictor.from_checkpoint(tmp_path / "page.onnx")
