"""An exported file is used in an interpreter in which PyTorch cannot be imported."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data.astronaut import portrait
from fake_data.films import write_film
from fake_data.tiny_models import write_tiny
from PIL import Image

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ABSENT = (
    "torch",
    "torchvision",
    "scipy",
    "lxml",
    "av",
    "jinja2",
    "matplotlib",
    "trackers",
    "onnx",
    "jsonargparse",
)
CODE = f"""
import sys
for name in {ABSENT!r}:
    sys.modules[name] = None
from fer_det.export.onnx_model import OnnxModel
for face in OnnxModel.load(sys.argv[1])(sys.argv[2], min_score=0.0)[:3]:
    print(face.expression.label, *face.box.as_tuple())
print("torch" in {{name for name, module in sys.modules.items() if module}})
"""

COMMAND = f"""
import sys
for name in {tuple(name for name in ABSENT if name != "jsonargparse")!r}:
    sys.modules[name] = None
from fer_det.cli.main import main
sys.exit(main(["predict", *sys.argv[1:]]))
"""
"""The command, where only the packages of docs/export.md's small installation are there."""


def predict_without_torch(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run `fer-det predict` with these arguments in `folder`."""
    command = [sys.executable, "-c", COMMAND, *argv, "--out", "out"]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Return the faces that the command wrote to its table."""
    with (folder / "out" / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_photo_without_torch(tmp_path: Path) -> None:
    from fer_det.config.export import ExportConfig
    from fer_det.config.predict import FaceOptions
    from fer_det.export.onnx_file import export_onnx
    from fer_det.predict.predictor import Predictor

    weights = write_tiny(tmp_path / "a.pth", "ssdlite")
    export_onnx(ExportConfig(out=tmp_path / "a.onnx", pictures=2), weights)
    photo = np.random.default_rng(0).integers(0, 256, (90, 72, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "a.png")
    argv = [sys.executable, "-c", CODE, str(tmp_path / "a.onnx"), str(tmp_path / "a.png")]
    ended = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    *faces, imported = ended.stdout.splitlines()
    assert imported == "False"
    options = FaceOptions(faces="model", too_small=0, low_resolution=0)
    predictor = Predictor.from_checkpoint(weights, "cpu", "float32", options)
    wanted = predictor(tmp_path / "a.png", 0.0)[:3]
    assert len(faces) == len(wanted) > 0
    for line, face in zip(faces, wanted, strict=True):
        label, *box = line.split()
        assert label == face.label
        assert list(map(float, box)) == pytest.approx(face.box.as_tuple(), abs=0.01)


@pytest.mark.parametrize("to", ["onnx", "onnx-core"])
def test_the_command_with_a_detector(tmp_path: Path, to: Any) -> None:
    from fer_det.config.export import ExportConfig
    from fer_det.config.predict import FaceOptions
    from fer_det.export.onnx_file import export_onnx
    from fer_det.predict.predictor import Predictor

    weights = write_tiny(tmp_path / "a.pth", "ssdlite")
    export_onnx(ExportConfig(out=tmp_path / "a.onnx", pictures=2, to=to), weights)
    # Large enough for tiles.
    photo = np.random.default_rng(0).integers(0, 256, (300, 420, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "a.png")
    # Scores of random weights say nothing; the faces of a low limit are compared.
    flags = ("--min_score", "0.0", "--too_small", "0", "--max_faces", "3")
    ended = predict_without_torch(tmp_path, "a.png", "--weights", "a.onnx", *flags)
    assert ended.returncode == 0, ended.stderr
    assert "a.onnx, cpu, onnxruntime" in ended.stdout
    options = FaceOptions(faces="model", too_small=0, max_faces=3)
    wanted = Predictor.from_checkpoint(weights, "cpu", "float32", options)(tmp_path / "a.png", 0.0)
    rows = rows_of(tmp_path)
    assert len(rows) == len(wanted) == 3
    for row, face in zip(rows, wanted, strict=True):
        found = [float(row[name]) for name in ("x_min", "y_min", "x_max", "y_max")]
        assert found == pytest.approx(face.box.as_tuple(), abs=0.05)
        assert row["expression"] == face.label


def test_a_video_without_its_packages_is_one_line(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", [np.zeros((48, 64, 3), np.uint8)] * 3)
    Image.fromarray(portrait()).save(tmp_path / "a.png")
    ended = predict_without_torch(tmp_path, "a.png", "a.mp4")
    assert ended.returncode == 2
    assert ended.stderr == (
        "error: videos without the packages av, jinja2, matplotlib, trackers; wanted all that "
        "requirements-predict.txt names for videos; pip install av jinja2 matplotlib trackers, or "
        "name only pictures\n"
    )
    assert not (tmp_path / "out").exists()


def test_the_command_with_a_classifier(tmp_path: Path) -> None:
    from fer_det.config.export import ExportConfig
    from fer_det.export.onnx_file import export_onnx
    from fer_det.predict.predictor import Predictor

    weights = write_tiny(tmp_path / "a.pth", "resnet_classifier")
    export_onnx(ExportConfig(out=tmp_path / "a.onnx", pictures=2), weights)
    Image.fromarray(portrait()).save(tmp_path / "a.png")
    ended = predict_without_torch(tmp_path, "a.png", "--weights", "a.onnx")
    assert ended.returncode == 0, ended.stderr
    (row,) = rows_of(tmp_path)
    (face,) = Predictor.from_checkpoint(weights, "cpu", "float32")(tmp_path / "a.png")
    found = [float(row[name]) for name in ("x_min", "y_min", "x_max", "y_max")]
    assert found == list(face.box.as_tuple())
    assert row["expression"] == face.label
    for expression, probability in face.probabilities.items():
        assert float(row[expression.label]) == pytest.approx(probability, abs=1e-3)


def test_a_checkpoint_without_torch_is_refused_in_one_line(tmp_path: Path) -> None:
    weights = write_tiny(tmp_path / "a.pth", "ssdlite")
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    ended = predict_without_torch(tmp_path, "a.png", "--weights", str(weights))
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "needs PyTorch, which is not installed" in line
    assert not (tmp_path / "out").exists()
