"""An exported file is used in an interpreter in which PyTorch cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_data.tiny_models import write_tiny
from PIL import Image

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ABSENT = ("torch", "torchvision", "scipy", "lxml", "av", "matplotlib", "onnx", "jsonargparse")
CODE = f"""
import sys
for name in {ABSENT!r}:
    sys.modules[name] = None
from fer_det.export.onnx_model import OnnxModel
for face in OnnxModel.load(sys.argv[1])(sys.argv[2], min_score=0.0)[:3]:
    print(face.expression.label, *face.box.as_tuple())
print("torch" in {{name for name, module in sys.modules.items() if module}})
"""


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
