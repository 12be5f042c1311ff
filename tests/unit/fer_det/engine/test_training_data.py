"""A model's trainings, and what their data share with the data that it is scored on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_data.voc_tree import write_voc_tree

from fer_det.config.model import ModelConfig
from fer_det.engine.training_data import compare_with_training, describe_training
from fer_det.weights.model_file import ModelFile

SPLITS = {"train": ["fear", "anger"], "val": ["fear"], "test": ["fear", "anger", "fear"]}


def file_of(path: Path | None, datasets: str = "jaffe", **more: Any) -> ModelFile:
    data = {"datasets": datasets} | ({} if path is None else {"path": str(path)})
    return ModelFile({}, ModelConfig(), info={"data": data, **more})


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders: the second one's pictures are those of the first under the same ids."""
    write_voc_tree(tmp_path / "first", SPLITS)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    return tmp_path / "first", tmp_path / "second"


def test_own_folder_is_not_compared(folders: tuple[Path, Path]) -> None:
    first, _ = folders
    file = file_of(first / "." / ".." / "first")
    assert compare_with_training(file, first, "test", ["drawn"]) == ()
    assert describe_training(file) == "jaffe"


@pytest.mark.parametrize("split", ["test", "trainval"])
def test_other_folder_is_searched(folders: tuple[Path, Path], split: str) -> None:
    # Pictures of equal place are equal in all splits: see write_voc_tree.
    first, second = folders
    (text,) = compare_with_training(file_of(first), second, split, ["drawn"])
    assert text.startswith(f"Shared with 3 pictures (train, val) of {first}: ")
    assert "copies of pictures in 2 of 3 tested" in text or split == "trainval"


def test_not_compared(folders: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = folders
    told = compare_with_training(file_of(first), second, "test", ["drawn"], search=False)
    assert told == (f"Not compared with {first} (--leaks skip)",)
    gone = file_of(tmp_path / "gone", "tfd + rafdb")
    (text,) = compare_with_training(gone, second, "test", ["jaffe"])
    assert text == (
        f"Not compared with {tmp_path / 'gone'}, which is not here; "
        "the Toronto Face Database holds pictures of jaffe"
    )
    (tmp_path / "faces").mkdir()
    (text,) = compare_with_training(file_of(tmp_path / "faces"), second, "test", ["jaffe"])
    assert text == f"Not compared with {tmp_path / 'faces'} (no VOC data set at {tmp_path}/faces)"
    unknown = ModelFile({}, ModelConfig())
    (text,) = compare_with_training(unknown, second, "test", ["jaffe"])
    assert text == "Not compared with the unknown training data, which is not here"
    assert describe_training(unknown) == ""


def test_files_without_names_take_those_of_their_folder(folders: tuple[Path, Path]) -> None:
    first, _ = folders
    file = ModelFile({}, ModelConfig(), info={"data": {"path": str(first)}})
    assert describe_training(file) == ""
    built = {"datasets": {"kdef": {"database": "kdef, made faces"}, "jaffe": {}}}
    (first / "summary.json").write_text(json.dumps(built))
    assert describe_training(file) == "jaffe + kdef, made faces"


def test_every_stage_counts(folders: tuple[Path, Path]) -> None:
    first, second = folders
    before = {"data": {"datasets": "fer2013", "path": str(first)}, "init": {"trained_on": "VGG"}}
    file = file_of(second, "jaffe", init=before)
    assert describe_training(file) == "jaffe, from weights of fer2013, from weights of VGG"
    told = compare_with_training(file, second, "test", ["jaffe"])
    assert told[0].startswith("Shared with 3 pictures")
    assert told[1:] == ("Not compared with VGG, which is not here",)
