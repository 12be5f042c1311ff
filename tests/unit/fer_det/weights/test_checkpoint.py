import hashlib
import os
import random
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from fer_det.config.training import ModelConfig
from fer_det.errors import ConfigError, FerDetError, WeightsError, WeightsNotFoundError
from fer_det.weights.checkpoint import (
    Checkpoint,
    content_hash,
    file_hash,
    load_checkpoint,
    save_checkpoint,
)

CONFIG = ModelConfig(input_size=96, image_mean=(0.1, 0.2, 0.3))
STATE = {
    "weight": torch.arange(600.0).reshape(4, 10, 3, 5),
    "rounded": torch.linspace(0, 1, 7).bfloat16(),
    "kept": torch.tensor([True, False]),
    "steps": torch.tensor(3),
    "nothing": torch.empty(0, 4),
}
TRAINING = {
    "optimizer": {"state": {0: {"momentum": torch.ones(3)}}, "groups": [{"betas": (0.9, 0.99)}]},
    "position": {"epoch": 2, "best_recall": 0.25},
}


def make(**changes: Any) -> Checkpoint:
    fields = {"model": STATE, "config": CONFIG, "classes": ("fear", "anger")}
    return Checkpoint(**{**fields, "info": {"epoch": 3}, "training": TRAINING, **changes})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "last.pth", make())
    return tmp_path / "last.pth"


class TestRoundTrip:
    def test_all_comes_back(self, path: Path) -> None:
        found = load_checkpoint(path)
        assert (found.config, found.classes, found.info) == (
            CONFIG,
            ("fear", "anger"),
            {"epoch": 3},
        )
        assert content_hash(found.model) == content_hash(STATE)
        assert {name: t.dtype for name, t in found.model.items()} == {
            name: t.dtype for name, t in STATE.items()
        }
        assert found.training is not None
        assert content_hash(found.training) == content_hash(TRAINING)
        assert found.training["optimizer"]["groups"][0]["betas"] == (0.9, 0.99)

    def test_weights_alone(self, tmp_path: Path) -> None:
        save_checkpoint(tmp_path / "best.pth", make(training=None))
        assert load_checkpoint(tmp_path / "best.pth").training is None

    def test_memory_format_is_kept(self, tmp_path: Path) -> None:
        moved = STATE["weight"].contiguous(memory_format=torch.channels_last)
        save_checkpoint(tmp_path / "a.pth", make(model={"weight": moved}))
        found = load_checkpoint(tmp_path / "a.pth").model["weight"]
        assert found.is_contiguous(memory_format=torch.channels_last)


class TestBytes:
    def test_same_content_same_bytes(self, path: Path, tmp_path: Path) -> None:
        save_checkpoint(tmp_path / "again.pth", make())
        assert (tmp_path / "again.pth").read_bytes() == path.read_bytes()

    def test_what_was_read_is_written_the_same(self, path: Path, tmp_path: Path) -> None:
        save_checkpoint(tmp_path / "copy.pth", load_checkpoint(path))
        assert (tmp_path / "copy.pth").read_bytes() == path.read_bytes()

    def test_strings_that_are_one_object_are_not_told_apart(self, tmp_path: Path) -> None:
        word = "precision"
        twin = "".join(list(word))
        assert twin is not word
        save_checkpoint(tmp_path / "a.pth", make(info={"first": word, "second": word}))
        save_checkpoint(tmp_path / "b.pth", make(info={"first": word, "second": twin}))
        assert (tmp_path / "a.pth").read_bytes() == (tmp_path / "b.pth").read_bytes()

    def test_file_hash(self, path: Path) -> None:
        assert file_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest()


class TestHash:
    def test_knows_no_order_of_keys_and_no_memory_format(self) -> None:
        moved = STATE["weight"].contiguous(memory_format=torch.channels_last)
        turned = OrderedDict(reversed(STATE.items()))
        assert content_hash({**turned, "weight": moved}) == content_hash(STATE)
        assert content_hash((1, 2)) == content_hash([1, 2])

    @pytest.mark.parametrize(
        "other",
        [
            {"a": torch.tensor([1.0, 2.0])},
            {"a": torch.tensor([[1.0], [2.5]])},
            {"a": torch.tensor([1.0, 2.5]).double()},
            {"b": torch.tensor([1.0, 2.5])},
            {"a": [1.0, 2.5]},
            {"a": torch.tensor([1.0, 2.5]), "b": None},
            {},
        ],
    )
    def test_differs(self, other: Any) -> None:
        assert content_hash(other) != content_hash({"a": torch.tensor([1.0, 2.5])})

    @pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), ("1", 1), ([1, [2]], [1, 2])])
    def test_differs_by_type_and_shape(self, one: Any, other: Any) -> None:
        assert content_hash(one) != content_hash(other)


