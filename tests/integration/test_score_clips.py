"""`fer-det clips` on a tiny CK+, from the raw folders to the figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_data import ckplus
from fake_data.faces import load_fake_detector
from fake_data.tiny_models import write_tiny

from fer_det.cli.main import main
from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.readers import READERS


def test_from_raw_sequences_to_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ckplus.write(tmp_path / "raw")
    source = Source("ckplus", tmp_path / "raw", READERS["ckplus"].Options())
    config = BuildConfig(out=tmp_path / "voc", workers=0, val_fraction=0.0)
    build(config, [source], load_fake_detector)
    weights = write_tiny(tmp_path / "best.pth", "resnet_classifier")
    flags = [f"--weights={weights}", f"--data={tmp_path / 'voc'}", f"--out={tmp_path / 'a.json'}"]
    flags += ["--workers=0", "--epochs=2", "--resamples=20", "--peaks=true", "--device=cpu"]
    assert main(["clips", *flags]) == 0
    told = capsys.readouterr().out
    # 14 subjects with two sequences, of which each seventh shows contempt, of four frames each.
    assert "24 clips of 14 persons, 96 frames, 10 folds; 0 left out" in told
    assert "of 24 clips; " in told
    found = json.loads((tmp_path / "a.json").read_text())
    names = [each["name"] for each in found["scores"]]
    assert names == ["mean", "max", "top-3", "attention", "gru"]
    assert all(0 <= each["accuracy"]["value"] <= 1 for each in found["scores"])
    assert main(["clips", *flags]) == 2
    assert "exists" in capsys.readouterr().err
