"""`make demo` from faces to the drawn picture, as the Makefile spells it, on few small pictures."""

from __future__ import annotations

import importlib
import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fake_data.anny import needs_anny

from fer_det.cli.main import MODULES
from fer_det.imaging.decode import load_rgb8
from fer_det.predict.predictor import Predictor
from fer_det.weights.model_file import read_model_file

ROOT = Path(__file__).parents[2]
ALONE = "--workers=0"
"""All in this process: the mark below also blocks the unix sockets over which loader processes hand
over their batches."""
SMALL = [
    "--epochs=1",
    "--batch_size=8",
    "--precision=float32",
    "--model.input_size=32",
    "--model.head_width=16",
]
COMMANDS = {
    "make_faces": "make-faces",
    "build_voc": "build-voc",
    "balance_voc": "balance",
    "train_frcnn": "train",
    "eval_rafdb": "eval",
    "predict": "predict",
}
"""The tools of the demo, and their commands."""
ORDER = ["predict", *COMMANDS]
"""First comes an answer on a real photo."""


pytestmark = [pytest.mark.disable_socket, needs_anny]


def spelled(demo: Path) -> tuple[list[tuple[str, list[str]]], tuple[Path, Path]]:
    """The tools that the Makefile calls and their flags, in order; what it copies, and where to."""
    told = subprocess.run(
        ["make", "--dry-run", "demo", f"DEMO={demo}", "IMAGES=28", "SEED=3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = told.stdout.replace("\\\n", " ").splitlines()
    calls = [shlex.split(line) for line in lines if "tools/" in line]
    (copy,) = (shlex.split(line) for line in lines if line.startswith("cp "))
    return [(Path(call[1]).stem, call[2:]) for call in calls], (Path(copy[1]), Path(copy[2]))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    calls, (drawn, picture) = spelled(folder)
    assert [name for name, _ in calls] == ORDER
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name, flags in calls:
            command = importlib.import_module(MODULES[COMMANDS[name]])
            small = SMALL if name == "train_frcnn" else []
            alone = [] if name == "predict" else [ALONE]
            assert command.main([*flags, *small, *alone]) == 0, name
    shutil.copy(drawn, picture)
    yield folder
    torch.use_deterministic_algorithms(False)


def test_it_begins_with_an_answer_on_a_real_photo(demo: Path) -> None:
    (line,) = (demo / "answer" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    (face,) = json.loads(line)["faces"]
    assert face["expression"] == "happiness"
    assert (demo / "answer" / "astronaut.jpg").is_file()


def test_all_that_is_promised_lies_in_one_folder(demo: Path) -> None:
    files = ("best.pth", "last.pth", "log.jsonl", "scores.json", "report.html", "predicted.jpg")
    for name in files:
        assert (demo / name).is_file(), name
    for name in ("faces", "voc", "voc_balanced", "predicted"):
        assert (demo / name).is_dir(), name


def test_the_detector_started_from_the_shipped_backbone(demo: Path) -> None:
    begun = read_model_file(demo / "best.pth").info
    assert "vgg16_faces" in json.dumps(begun)


def test_the_scores_are_of_the_made_test_split(demo: Path) -> None:
    scores = json.loads((demo / "scores.json").read_text())
    listed = (demo / "faces/rafdb/basic/EmoLabel/list_patition_label.txt").read_text().splitlines()
    tested = [line for line in listed if line.startswith("test_")]
    counted = scores["protocol"]["listed"]
    assert sum(counted.values()) == len(tested) > 0
    assert scores["protocol"]["dataset"] == "rafdb, made faces"
    assert scores["protocol"]["image_variant"] == "original photos"


def test_the_report_says_that_its_faces_are_made(demo: Path) -> None:
    page = (demo / "report.html").read_text()
    assert page.count("say nothing about people") > 5
    assert "Learning curves" in page
    assert "after balancing" in page
    assert page.count("data:image/jpeg") > 3


def test_the_drawn_picture_shows_more_than_the_photo(demo: Path) -> None:
    drawn = load_rgb8(demo / "predicted" / "test_0001.jpg")
    photo = load_rgb8(demo / "faces/rafdb/basic/Image/original/test_0001.jpg")
    assert drawn.shape[0] > photo.shape[0]
    assert drawn.shape[1] > photo.shape[1]
    told = json.loads((demo / "predicted" / "predictions.jsonl").read_text())
    assert (told["width"], told["height"]) == (photo.shape[1], photo.shape[0])


def test_the_checkpoint_answers_the_demo_s_pictures(demo: Path) -> None:
    photo = demo / "faces/rafdb/basic/Image/original/test_0001.jpg"
    for face in Predictor.from_checkpoint(demo / "best.pth")(photo, min_score=0.0):
        assert len(face.probabilities) == 7
