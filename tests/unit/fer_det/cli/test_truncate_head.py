"""The command that makes a head thin, on a detector with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fer_det.cli import truncate_head
from fer_det.config.training import ModelConfig
from fer_det.models import build_model
from fer_det.weights.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

CLASSES = ("happiness", "anger")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = ModelConfig(input_size=32, head_width=16, batch_norm=False)
    path = tmp_path_factory.mktemp("run") / "best.pth"
    state = build_model(config, CLASSES).state_dict()
    save_checkpoint(path, Checkpoint(state, config, CLASSES, {"epoch": 3}))
    return path


def run(weights: Path, out: Path, *flags: str) -> int:
    return truncate_head.main(["--weights", str(weights), "--out", str(out), *flags])


def test_the_new_checkpoint_describes_itself(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "thin.pth"
    assert run(weights, out, "--rank=15") == 0
    whole, thin = load_checkpoint(weights), load_checkpoint(out)
    assert thin.config.head_rank == 15
    assert thin.info["epoch"] == 3
    assert thin.info["truncated"]["rank"] == 15
    model = build_model(thin.config, thin.classes).eval()
    model.load_state_dict(thin.model)
    before = build_model(whole.config, whole.classes).eval()
    before.load_state_dict(whole.model)
    picture = [torch.rand(3, 32, 32)]
    with torch.inference_mode():
        ((wanted,), (found,)) = before(picture), model(picture)
    # One singular value of sixteen is gone: nearly the same, and not the same.
    assert torch.allclose(found["probabilities"][0], wanted["probabilities"][0], atol=0.05)
    assert not torch.equal(found["probabilities"][0], wanted["probabilities"][0])
    assert f"--weights {out}" in capsys.readouterr().out


def test_refusals(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "thin.pth"
    assert run(weights, out, "--rank=16") == 2
    assert "less than the head's width, 16" in capsys.readouterr().err
    assert run(weights, out, "--rank=4") == 0
    assert run(weights, out, "--rank=5") == 2
    assert "is there already" in capsys.readouterr().err
    assert load_checkpoint(out).config.head_rank == 4
    assert run(weights, out, "--rank=5", "--overwrite") == 0
    assert load_checkpoint(out).config.head_rank == 5
    assert run(out, tmp_path / "thinner.pth", "--rank=2") == 2
    assert "has a head of rank 5 already" in capsys.readouterr().err
    assert not (tmp_path / "thinner.pth").exists()
