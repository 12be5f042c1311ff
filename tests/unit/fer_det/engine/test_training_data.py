"""A model's trainings, and what their data share with the data that it is scored on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_data.voc_tree import write_voc_tree

from fer_det.engine.training_data import compare_with_training, describe_training

SPLITS = {"train": ["fear", "anger"], "val": ["fear"], "test": ["fear", "anger", "fear"]}


def info_of(path: Path | None, datasets: str = "jaffe", **more: Any) -> dict[str, Any]:
    data = {"datasets": datasets} | ({} if path is None else {"path": str(path)})
    return {"data": data, **more}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders: the second one's pictures are those of the first under the same ids."""
    write_voc_tree(tmp_path / "first", SPLITS)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    return tmp_path / "first", tmp_path / "second"


def test_own_folder_is_not_compared(folders: tuple[Path, Path]) -> None:
    first, _ = folders
    info = info_of(first / "." / ".." / "first")
    assert compare_with_training(info, first, "test", ["drawn"]) == ()
    (shared,) = compare_with_training(info, first, "test", ["drawn"], "drop")
    assert len(shared.ids) == 2
    assert describe_training(info) == "jaffe"


@pytest.mark.parametrize("split", ["test", "trainval"])
def test_other_folder_is_searched(folders: tuple[Path, Path], split: str) -> None:
    # Pictures of equal place are equal in all splits: see write_voc_tree.
    first, second = folders
    ((text, ids),) = compare_with_training(info_of(first), second, split, ["drawn"])
    assert text.startswith(f"Shared with 3 pictures (train, val) of {first}: ")
    assert f"copies of pictures in {len(ids)} of 3 tested" in text
    assert len(ids) == 2 or split == "trainval"


def test_not_compared(folders: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = folders
    told = compare_with_training(info_of(first), second, "test", ["drawn"], "skip")
    assert told == ((f"Not compared with {first} (--leaks skip)", frozenset()),)
    gone = info_of(tmp_path / "gone", "tfd + rafdb")
    ((text, _),) = compare_with_training(gone, second, "test", ["jaffe"])
    assert text == (
        f"Not compared with {tmp_path / 'gone'}, which is not here; "
        "the Toronto Face Database holds pictures of jaffe"
    )
    (tmp_path / "faces").mkdir()
    ((text, _),) = compare_with_training(info_of(tmp_path / "faces"), second, "test", ["jaffe"])
    assert text == f"Not compared with {tmp_path / 'faces'} (no VOC data set at {tmp_path}/faces)"
    ((text, _),) = compare_with_training({}, second, "test", ["jaffe"])
    assert text == "Not compared with the unknown training data, which is not here"
    assert describe_training({}) == ""


def test_files_without_names_take_those_of_their_folder(folders: tuple[Path, Path]) -> None:
    first, _ = folders
    info = {"data": {"path": str(first)}}
    assert describe_training(info) == ""
    built = {"datasets": {"kdef": {"database": "kdef, made faces"}, "jaffe": {}}}
    (first / "summary.json").write_text(json.dumps(built))
    assert describe_training(info) == "jaffe + kdef, made faces"


def test_every_stage_counts(folders: tuple[Path, Path]) -> None:
    first, second = folders
    before = {"data": {"datasets": "fer2013", "path": str(first)}, "init": {"trained_on": "VGG"}}
    info = info_of(second, "jaffe", init=before)
    assert describe_training(info) == "jaffe, from weights of fer2013, from weights of VGG"
    told = compare_with_training(info, second, "test", ["jaffe"])
    assert told[0].text.startswith("Shared with 3 pictures")
    assert told[1:] == (("Not compared with VGG, which is not here", frozenset()),)
