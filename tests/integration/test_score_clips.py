"""`fer-det clips` on a tiny CK+, from the raw folders to the figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_data import ckplus
from fake_data.faces import load_fake_detector
from fake_data.tiny_models import write_tiny

from fer_det.cli.main import main
from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.readers import READERS


def build_sequences(tmp_path: Path, **options: Any) -> None:
    ckplus.write(tmp_path / "raw")
    source = Source("ckplus", tmp_path / "raw", READERS["ckplus"].Options(**options))
    config = BuildConfig(out=tmp_path / "voc", workers=0, val_fraction=0.0)
    build(config, [source], load_fake_detector)


def test_from_raw_sequences_to_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_sequences(tmp_path)
    weights = write_tiny(tmp_path / "best.pth", "resnet_classifier")
    flags = [f"--weights={weights}", f"--data={tmp_path / 'voc'}", f"--out={tmp_path / 'a.json'}"]
    flags += ["--workers=0", "--epochs=2", "--resamples=20", "--peaks=true", "--device=cpu"]
    assert main(["clips", *flags]) == 0
    told = capsys.readouterr().out
    # 14 subjects with two sequences, of which each seventh shows contempt, of four frames each.
    assert "24 clips of 14 persons, 96 frames, 10 folds; 0 left out" in told
    assert told.count("of 24 clips; ") == 2
    found = json.loads((tmp_path / "a.json").read_text())
    names = [each["name"] for each in found["scores"]]
    assert names == ["mean", "max", "top-3", "attention", "gru"]
    assert all(0 <= each["accuracy"]["value"] <= 1 for each in found["scores"])
    assert [each["name"] for each in found["peaks"]] == ["1 - p(neutral)", "trained"]
    assert main(["clips", *flags]) == 2
    assert "exists" in capsys.readouterr().err


def test_jointly_on_whole_sequences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_sequences(tmp_path, frames="all")
    weights = write_tiny(tmp_path / "best.pth", "resnet_classifier")
    flags = [f"--weights={weights}", f"--data={tmp_path / 'voc'}", "--workers=0", "--device=cpu"]
    flags += ["--epochs=2", "--resamples=20", "--peaks=true", "--precision=float32"]
    found = {}
    for name, more in {
        "frozen": [],
        "joint": ["--joint=true", "--joint_epochs=1"],
        "still": ["--joint=true", "--joint_epochs=1", "--learning_rate=1e-12"],
    }.items():
        out = tmp_path / f"{name}.json"
        assert main(["clips", *flags, *more, f"--out={out}"]) == 0
        found[name] = json.loads(out.read_text())
    assert "24 clips of 14 persons, 120 frames, 10 folds" in capsys.readouterr().out
    # With hardly any step the network and the heads answer as they did before.
    assert found["still"] == found["frozen"]
    assert found["joint"] != found["frozen"]


def test_a_detector_is_not_trained_jointly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = write_tiny(tmp_path / "best.pth", "vgg16_frcnn")
    assert main(["clips", f"--weights={weights}", "--joint=true"]) == 2
    assert "--joint true with the detector" in capsys.readouterr().err
