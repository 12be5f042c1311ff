"""The examples of docs/library.md, run as they stand there, and what importing costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from fake_data import bright_detector
from fake_data.bright_detector import ANGRY, HAPPY, save_bright_checkpoint, spots

import fer_det
from fer_det import models
from fer_det.imaging.decode import encode_jpeg

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text("utf-8"), re.DOTALL
)


def test_examples_of_the_documents_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(models.MODELS, bright_detector.NAME, bright_detector.REGISTERED)
    monkeypatch.chdir(tmp_path)
    save_bright_checkpoint(Path("best.pth"))
    Path("photo.jpg").write_bytes(encode_jpeg(spots((40, 30, HAPPY), (80, 50, ANGRY))))
    names: dict[str, object] = {}
    for example in EXAMPLES:
        exec(example, names)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("happiness 1.00 FaceBox(x_min=")
    assert lines[1] == "  score: 0.90, size: 32 px low_resolution"
    assert lines[2].startswith("anger 0.00 FaceBox(x_min=")
    assert lines[4] == "[2, 2, 2, 2]"
    assert lines[5].startswith("no_such_photo.jpg is absent; wanted a picture file; ")
    assert lines[6] == "['32', '32']"
    assert len(lines) == 7


def test_torch_is_loaded_for_a_checkpoint_and_not_for_an_onnx_file() -> None:
    weights = Path(__file__).parents[2] / "weights"
    code = (
        "import sys, fer_det; print('Predictor' in dir(fer_det));"
        "from fer_det import Predictor; print('torch' in sys.modules);"
        f"Predictor.from_checkpoint({str(weights / 'expression_small.onnx')!r});"
        "print('torch' in sys.modules);"
        f"Predictor.from_checkpoint({str(weights / 'expression_small.safetensors')!r});"
        "print('torch' in sys.modules)"
    )
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert lines.stdout.split() == ["True", "False", "False", "True"]


def test_names_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'fer_det' has no attribute 'Predicter'"):
        fer_det.Predicter  # noqa: B018