class TestDamage:
    def test_flipped_bit_anywhere_in_the_tensors(self, path: Path) -> None:
        data = path.read_bytes()
        generator = random.Random(0)
        for begin, length in tensor_spans(path):
            places = range(length) if length < 16 else generator.sample(range(length), 16)
            for place in places:
                flipped = bytearray(data)
                flipped[begin + place] ^= 1 << generator.randrange(8)
                path.write_bytes(flipped)
                with pytest.raises(WeightsError) as told:
                    load_checkpoint(path)
                assert_one_line(told.value, path)

    @pytest.mark.filterwarnings("ignore:Detected pickle protocol")
    def test_flipped_bit_anywhere_else_never_changes_what_is_read(self, path: Path) -> None:
        data, generator = path.read_bytes(), random.Random(1)
        for place in range(0, len(data), 17):
            flipped = bytearray(data)
            flipped[place] ^= 1 << generator.randrange(8)
            path.write_bytes(flipped)
            try:
                found = load_checkpoint(path)
            except FerDetError as error:
                assert_one_line(error, path)
            else:
                # Padding, or a field of the archive that nobody reads.
                assert content_hash(found.model) == content_hash(STATE)
                assert (found.config, found.classes) == (CONFIG, ("fear", "anger"))

    @pytest.mark.parametrize("part", [0.02, 0.5, 0.999])
    def test_truncated(self, path: Path, part: float) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(WeightsError, match="is truncated or broken; wanted a checkpoint"):
            load_checkpoint(path)

    @pytest.mark.parametrize("data", [b"", b"hello", b"\x80\x02}q\x00.", b"\x89PNG\r\n"])
    def test_no_checkpoint(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        with pytest.raises(WeightsError) as told:
            load_checkpoint(path)
        assert_one_line(told.value, path)

    @pytest.mark.parametrize("content", [STATE, [1, 2], {"format": "another"}, torch.ones(2)])
    def test_archive_of_something_else(self, path: Path, content: Any) -> None:
        torch.save(content, path)
        with pytest.raises(WeightsError, match="holds something else"):
            load_checkpoint(path)

    def test_config_of_a_newer_version(self, path: Path) -> None:
        content = torch.load(path, weights_only=True)
        content["config"]["depth"] = 3
        del content["sha256"]
        torch.save({**content, "sha256": content_hash(content)}, path)
        with pytest.raises(ConfigError, match="depth"):
            load_checkpoint(path)

    def test_absent(self, tmp_path: Path) -> None:
        for name in ("absent.pth", "."):
            with pytest.raises(WeightsNotFoundError, match="is absent"):
                load_checkpoint(tmp_path / name)


class Evil:
    """Unpickled by an unwary loader, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._folder),)


@pytest.mark.parametrize("as_zip", [True, False])
def test_code_in_a_file_does_not_run(tmp_path: Path, as_zip: bool) -> None:
    path, folder = tmp_path / "best.pth", tmp_path / "made"
    torch.save({"model": Evil(folder)}, path, _use_new_zipfile_serialization=as_zip)
    with pytest.raises(WeightsError) as told:
        load_checkpoint(path)
    assert_one_line(told.value, path)
    assert not folder.exists()
    torch.load(path, weights_only=False)
    assert folder.exists(), "the file was harmless, so this test showed nothing"


def test_failed_write_leaves_the_old_one(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(AttributeError):
        save_checkpoint(path, make(info={"made here": lambda: None}))
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def assert_one_line(error: FerDetError, path: Path) -> None:
    assert str(error).startswith(f"{path} ")
    assert "\n" not in str(error)


def tensor_spans(path: Path) -> list[tuple[int, int]]:
    """(first byte, length) of each tensor's values in the file."""
    spans = []
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for entry in archive.infolist():
            if "/data/" in entry.filename and entry.file_size:
                file.seek(entry.header_offset + 26)
                lengths = file.read(4)
                name, extra = (int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
                spans.append((entry.header_offset + 30 + name + extra, entry.file_size))
    assert len(spans) == 5
    return spans
