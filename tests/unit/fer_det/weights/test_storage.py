import hashlib
import json
import os
import random
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_data import vgg_face
from safetensors import safe_open
from safetensors.torch import save_file

from fer_det.errors import FerDetError, WeightsError, WeightsNotFoundError
from fer_det.weights.storage import FORMAT, content_hash, file_hash, read_content, write_content

CONFIG = {"name": "a model", "image_mean": [0.1, 0.2, 0.3]}
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


def make(**changes: Any) -> dict[str, Any]:
    fields = {"tensors": STATE, "config": CONFIG, "classes": ["fear", "anger"]}
    described = {"format": FORMAT, **fields, "info": {"epoch": 3}, "training": TRAINING}
    return {**described, **changes}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_content(tmp_path / "last.pth", make())
    return tmp_path / "last.pth"


@pytest.fixture
def safetensors(tmp_path: Path) -> Path:
    write_content(tmp_path / "a.safetensors", make(training=None))
    return tmp_path / "a.safetensors"


class TestRoundTrip:
    def test_everything_is_read_again(self, path: Path) -> None:
        found = read_content(path)
        assert content_hash(found) == content_hash(make())
        types = {name: tensor.dtype for name, tensor in found["tensors"].items()}
        assert types == {name: tensor.dtype for name, tensor in STATE.items()}
        assert found["training"]["optimizer"]["groups"][0]["betas"] == (0.9, 0.99)

    def test_memory_format_is_kept(self, tmp_path: Path) -> None:
        moved = STATE["weight"].contiguous(memory_format=torch.channels_last)
        write_content(tmp_path / "a.pth", make(tensors={"weight": moved}))
        found = read_content(tmp_path / "a.pth")["tensors"]["weight"]
        assert found.is_contiguous(memory_format=torch.channels_last)

    def test_safetensors_holds_the_same(self, safetensors: Path) -> None:
        found = read_content(safetensors)
        assert content_hash(found) == content_hash(make(training=None))
        with safe_open(safetensors, framework="pt") as file:
            assert file.metadata()["config"] == '{"image_mean":[0.1,0.2,0.3],"name":"a model"}'
            assert torch.equal(file.get_tensor("weight"), STATE["weight"])

    def test_kind_is_recognised_by_content(self, path: Path, safetensors: Path) -> None:
        for each in (path, safetensors):
            renamed = each.rename(each.with_suffix(".bin"))
            assert content_hash(read_content(renamed)["tensors"]) == content_hash(STATE)


