import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from fake_data.voc_tree import tree_hash, write_voc_tree

from fer_det.cli.main import main
from fer_det.core.box import FaceBox
from fer_det.data.sampler import Draw
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import DatasetFormatError, DatasetNotFoundError, OutputError
from fer_det.io.shard_writer import write_shards
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import VocAnnotation, VocObject
from fer_det.io.voc_index import INDEX, write_index

LABELS = ["fear", "anger", ("neutral", "surprise"), "fear", "happiness"]
SMALL = 6_000
"""Bytes of a tar file with two pictures."""


@pytest.fixture
def folder(tmp_path: Path) -> VocFolder:
    folder = write_voc_tree(tmp_path / "voc", {"train": LABELS, "val": ["anger", "fear"]})
    shares = {"anger": 1 / 3, "fear": 2 / 3}
    points = ((21.5, 12.25), (30, 12), (25, 20), (22, 28), (31, 28))
    soft = VocObject("fear", FaceBox(20, 10, 40, 36), shares, points)
    folder.write(VocAnnotation("train_0003", 60, 48, (soft,), "votes"))
    return folder


def dataset(root: Path, split: str = "train") -> VocDataset:
    return VocDataset(root, split, 30, (0, 0, 0))


class TestSame:
    @pytest.mark.parametrize("indexed", [False, True])
    def test_pictures_and_targets_are_those_of_the_folder(
        self, folder: VocFolder, tmp_path: Path, indexed: bool
    ) -> None:
        if indexed:
            write_index(folder)
        pictures, shards = write_shards(folder, tmp_path / "shards", SMALL)
        assert (pictures, shards) == (7, 4)
        for split in folder.splits():
            wanted, given = dataset(folder.root, split), dataset(tmp_path / "shards", split)
            assert given.hash() == wanted.hash()
            assert given.classes == wanted.classes
            assert len(given) == len(wanted)
            for place in range(len(wanted)):
                one, other = given[Draw(place, 7)], wanted[Draw(place, 7)]
                assert np.array_equal(one[0], other[0])
                assert all(np.array_equal(one[1][name], other[1][name]) for name in other[1])
                assert given.pictures[place].landmarks == wanted.pictures[place].landmarks

    def test_same_bytes_each_time_and_when_replaced(
        self, folder: VocFolder, tmp_path: Path
    ) -> None:
        for name in ("a", "b"):
            write_shards(folder, tmp_path / name, SMALL)
        assert tree_hash(tmp_path / "a") == tree_hash(tmp_path / "b")
        write_shards(folder, tmp_path / "b", 10 * SMALL, overwrite=True)
        assert len(list((tmp_path / "b").glob("*.tar"))) == 2
        write_shards(folder, tmp_path / "b", SMALL, overwrite=True)
        assert tree_hash(tmp_path / "a") == tree_hash(tmp_path / "b")


def test_the_members_are_laid_out_as_webdataset_s(folder: VocFolder, tmp_path: Path) -> None:
    write_shards(folder, tmp_path / "shards", SMALL)
    members = []
    for path in sorted((tmp_path / "shards").glob("train-*.tar")):
        with tarfile.open(path) as tar:
            members += [(each.name, tar.extractfile(each).read()) for each in tar]  # type: ignore[union-attr]
    stems = [f"train_{number:04d}" for number in range(5)]
    assert [name for name, _ in members] == [f"{s}.{e}" for s in stems for e in ("jpg", "json")]
    assert members[6][1] == folder.image_path("train_0003").read_bytes()
    assert json.loads(members[7][1]) == {
        "picture": "train_0003",
        "split": "train",
        "database": "votes",
        "width": 60,
        "height": 48,
        "depth": 3,
        "group": None,
        "clip": None,
        "faces": [
            {
                "label": "fear",
                "box": [20, 10, 40, 36],
                "probabilities": pytest.approx({"anger": 1 / 3, "fear": 2 / 3}, abs=1e-6),
                "landmarks": [[21.5, 12.25], [30, 12], [25, 20], [22, 28], [31, 28]],
            }
        ],
    }


class TestRefused:
    @pytest.fixture
    def shards(self, folder: VocFolder, tmp_path: Path) -> Path:
        write_shards(folder, tmp_path / "shards", SMALL)
        return tmp_path / "shards"

    def test_a_tar_file_that_is_absent(self, shards: Path) -> None:
        (shards / "train-000001.tar").unlink()
        with pytest.raises(DatasetNotFoundError, match=r"train-000001\.tar is absent"):
            dataset(shards)
        assert len(dataset(shards, "val")) == 2

    @pytest.mark.parametrize("change", ["other", "cut"])
    def test_a_tar_file_that_is_another(self, shards: Path, change: str) -> None:
        path, data = shards / "train-000000.tar", (shards / "train-000001.tar").read_bytes()
        path.write_bytes(data if change == "other" else path.read_bytes()[:600])
        with pytest.raises(DatasetFormatError, match=r"does not hold train_0000\.jpg at byte 512"):
            dataset(shards)[Draw(0, 0)]

    def test_other_commands_want_the_folder(
        self, shards: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["check", "--data", str(shards)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: {shards} holds shards; wanted a folder with VOCdevkit")

    def test_an_index_that_is_damaged(self, shards: Path) -> None:
        (shards / INDEX).write_bytes(b"PAR1")
        with pytest.raises(DatasetFormatError, match="cannot be read"):
            dataset(shards)

    def test_output_with_something_in_it(self, folder: VocFolder, shards: Path) -> None:
        with pytest.raises(OutputError, match=r"holds shards; .*--overwrite true"):
            write_shards(folder, shards, SMALL)
        (shards / "mine.txt").write_text("x")
        with pytest.raises(OutputError, match=r"holds mine\.txt"):
            write_shards(folder, shards, SMALL, overwrite=True)


def test_the_command(folder: VocFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    argv = ["shard", "--data", str(folder.home), "--out", str(out)]
    assert main(argv) == 0
    assert capsys.readouterr().out == f"{out}: 7 pictures in 2 tar files\n"
    # Stopped before the index was written: the same command does it again.
    whole = tree_hash(out)
    (out / INDEX).unlink()
    (out / "val-000000.tar").unlink()
    assert main(argv) == 0
    assert tree_hash(out) == whole
