"""`fer-det folds` on a made set of three persons: trained, interrupted, resumed and summed up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fake_data import jaffe, lfw_fer, rafdb_compound
from fake_data.faces import load_fake_detector
from PIL import Image

from fer_det.cli.main import main
from fer_det.io.voc import VocFolder
from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.readers import READERS

TRAINING = (
    "--model.name=resnet_classifier",
    "--model.input_size=16",
    "--model.stem_width=4",
    "--model.widths=[8,8]",  # of 4 channels oneDNN corrupts memory in training with AVX2
    "--model.blocks=[1,1]",
    "--epochs=1",
    "--batch_size=4",
    "--workers=0",
    "--device=cpu",
    "--precision=float32",
    "--init=none",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("jaffe")
    jaffe.write(root / "raw")
    source = Source("jaffe", root / "raw", READERS["jaffe"].Options())
    config = BuildConfig(out=root / "voc", workers=0, val_fraction=0.0)
    build(config, [source], load_fake_detector)
    return root / "voc"


def folds(data: Path, out: Path, *more: str) -> int:
    flags = [f"--data={data}", f"--out={out}", "--protocol=leave_one_out", "--resamples=50"]
    return main(["folds", *flags, "--", *TRAINING, *more])


def draw_squares(path: Path, seed: int) -> None:
    """Replace a picture of 64 x 64 pixels by coloured squares."""
    squares = np.random.default_rng(seed).integers(0, 256, (8, 8, 3))
    Image.fromarray(np.kron(squares, np.ones((8, 8, 1))).astype(np.uint8)).save(path, "JPEG")


def test_all_folds_with_one_command(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folds(data, tmp_path) == 0
    told = capsys.readouterr().out
    assert "3 folds by gt_box; no person is in two splits of a fold" in told
    summary = json.loads((tmp_path / "folds.json").read_text())
    assert [fold["name"] for fold in summary["folds"]] == [
        f"fold-0{number}-{name}" for number, name in enumerate(jaffe.SUBJECTS)
    ]
    assert [fold["n"] for fold in summary["folds"]] == [7, 7, 7]
    assert sum(map(sum, summary["pooled"]["confusion"])) == 21
    assert summary["pooled"]["persons"] == 3

    # A fold without its scores is done again from its checkpoint, the others are kept.
    before = (tmp_path / "fold-01-KL" / "run" / "best.pth").read_bytes()
    kept = (tmp_path / "fold-00-KA" / "scores.json").stat().st_mtime_ns
    scores = (tmp_path / "fold-01-KL" / "scores.json").read_text()
    (tmp_path / "fold-01-KL" / "scores.json").unlink()
    (tmp_path / "folds.json").unlink()
    assert folds(data, tmp_path) == 0
    assert (tmp_path / "fold-00-KA" / "scores.json").stat().st_mtime_ns == kept
    assert (tmp_path / "fold-01-KL" / "run" / "best.pth").read_bytes() == before
    assert (tmp_path / "fold-01-KL" / "scores.json").read_text() == scores
    assert json.loads((tmp_path / "folds.json").read_text()) == summary
    assert "fold-00-KA (1 of 3) is done" in capsys.readouterr().out

    # Scores by three classes, from the same checkpoint.
    best = tmp_path / "fold-01-KL" / "run" / "best.pth"
    flags = [f"--weights={best}", f"--data={tmp_path / 'fold-01-KL' / 'voc'}", "--resamples=10"]
    flags += [f"--out={tmp_path / 'three'}", f"--report={tmp_path / 'three.html'}", "--workers=0"]
    assert main(["eval", *flags, "--label_map=three", "--device=cpu"]) == 0
    three = json.loads((tmp_path / "three" / "scores.json").read_text())
    assert three["classes"] == ["positive", "negative", "neutral"]
    assert three["n_by_class"] == {"positive": 2, "negative": 4, "neutral": 1}
    assert three["protocol"]["label_map"].startswith("three: positive = happiness + surprise")
    assert three["protocol"]["leaks"] == []
    assert three["protocol"]["listed"] == {"positive": 2, "negative": 4, "neutral": 1}
    assert "three: positive = happiness + surprise" in (tmp_path / "three.html").read_text()

    # The same faces with masks, beside those without.
    flags = [f"--weights={best}", f"--data={tmp_path / 'fold-01-KL' / 'voc'}", "--resamples=10"]
    flags += [f"--out={tmp_path / 'masked'}", "--workers=0", "--device=cpu", "--masked=true"]
    assert main(["eval", *flags]) == 0
    plain, masked = (
        json.loads((tmp_path / "masked" / name).read_text())
        for name in ("scores.json", "scores_masked.json")
    )
    assert (plain["protocol"]["masked"], masked["protocol"]["masked"]) == (False, True)
    assert plain["protocol"]["split_hash"] == masked["protocol"]["split_hash"]
    given = [[face["answers"]["gt_box"] for face in each["faces"]] for each in (plain, masked)]
    assert given[0] != given[1]
    assert "masked" in capsys.readouterr().out

    # LFW-FER has three classes, and is scored by them alone.
    lfw_fer.write(tmp_path / "lfw", ("original",))
    config = BuildConfig(out=tmp_path / "lfw_voc", workers=0, val_fraction=0.0)
    source = Source("lfw_fer", tmp_path / "lfw", READERS["lfw_fer"].Options())
    build(config, [source], load_fake_detector)
    flags = [f"--weights={best}", f"--data={tmp_path / 'lfw_voc'}", "--split=train"]
    flags += [f"--out={tmp_path / 'lfw_scores'}", "--workers=0", "--resamples=10"]
    assert main(["eval", *flags]) == 2
    assert "lfw_fer has three classes" in capsys.readouterr().err
    assert main(["eval", *flags, "--label_map=three"]) == 0
    told = json.loads((tmp_path / "lfw_scores" / "scores.json").read_text())
    assert told["n_by_class"] == {"positive": 3, "negative": 3, "neutral": 3}
    assert told["protocol"]["trained_on"] == "jaffe"
    (leaks,) = told["protocol"]["leaks"]
    assert leaks.startswith("Shared with 14 pictures (train, val) of ")
    out = " ".join(capsys.readouterr().out.split())
    assert f"Trained on jaffe, tested on lfw_fer. {leaks}." in out

    # Pictures that are in the training data are left out, where that is asked for.
    voc = VocFolder(tmp_path / "fold-01-KL" / "voc")
    tested = [voc.image_path(image_id) for image_id in voc.image_ids("test")]
    trained = [voc.image_path(name) for split in ("train", "val") for name in voc.image_ids(split)]
    for seed, path in enumerate((*tested, *trained)):
        draw_squares(path, seed)
    draw_squares(trained[0], 0)
    flags = [f"--weights={best}", f"--data={voc.home}", "--workers=0", "--resamples=10"]
    flags += [f"--out={tmp_path / 'apart'}", "--leaks=drop"]
    assert main(["eval", *flags]) == 0
    apart = json.loads((tmp_path / "apart" / "scores.json").read_text())
    assert apart["protocol"]["leaks"][-1] == "Left out: 1 of 7 pictures (--leaks drop)"
    assert {face["id"] for face in apart["faces"]} == {path.stem for path in tested[1:]}
    for path in tested:
        draw_squares(path, 0)
    assert main(["eval", *flags]) == 2
    assert "every picture of test shares something" in capsys.readouterr().err

    # RAF-DB's compound part is scored by its eleven classes.
    rafdb_compound.write(tmp_path / "compound")
    config = BuildConfig(out=tmp_path / "compound_voc", workers=0, val_fraction=0.0)
    source = Source("rafdb_compound", tmp_path / "compound", READERS["rafdb_compound"].Options())
    build(config, [source], load_fake_detector)
    flags = [f"--weights={best}", f"--data={tmp_path / 'compound_voc'}", "--workers=0"]
    flags += [f"--out={tmp_path / 'compound_scores'}", "--resamples=10", "--split=train"]
    capsys.readouterr()
    assert main(["eval", *flags]) == 2
    assert "rafdb_compound has eleven compound expressions" in capsys.readouterr().err
    assert main(["eval", *flags, "--label_map=compound"]) == 0
    told = json.loads((tmp_path / "compound_scores" / "scores.json").read_text())
    assert told["n_by_class"]["happily_surprised"] == told["n_by_class"]["sadly_angry"] == 1
    assert told["n"] == 11

    # Other flags would be other folds.
    assert folds(data, tmp_path, "--seed=1") == 2
    assert "holds folds with other training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--nonsense"], "--nonsense"),
        (["--out=elsewhere"], "--out behind --; wanted --out before it"),
    ],
)
def test_wrong_training_flags_are_found_first(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert folds(data, tmp_path / "out", *more) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
