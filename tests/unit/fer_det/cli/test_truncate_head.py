"""The command that truncates a head, on a detector with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fer_det.cli import truncate_head
from fer_det.models import build_model
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.weights.model_file import ModelFile, read_model_file, write_model_file

CLASSES = ("happiness", "anger")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = Config(input_size=32, head_width=16, batch_norm=False)
    path = tmp_path_factory.mktemp("run") / "best.pth"
    state = build_model(config, CLASSES).state_dict()
    write_model_file(path, ModelFile(state, config, CLASSES, {"epoch": 3}))
    return path


def run(weights: Path, out: Path, *flags: str) -> int:
    return truncate_head.main(["--weights", str(weights), "--out", str(out), *flags])


def test_the_new_file_describes_itself(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "thin.pth"
    assert run(weights, out, "--rank=15") == 0
    thin = read_model_file(out)
    assert thin.config.head_rank == 15
    assert thin.info["epoch"] == 3
    assert thin.info["truncated"]["rank"] == 15
    assert f"--weights {out}" in capsys.readouterr().out


def test_refusals(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "thin.pth"
    assert run(weights, out, "--rank=16") == 2
    assert "less than the head's width, 16" in capsys.readouterr().err
    assert run(weights, out, "--rank=4") == 0
    assert run(weights, out, "--rank=5") == 2
    assert "exists already" in capsys.readouterr().err
    assert read_model_file(out).config.head_rank == 4
    assert run(weights, out, "--rank=5", "--overwrite") == 0
    assert read_model_file(out).config.head_rank == 5
    assert run(out, tmp_path / "thinner.pth", "--rank=2") == 2
    assert "--weights with a head of rank 5" in capsys.readouterr().err
    assert not (tmp_path / "thinner.pth").exists()
