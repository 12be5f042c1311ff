"""What two VOC folders share is found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data.voc_tree import drawn_face, write_voc_tree
from PIL import Image, ImageOps

from fer_det.checks.across import Overlap, Pictures, compare_pictures, find_related
from fer_det.cli.check import main
from fer_det.imaging.decode import encode_jpeg
from fer_det.io.voc import VocFolder

SPLITS = {"train": ["fear", "anger"], "val": ["anger"], "test": ["fear", "anger"]}
NAMES = ("test_0000", "test_0001", "train_0000", "train_0001", "val_0000")


def scene(seed: int) -> Image.Image:
    """A face before clouds, which differ from seed to seed."""
    fields = np.random.default_rng(seed).integers(0, 255, (8, 10, 3), dtype=np.uint8)
    pixels = np.array(Image.fromarray(fields).resize((60, 48), Image.Resampling.BICUBIC))
    pixels[10:36, 20:40] = drawn_face(seed)[10:36, 20:40]
    return Image.fromarray(pixels)


def make_folder(
    root: Path, first_seed: int, dataset: str, rows: Mapping[str, Mapping[str, Any]] | None = None
) -> VocFolder:
    """Five pictures without a likeness; rows: what the manifest states otherwise."""
    folder = write_voc_tree(root, SPLITS, ("fear", "anger"))
    lines = []
    for number, name in enumerate(NAMES):
        picture = np.asarray(scene(first_seed + number))
        folder.image_path(name).write_bytes(encode_jpeg(picture))
        row: dict[str, Any] = {"id": name, "dataset": dataset, "source": f"{root.name}{name}.png"}
        row |= {"status": "written", "split": name.split("_")[0], "group": f"{root.name}{name}"}
        lines.append(json.dumps(row | dict((rows or {}).get(name, {}))) + "\n")
    (folder.home / "manifest.jsonl").write_text("".join(lines))
    return folder


def compare(tested: VocFolder, trained: VocFolder) -> Overlap:
    """The test split of the first with train and val of the second."""
    one = Pictures.read(tested.home, ("test",), 1)
    return compare_pictures(one, Pictures.read(trained.home, ("train", "val"), 1), 0.9, 0.85, 1)


def unique_ids(prefix: str) -> dict[str, dict[str, str]]:
    return {name: {"copy": 0, "source": f"{prefix}{name}"} for name in NAMES}  # type: ignore[dict-item]


def test_folders_that_share_nothing(tmp_path: Path) -> None:
    first = make_folder(tmp_path / "a", 0, "jaffe", unique_ids("a"))
    second = make_folder(tmp_path / "b", 10, "jaffe", unique_ids("b"))
    overlap = compare(first, second)
    assert overlap.findings == ()
    assert overlap.describe() == (
        f"shared with 3 pictures (train, val) of {second.home}: no person, clip or picture of 2"
    )


def test_persons_clips_and_source_pictures_by_name(tmp_path: Path) -> None:
    mine = unique_ids("a")
    mine["test_0000"] |= {"group": "KA", "clip": "film 3"}
    theirs = unique_ids("b")
    theirs["val_0000"] |= {"group": "KA", "source": "atest_0001"}
    theirs["train_0001"] |= {"clip": "film 3"}
    # A person of both test splits is no leak.
    mine["test_0001"] |= {"group": "MK"}
    theirs["test_0001"] |= {"group": "MK"}
    first = make_folder(tmp_path / "a", 0, "jaffe", mine)
    overlap = compare(first, make_folder(tmp_path / "b", 10, "jaffe", theirs))
    assert overlap.shared == {"groups": 1, "clips": 1, "originals": 1}
    assert overlap.concerned == {"test_0000", "test_0001"}
    texts = [finding.text for finding in overlap.findings]
    assert f"person or film jaffe/KA is in test of {tmp_path / 'a'} (test_0000) and in" in texts[0]
    assert "1 persons or films, 1 clips, 1 source pictures in 2 of 2" in overlap.describe()


def test_names_of_other_data_sets_and_of_own_pictures_mean_nothing(tmp_path: Path) -> None:
    rows = {name: {"group": "1"} for name in NAMES}
    first = make_folder(tmp_path / "a", 0, "folders", rows)
    for number, dataset in enumerate(("folders", "kdef")):
        second = make_folder(tmp_path / f"b{number}", 10, dataset, unique_ids("b") | rows)
        overlap = compare(first, second)
        assert overlap.findings == ()
        assert "persons and clips have no names to compare" in overlap.describe()


def test_faces_of_a_composed_picture_are_known_by_name(tmp_path: Path) -> None:
    mine = unique_ids("a")
    mine["test_0000"] |= {"group": "S005"}
    mine["test_0001"] |= {"clip": "S010_002"}
    first = make_folder(tmp_path / "a", 0, "ckplus", mine)
    composed = {
        name: {"source": name, "group": None, "faces": [], "groups": [], "clips": []}
        for name in NAMES
    }
    apart = make_folder(tmp_path / "b", 10, "composed", composed)
    assert "persons and clips have no names to compare" in compare(first, apart).describe()
    composed["train_0000"] |= {"groups": ["ckplus/S005", "folders/S005"], "faces": ["folders_1"]}
    composed["train_0001"] |= {"clips": ["ckplus/S010_002"], "faces": ["atest_0001"]}
    second = make_folder(tmp_path / "c", 10, "ckplus + folders", composed)
    overlap = compare(first, second)
    assert overlap.shared == {"groups": 1, "clips": 1, "originals": 1}
    assert overlap.concerned == {"test_0000", "test_0001"}


def test_copies_under_other_names(tmp_path: Path) -> None:
    first = make_folder(tmp_path / "a", 0, "kdef", unique_ids("a"))
    second = make_folder(tmp_path / "b", 10, "rafd")
    second.image_path("train_0001").write_bytes(first.image_path("test_0000").read_bytes())
    mirrored = ImageOps.mirror(scene(1)).resize((90, 72))
    second.image_path("val_0000").write_bytes(encode_jpeg(np.asarray(mirrored)))
    overlap = compare(first, second)
    assert (overlap.copies, overlap.alike) == (2, 0)
    place = f"is a copy of train of {tmp_path / 'b'} (train_0001) (the same pixels)"
    assert place in overlap.findings[0].text
    assert "mirrored" in overlap.findings[1].text
    assert overlap.concerned == {"test_0000", "test_0001"}


def test_pictures_behind_links_count_and_unreadable_ones_are_told(tmp_path: Path) -> None:
    first = make_folder(tmp_path / "a", 0, "jaffe", unique_ids("a"))
    second = make_folder(tmp_path / "b", 0, "jaffe", unique_ids("b"))
    (second.root / "JPEGImages").rename(tmp_path / "pictures")
    (second.root / "JPEGImages").symlink_to(tmp_path / "pictures")
    assert compare(first, second).concerned == set()
    for name in ("test_0000", "test_0001"):
        first.image_path(name).write_bytes(second.image_path("train_0000").read_bytes())
    assert compare(first, second).concerned == {"test_0000", "test_0001"}
    first.image_path("test_0000").write_bytes(b"no picture")
    found = compare(first, second)
    assert found.concerned == {"test_0001"}
    assert "pictures that could not be read: 1" in found.describe()


def test_data_sets_made_of_others() -> None:
    assert list(find_related(("tfd",), ("jaffe", "rafdb"))) == [
        "the Toronto Face Database holds pictures of jaffe"
    ]
    assert list(find_related(("fer2013", "rafdb"), ("ferplus",))) == [
        "FERPlus is FER2013 with other labels"
    ]
    assert list(find_related(("jaffe",), ("kdef",))) == []


def test_command_refuses_what_another_folder_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make_folder(tmp_path / "a", 0, "tfd", unique_ids("a"))
    second = make_folder(tmp_path / "b", 10, "mmi", unique_ids("b"))
    flags = [f"--data={first.home}", f"--against=[{second.home}]", "--threads=1"]
    assert main(flags) == 0
    told = capsys.readouterr().out
    assert f"warning: {first.home}: the Toronto Face Database holds pictures of mmi" in told
    assert f"{first.home} and {second.home}, shared with 5 pictures" in told
    second.image_path("test_0001").write_bytes(first.image_path("train_0000").read_bytes())
    assert main(flags) == 2
    told = capsys.readouterr()
    assert "1 copies of pictures in 1 of 5 tested pictures" in told.out
    assert "has 1 defect, listed" in told.err
    assert main([flags[0], f"--against=[{tmp_path / 'absent'}]"]) == 2
    assert "no VOC data set" in capsys.readouterr().err