class TestBytes:
    @pytest.mark.parametrize("name", ["again.pth", "again.safetensors"])
    def test_same_content_same_bytes(self, tmp_path: Path, name: str) -> None:
        again = make(training=None)
        if name.endswith(".safetensors"):
            # Here the order of keys does not matter either.
            again["tensors"] = OrderedDict(reversed(STATE.items()))
        written = []
        for content in (make(training=None), again):
            write_content(tmp_path / name, content)
            written.append((tmp_path / name).read_bytes())
        assert written[0] == written[1]

    @pytest.mark.parametrize("fixture", ["path", "safetensors"])
    def test_what_was_read_is_written_the_same(
        self, fixture: str, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        first = request.getfixturevalue(fixture)
        copy = tmp_path / f"copy{first.suffix}"
        write_content(copy, read_content(first))
        assert copy.read_bytes() == first.read_bytes()

    def test_layout_does_not_matter_to_safetensors(self, safetensors: Path) -> None:
        before = safetensors.read_bytes()
        moved = STATE["weight"].contiguous(memory_format=torch.channels_last)
        write_content(safetensors, make(tensors={**STATE, "weight": moved}, training=None))
        assert safetensors.read_bytes() == before

    def test_strings_that_are_one_object(self, tmp_path: Path) -> None:
        word = "precision"
        twin = "".join(list(word))
        assert twin is not word
        write_content(tmp_path / "a.pth", make(info={"first": word, "second": word}))
        write_content(tmp_path / "b.pth", make(info={"first": word, "second": twin}))
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
                with pytest.raises(WeightsError) as caught:
                    read_content(path)
                assert_one_line(caught.value, path)

    @pytest.mark.filterwarnings("ignore:Detected pickle protocol")
    def test_flipped_bit_anywhere_else_never_changes_what_is_read(self, path: Path) -> None:
        data, generator = path.read_bytes(), random.Random(1)
        for place in range(0, len(data), 17):
            flipped = bytearray(data)
            flipped[place] ^= 1 << generator.randrange(8)
            path.write_bytes(flipped)
            try:
                found = read_content(path)
            except FerDetError as error:
                assert_one_line(error, path)
            else:
                # Padding, or a field of the archive that nobody reads.
                assert content_hash(found) == content_hash(make())

    @pytest.mark.parametrize("part", [0.02, 0.5, 0.999])
    def test_truncated(self, path: Path, part: float) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(WeightsError, match=r"is a truncated .*; wanted a model file") as error:
            read_content(path)
        assert_one_line(error.value, path)

    def test_flipped_bit_in_safetensors(self, safetensors: Path) -> None:
        data, generator = safetensors.read_bytes(), random.Random(0)
        for place in range(0, len(data), 7):
            flipped = bytearray(data)
            flipped[place] ^= 1 << generator.randrange(8)
            safetensors.write_bytes(flipped)
            try:
                found = read_content(safetensors)
            except FerDetError as error:
                assert_one_line(error, safetensors)
            else:
                # A space after the header.
                assert content_hash(found) == content_hash(make(training=None))

    @pytest.mark.parametrize("size", [0, 7, 100, 500, -1])
    def test_truncated_safetensors(self, safetensors: Path, size: int) -> None:
        safetensors.write_bytes(safetensors.read_bytes()[:size])
        problem = "is (empty|truncated|a truncated|of no known kind)"
        with pytest.raises(WeightsError, match=problem) as error:
            read_content(safetensors)
        assert_one_line(error.value, safetensors)

    @pytest.mark.parametrize("data", [b"", b"hello", b"\x80\x02}q\x00.", b"\x89PNG\r\n"])
    def test_neither_kind(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        with pytest.raises(WeightsError) as caught:
            read_content(path)
        assert_one_line(caught.value, path)

    @pytest.mark.parametrize("content", [STATE, [1, 2], {"format": "another"}, torch.ones(2)])
    def test_archive_of_something_else(self, path: Path, content: Any) -> None:
        torch.save(content, path)
        with pytest.raises(WeightsError, match=r"is a PyTorch file.*; .* convert-weights reads"):
            read_content(path)

    def test_another_version_is_named(self, path: Path, safetensors: Path) -> None:
        write_content(path, make(format="fer_det model 12"))
        rewrite_metadata(safetensors, {"format": "fer_det model 12"})
        for each in (path, safetensors):
            found = r"another version of fer_det \('fer_det model 12'\); .* or a newer one"
            with pytest.raises(WeightsError, match=found):
                read_content(each)

    @pytest.mark.parametrize(
        ("data", "found"),
        [
            (b"version https://git-lfs.github.com/spec/v1\nsize 9\n", "LFS pointer.*git lfs pull"),
            (b"<!DOCTYPE html><title>Sign in</title>", 'a web page with the title "Sign in"'),
            (b"\x1f\x8b\x08\x00", "a gzip archive; .* unpack it"),
        ],
    )
    def test_foreign_file_is_named(self, path: Path, data: bytes, found: str) -> None:
        path.write_bytes(data)
        with pytest.raises(WeightsError, match=found):
            read_content(path)

    def test_published_file_is_sent_to_convert_weights(self, path: Path) -> None:
        vgg_face.write_pytorch(path, vgg_face.sample_network(width=1, head=2))
        with pytest.raises(WeightsError, match=r"convert it first: fer-det convert-weights .*pth"):
            read_content(path)

    @pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
    def test_safetensors_of_others(self, path: Path, metadata: dict[str, str] | None) -> None:
        save_file({"weight": STATE["weight"].contiguous()}, path, metadata)
        with pytest.raises(WeightsError, match="is a safetensors file of another project"):
            read_content(path)

    @pytest.mark.parametrize("part", ["config", "classes", "info"])
    @pytest.mark.parametrize("text", [None, "nonsense"])
    def test_safetensors_without_a_part(
        self, safetensors: Path, part: str, text: str | None
    ) -> None:
        rewrite_metadata(safetensors, {part: text})
        with pytest.raises(WeightsError, match="has no readable description"):
            read_content(safetensors)

    def test_safetensors_with_another_description(self, safetensors: Path) -> None:
        rewrite_metadata(safetensors, {"classes": '["anger","fear"]'})
        with pytest.raises(WeightsError, match="has changed since it was written"):
            read_content(safetensors)

    def test_absent(self, tmp_path: Path) -> None:
        for name, found in (("absent.pth", "is absent"), (".", "is a folder")):
            with pytest.raises(WeightsNotFoundError, match=found):
                read_content(tmp_path / name)


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
    with pytest.raises(WeightsError) as caught:
        read_content(path)
    assert_one_line(caught.value, path)
    assert not folder.exists()
    torch.load(path, weights_only=False)
    assert folder.exists(), "the file was harmless, so this test showed nothing"


def test_failed_write_leaves_the_old_one(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(AttributeError):
        write_content(path, make(info={"made here": lambda: None}))
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


def rewrite_metadata(path: Path, changes: dict[str, str | None]) -> None:
    """Change entries of a safetensors file's metadata, or drop those that are None."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    for name, value in changes.items():
        header["__metadata__"].pop(name)
        if value is not None:
            header["__metadata__"][name] = value
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
