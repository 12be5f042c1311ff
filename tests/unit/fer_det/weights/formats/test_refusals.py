"""Files that are broken, hostile or of another network: an error of one line, and no code runs."""

from __future__ import annotations

import os
import pickle
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_data import vgg_face
from fake_data.vgg_face import Network
from torch import nn

from fer_det.errors import FerDetError, WeightsError, WeightsNotFoundError
from fer_det.weights.formats.convert import convert_weights

WRITERS: dict[str, Callable[[Path, Network], None]] = {
    "pytorch": vgg_face.write_pytorch,
    "pickle": lambda path, network: vgg_face.write_pytorch(path, network, zipped=False),
    "keras": lambda path, network: vgg_face.write_keras(path, vgg_face.rows_first(network)),
    "matlab": lambda path, network: vgg_face.write_matconvnet(path, vgg_face.rows_first(network)),
    "oxford": lambda path, network: vgg_face.write_matconvnet(
        path, vgg_face.rows_first(network), oxford=True
    ),
    "caffe": vgg_face.write_caffe,
    "caffe_new": lambda path, network: vgg_face.write_caffe(path, network, old=False),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One whole file of each kind, as bytes."""
    path = tmp_path_factory.mktemp("whole") / "a"
    found = {}
    for name, write in WRITERS.items():
        write(path, vgg_face.sample_network(width=1, head=2))
        found[name] = path.read_bytes()
    return found


def refused(path: Path) -> str:
    with pytest.raises(FerDetError) as caught:
        convert_weights(path)
    assert isinstance(caught.value, ValueError)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    assert len(line) < 500 + len(str(path))
    return line


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.97, -1])
def test_truncated(name: str, part: float, files: dict[str, bytes], tmp_path: Path) -> None:
    whole = files[name]
    path = tmp_path / "a"
    path.write_bytes(whole[:-1] if part < 0 else whole[: int(part * len(whole))])
    if name == "keras" and part < 0:
        # Nothing may need its last byte.
        assert_refused_or_whole(path)
        return
    assert "broken" in refused(path)


def assert_refused_or_whole(path: Path) -> None:
    try:
        converted = convert_weights(path)
    except WeightsError:
        return
    assert len(converted.matched) == 15


@pytest.mark.parametrize("name", WRITERS)
def test_flipped_bytes(name: str, files: dict[str, bytes], tmp_path: Path) -> None:
    """The result is an error of one line or a whole network of finite numbers."""
    path, random = tmp_path / "a", np.random.default_rng(3)
    for _ in range(12):
        data = bytearray(files[name])
        # Most of them where the structure is.
        ends = (2000, len(data)) if random.random() < 0.7 else (len(data), len(data))
        for place in random.integers(0, min(ends), 3):
            data[place] = random.integers(0, 256)
        path.write_bytes(bytes(data))
        assert_refused_or_whole(path)


class TestNoWeights:
    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsNotFoundError, match="a is absent"):
            convert_weights(tmp_path / "a")

    def test_file_without_a_reader_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"<!DOCTYPE html><title>404</title>")
        assert "is a web page" in refused(tmp_path / "a")


class TestOtherNetwork:
    @pytest.mark.parametrize("name", WRITERS)
    @pytest.mark.parametrize("layer", ["conv1_1", "conv4_2", "fc7", "fc8"])
    def test_layer_is_missing(self, name: str, layer: str, tmp_path: Path) -> None:
        network = vgg_face.sample_network(width=1, head=2)
        del network[layer]
        WRITERS[name](tmp_path / "a", network)
        assert f"lacks {layer};" in refused(tmp_path / "a")

    def test_layer_is_missing_where_positions_count(self, tmp_path: Path) -> None:
        network = vgg_face.sample_network(width=1, head=2)
        del network["conv4_2"]
        vgg_face.write_deepface(tmp_path / "a", vgg_face.rows_first(network))
        assert "no known format (15 layers with weights" in refused(tmp_path / "a")

    @pytest.mark.parametrize("name", WRITERS)
    def test_other_shape(self, name: str, tmp_path: Path) -> None:
        network = vgg_face.sample_network(width=2, head=2)
        network["conv3_2"] = network["conv2_2"]
        WRITERS[name](tmp_path / "a", network)
        assert "has conv3_2 of shape" in refused(tmp_path / "a")

    @pytest.mark.parametrize("name", WRITERS)
    def test_other_training(self, name: str, tmp_path: Path) -> None:
        """ImageNet's VGG16 has the same names, and another mean."""
        WRITERS[name](tmp_path / "a", vgg_face.sample_network(width=1, head=2, classes=1000))
        assert "and 1,000 classes; wanted 2,622" in refused(tmp_path / "a")

    @pytest.mark.parametrize("oxford", [False, True])
    def test_other_mean(self, oxford: bool, tmp_path: Path) -> None:
        network = vgg_face.rows_first(vgg_face.sample_network(width=1, head=2))
        swapped = vgg_face.MEAN[::-1]
        vgg_face.write_matconvnet(tmp_path / "a", network, oxford=oxford, mean=swapped)
        assert "states the mean colour 93.6, 104.8, 129.2; wanted 129.2" in refused(tmp_path / "a")

    def test_extra_layer_is_left(self, tmp_path: Path) -> None:
        network = vgg_face.sample_network(width=1, head=2)
        network["fc9"] = network["fc7"]
        vgg_face.write_pytorch(tmp_path / "a", network)
        assert convert_weights(tmp_path / "a").ignored == ("fc9",)

    def test_others(self, tmp_path: Path) -> None:
        torch.save(nn.Linear(3, 4).state_dict(), tmp_path / "a")
        assert "no known format (no weights)" in refused(tmp_path / "a")
        torch.save([torch.ones(3)], tmp_path / "b")
        assert "holds a list" in refused(tmp_path / "b")

    def test_not_finite(self, tmp_path: Path) -> None:
        network = vgg_face.sample_network(width=1, head=2)
        network["conv2_1"][0][0, 0, 0, 0] = np.inf
        vgg_face.write_pytorch(tmp_path / "a", network)
        assert "conv2_1 with numbers that are not finite" in refused(tmp_path / "a")

    def test_wider_than_vgg16(self, tmp_path: Path) -> None:
        """A tensor without strides takes no room in its file."""
        state = {}
        for name, (weight, bias) in vgg_face.sample_network(width=1, head=2).items():
            shape = [size * 1000 if size != 3 else 3 for size in weight.shape]
            state[f"{name}.weight"] = torch.zeros(1).expand(shape)
            state[f"{name}.bias"] = torch.zeros(1).expand(len(bias) * 1000)
        state["fc8.bias"] = torch.zeros(2622)
        torch.save(state, tmp_path / "a")
        assert "1,000 channels in conv1_1" in refused(tmp_path / "a")


class Runs:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


class TestCode:
    @pytest.mark.parametrize("protocol", [2, 4])
    def test_pickle(self, protocol: int, tmp_path: Path) -> None:
        ran = tmp_path / "ran"
        (tmp_path / "a").write_bytes(pickle.dumps(Runs(ran), protocol))
        refused(tmp_path / "a")
        assert not ran.exists()

    @pytest.mark.parametrize("zipped", [True, False])
    def test_pytorch(self, zipped: bool, tmp_path: Path) -> None:
        ran = tmp_path / "ran"
        state = {"conv1_1.weight": torch.ones(3), "x": Runs(ran)}
        torch.save(state, tmp_path / "a", _use_new_zipfile_serialization=zipped)
        message = refused(tmp_path / "a")
        assert "would run code" in message
        assert "torch.save(model.state_dict()" in message
        assert not ran.exists()

    def test_whole_model(self, tmp_path: Path) -> None:
        torch.save(nn.Sequential(nn.Conv2d(3, 4, 3)), tmp_path / "a")
        assert "would run code" in refused(tmp_path / "a")

    def test_keras_lambda(self, tmp_path: Path) -> None:
        described = '{"config": {"layers": [{"class_name": "Lambda", "config": {"function": []}}]}}'
        network = vgg_face.rows_first(vgg_face.sample_network(width=1, head=2))
        vgg_face.write_keras(tmp_path / "a", network, whole=described)
        assert "Lambda" in refused(tmp_path / "a")


class TestKerasLinks:
    @pytest.mark.parametrize("kind", ["external", "soft", "virtual", "raw", "absent"])
    def test_no_other_file_is_opened(self, kind: str, tmp_path: Path) -> None:
        import h5py

        path, other = tmp_path / "a", tmp_path / "other"
        vgg_face.write_keras(other, vgg_face.rows_first(vgg_face.sample_network(width=1, head=2)))
        with h5py.File(path, "w") as file:
            file.attrs["layer_names"] = [b"conv1_1"]
            if kind == "external":
                file["conv1_1"] = h5py.ExternalLink(str(other), "/conv1_1")
            elif kind == "soft":
                file["x"] = np.ones(3)
                file["conv1_1"] = h5py.SoftLink("/x")
            elif kind == "virtual":
                layout = h5py.VirtualLayout((3,), "f4")
                layout[:] = h5py.VirtualSource(str(other), "conv1_1/conv1_1/bias:0", (3,))
                file.create_group("conv1_1").create_virtual_dataset("bias", layout)
            elif kind == "raw":
                group = file.create_group("conv1_1")
                group.create_dataset("bias", (3,), "f4", external=[(str(other), 0, 12)])
        message = refused(path)
        assert any(word in message for word in ("link", "another file", "absent"))


class TestMemory:
    """A file of some bytes states that it holds a thousand times this machine."""

    def refused_in_little(self, path: Path) -> str:
        tracemalloc.start()
        try:
            message = refused(path)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 50_000_000
        return message

    def test_keras_states_numbers_that_are_not_there(self, tmp_path: Path) -> None:
        import h5py

        for name, shape in (("a", (10**6, 10**6)), ("b", (10**5, 10**3))):
            with h5py.File(tmp_path / name, "w") as file:
                group = file.create_group("conv1_1")
                group.create_dataset("kernel", shape, "f4", chunks=(100, 100), compression="gzip")
            assert "holds nothing" in self.refused_in_little(tmp_path / name)

    def test_keras_states_numbers_that_are_partly_there(self, tmp_path: Path) -> None:
        import h5py

        with h5py.File(tmp_path / "a", "w") as file:
            group = file.create_group("conv1_1")
            kernel = group.create_dataset("kernel", (10**6, 10**6), "f4", chunks=(100, 100))
            kernel[:10, :10] = 1
        assert "states more than" in self.refused_in_little(tmp_path / "a")

    @pytest.mark.parametrize(
        "axes", [(2**31 - 1,) * 4, (1, 1, 1, 2**31 - 1), (0, 0, 0, 0), (-1,) * 4]
    )
    def test_caffe_axes(self, axes: tuple[int, ...], tmp_path: Path) -> None:
        message = vgg_face.caffe_message({"conv1_1": (np.ones((2, 3), "f4"), np.ones(2, "f4"))})
        blob = message.layers[0].blobs[0]
        blob.num, blob.channels, blob.height, blob.width = axes
        (tmp_path / "a").write_bytes(message.SerializeToString())
        assert "another size" in self.refused_in_little(tmp_path / "a")

    def test_caffe_lengths(self, tmp_path: Path) -> None:
        for tail in (
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"\x12\xff",
            b"\x12" + b"\xff" * 20,
        ):
            (tmp_path / "a").write_bytes(b"\x0a\x01a" + tail)
            assert "ends within" in (message := self.refused_in_little(tmp_path / "a")) or (
                "too long" in message
            )

    def test_caffe_fields(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"\x0a\x00" * 20_000)
        assert "more than 10,000 fields" in self.refused_in_little(tmp_path / "a")

    def test_matlab_unpacks_to_much(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from fer_det.weights.formats import matlab

        monkeypatch.setattr(matlab, "MAX_UNPACKED_BYTES", 20_000_000)
        packed = zlib.compress(b"\0" * 60_000_000)
        header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
        tag = (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little")
        (tmp_path / "a").write_bytes(header + tag + packed)
        del packed
        assert "unpacks to more than" in self.refused_in_little(tmp_path / "a")

    @pytest.mark.parametrize("kind", [1, 2, 6, 7])
    def test_matlab_axes(self, kind: int, tmp_path: Path) -> None:
        """A cell, struct, double and single array of 2**31 - 1 by 2**31 - 1."""
        word = (2**31 - 1).to_bytes(4, "little")

        def element(type_code: int, content: bytes) -> bytes:
            padded = content.ljust(-(-len(content) // 8) * 8, b"\0")
            return type_code.to_bytes(4, "little") + len(content).to_bytes(4, "little") + padded

        flags = element(6, kind.to_bytes(4, "little") + b"\0" * 4)
        body = flags + element(5, word * 2) + element(1, b"layers")
        header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
        (tmp_path / "a").write_bytes(header + element(14, body))
        assert "broken MATLAB file" in self.refused_in_little(tmp_path / "a")

    def test_pytorch_states_numbers_that_are_not_there(self, tmp_path: Path) -> None:
        torch.save({"conv1_1.weight": torch.zeros(113)}, tmp_path / "a")
        with (
            zipfile.ZipFile(tmp_path / "a") as whole,
            zipfile.ZipFile(tmp_path / "b", "w") as changed,
        ):
            for entry in whole.infolist():
                content = whole.read(entry)
                if entry.filename.endswith("data.pkl"):
                    assert content.count(b"K\x71") == 2
                    content = content.replace(b"K\x71", b"J" + (10**9).to_bytes(4, "little"))
                changed.writestr(entry.filename, content)
        self.refused_in_little(tmp_path / "b")

    def test_pytorch_packed_entries(self, tmp_path: Path) -> None:
        torch.save({"conv1_1.weight": torch.zeros(10**6)}, tmp_path / "a")
        with (
            zipfile.ZipFile(tmp_path / "a") as plain,
            zipfile.ZipFile(tmp_path / "b", "w", zipfile.ZIP_DEFLATED) as packed,
        ):
            for entry in plain.infolist():
                packed.writestr(entry.filename, plain.read(entry))
        assert "packed or overlapping entries" in self.refused_in_little(tmp_path / "b")
