"""Files that are given as weights: each is named by its content, and the remedy with it."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_data import vgg_face
from fake_data.hostile_files import Call, content, saved
from torch import nn

from fer_det.errors import WeightsError, WeightsNotFoundError
from fer_det.weights.recognise import recognise_weights, refuse_foreign
from fer_det.weights.storage import FORMAT

ROOT = Path(__file__).parents[4]
NETWORK = vgg_face.sample_network(width=1, head=2)
CONVERT = "fer-det convert-weights "


def keras(path: Path, **how: Any) -> None:
    vgg_face.write_keras(path, vgg_face.rows_first(NETWORK), **how)


def matconvnet(path: Path, **how: Any) -> None:
    vgg_face.write_matconvnet(path, vgg_face.rows_first(NETWORK), **how)


PUBLISHED: dict[str, tuple[Callable[[Path], object], str]] = {
    "pth": (lambda p: vgg_face.write_pytorch(p, NETWORK), "vgg_face_dag.pth"),
    "old pth": (lambda p: vgg_face.write_pytorch(p, NETWORK, zipped=False), "vgg_face_dag.pth"),
    "keras": (keras, "rcmalli_vggface_tf_vgg16.h5"),
    "keras without top": (lambda p: keras(p, top=False), "rcmalli_vggface_tf_vgg16.h5"),
    "deepface": (
        lambda p: vgg_face.write_deepface(p, vgg_face.rows_first(NETWORK)),
        "vgg_face_weights.h5",
    ),
    "mat": (matconvnet, "vgg_face.mat"),
    "oxford's mat": (lambda p: matconvnet(p, oxford=True), "vgg_face.mat"),
    "caffemodel": (lambda p: vgg_face.write_caffe(p, NETWORK), "VGG_FACE.caffemodel"),
    "new caffemodel": (
        lambda p: vgg_face.write_caffe(p, NETWORK, old=False),
        "VGG_FACE.caffemodel",
    ),
    "torchvision": (
        lambda p: vgg_face.write_pytorch(p, vgg_face.torchvision_names(NETWORK)),
        "torchvision's VGG16",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_file_is_sent_to_convert_weights(name: str, tmp_path: Path) -> None:
    write, title = PUBLISHED[name]
    # The name of the file says nothing.
    path = tmp_path / "best of all.pth"
    write(path)
    found = recognise_weights(path)
    assert found.kind == "published"
    assert title in found.description
    assert f"{CONVERT}'{path}' --out" in found.remedy
    with pytest.raises(WeightsError, match="convert it first"):
        refuse_foreign(path, "a checkpoint of fer_det")


def test_own_files(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for made in (saved(content()), saved(content(), _use_new_zipfile_serialization=False)):
        path.write_bytes(made)
        assert refuse_foreign(path, "x").description == f"a file of fer_det ({FORMAT!r})"
    path.write_bytes(saved({**content(), "format": "fer_det model 12"}))
    assert "'fer_det model 12'" in refuse_foreign(path, "x").description
    own = refuse_foreign(ROOT / "weights" / "vgg16_faces.safetensors", "x")
    assert own.kind == "own"
    assert own.reader is None


def zipped(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return buffer.getvalue()


def safetensors(header: object) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * 4


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.ones(3))
    return buffer.getvalue()


def torch7(beginning: bytes) -> bytes:
    return beginning + b"\1\0\0\0\3\0\0\0V 1\x0d\0\0\0nn.Sequential" + b"\0" * 50


ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
OTHERS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "is empty", "download it again"),
    "zeros": (lambda: b"\0" * 9000, "begins with 4,096 zero bytes", "download it again"),
    "Git LFS": (
        lambda: (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:"
            + b"a" * 64
            + b"\nsize 580014432\n"
        ),
        "is a Git LFS pointer for a file of 580,014,432 bytes",
        "git lfs pull",
    ),
    "git-annex": (lambda: b"/annex/objects/SHA256E-s5--a.pth\n", "git-annex", "git annex get"),
    "web page": (
        lambda: b"\xef\xbb\xbf\n <!DOCTYPE html><html><title>Virus \n scan</title>",
        'is a web page with the title "Virus scan"',
        "download it again",
    ),
    "text": (lambda: b'{"error": "not found"}', 'text file that begins "{"error"', "name another"),
    "ZIP": (lambda: zipped(**{"a/vgg.pth": b"x"}), "a ZIP archive (a/vgg.pth)", "unpack it"),
    "half a ZIP": (lambda: saved(content())[:900], "a truncated or broken ZIP", "again"),
    "NumPy": (arrays, "a NumPy archive", "name another file"),
    "Keras 3": (lambda: zipped(**{"model.weights.h5": b"x"}), "a Keras 3 model", "name another"),
    "TorchScript": (
        lambda: zipped(**{"m/data.pkl": b"x", "m/constants.pkl": b"x"}),
        "a TorchScript program",
        "torch.save(model.state_dict()",
    ),
    "gzip": (lambda: gzip.compress(b"x"), "a gzip archive", "tar -xzf"),
    "bzip2": (lambda: bz2.compress(b"x"), "a bzip2 archive", "tar -xjf"),
    "tar": (lambda: tarred("vgg_face_caffe/README"), "a tar archive (vgg_face_c", "tar -xf"),
    "PyTorch before 2016": (lambda: tarred("sys_info"), "before 2016", "torch.save("),
    "whole module": (
        lambda: saved(nn.Sequential(nn.Conv2d(3, 4, 3))),
        "an object of torch.nn.modules.container.Sequential, which would run code",
        "torch.save(model.state_dict(), 'new.pth')",
    ),
    "whole module, old": (
        lambda: saved(nn.Linear(1, 2), _use_new_zipfile_serialization=False),
        "a PyTorch file with an object of torch.nn.modules.linear.Linear",
        "torch.save(",
    ),
    "pickle that runs code": (
        lambda: pickle.dumps(Call(os.mkdir, "ran"), 4),
        "a pickle with an object of posix.mkdir, which would run code",
        "torch.save(",
    ),
    "other network": (
        lambda: saved(nn.Sequential(nn.Linear(1, 2), nn.Linear(2, 3)).state_dict()),
        "a PyTorch file: 2 layers (0, 1, ...)",
        "name another file",
    ),
    "other training": (
        lambda: saved({"state_dict": nn.Linear(1, 2).state_dict(), "epoch": 3}),
        "a PyTorch file with the training state of another program",
        "name another file",
    ),
    "safetensors of another project": (
        lambda: safetensors({"bert.encoder.weight": ONE, "__metadata__": {"format": "pt"}}),
        "a safetensors file of another project: 1 layer (bert.encoder, ...)",
        "name another file",
    ),
    "half a safetensors": (
        lambda: struct.pack("<Q", 99999) + b'{"a": ',
        "a truncated or broken safetensors file",
        "again",
    ),
    "ONNX": (
        lambda: b"\x08\x08\x12\x07pytorch\x1a\x052.9.0\x3a\x00",
        "an ONNX model of pytorch",
        "best.pth",
    ),
    "LiteRT": (lambda: b"\x1c\0\0\0TFL3" + b"\0" * 90, "TensorFlow Lite", "name another file"),
    "MATLAB 7.3": (
        lambda: b"MATLAB 7.3 MAT-file, Platform: X".ljust(2000, b"\0"),
        "version 7.3",
        "'-v7'",
    ),
    "HDF5": (lambda: b"\x89HDF\r\n\x1a\n".ljust(2000, b"\0"), "an HDF5 file", "name another file"),
    "Torch7": (lambda: torch7(b"\4\0\0\0"), "a Torch7 file (.t7)", "vgg_face_dag.pth"),
    "Torch7 table": (lambda: torch7(b"\3\0\0\0"), "a Torch7 file (.t7)", "--file pytorch"),
    "Torch7 in text": (lambda: b"4\n1\n3\nV 1\n13\nnn.Sequential\n", "a Torch7", "--file pytorch"),
    "JPEG": (lambda: b"\xff\xd8\xff\xe0\0\x10JFIF\0\xff", "a JPEG picture", "name another file"),
    "noise": (lambda: bytes(range(255, 100, -1)), "of no known kind", "name another file"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_file_is_named_with_a_remedy(name: str, tmp_path: Path) -> None:
    make, description, remedy = OTHERS[name]
    path = tmp_path / "best.pth"
    path.write_bytes(make())
    found = recognise_weights(path)
    assert found.kind == "other"
    with pytest.raises(WeightsError) as caught:
        refuse_foreign(path, "a checkpoint of fer_det")
    line = str(caught.value)
    assert line.startswith(f"{path} is ")
    assert description in line
    assert remedy in found.remedy
    assert "\n" not in line
    assert len(line) < 400 + len(str(path))
    assert not (Path.cwd() / "ran").exists()


class TestNoFile:
    def refused(self, path: Path) -> str:
        with pytest.raises(WeightsNotFoundError) as caught:
            recognise_weights(path)
        return str(caught.value)

    def test_absent(self, tmp_path: Path) -> None:
        assert "a is absent; wanted a file of weights" in self.refused(tmp_path / "a")

    def test_folder_names_the_checkpoint_in_it(self, tmp_path: Path) -> None:
        for name in ("a.pth", "best.pth", "last.pth"):
            (tmp_path / name).touch()
        assert (
            f"is a folder; wanted a file of weights; name a file in it, such as {tmp_path}/best"
            in (self.refused(tmp_path))
        )

    def test_folder_of_anything_else(self, tmp_path: Path) -> None:
        (tmp_path / "photo.jpg").touch()
        told = self.refused(tmp_path)
        assert "a folder without a model file; wanted a file of weights; name a model file" in told

    def test_url(self) -> None:
        assert "is a URL" in self.refused(Path("https://example.org/best.pth"))

    def test_link_to_nowhere(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to(tmp_path / "b")
        assert "is a link to a file that is absent" in self.refused(tmp_path / "a")

    def test_pipe_is_not_opened(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a")
        assert "is no regular file" in self.refused(tmp_path / "a")


def test_truncated_and_changed_files_are_recognised_as_something(tmp_path: Path) -> None:
    path, random = tmp_path / "a", np.random.default_rng(0)
    for write, _ in PUBLISHED.values():
        write(path)
        whole = path.read_bytes()
        for _ in range(8):
            data = bytearray(whole[: random.integers(1, len(whole))])
            for place in random.integers(0, min(len(data), 300), 3):
                data[place] = random.integers(0, 256)
            path.write_bytes(bytes(data))
            assert "\n" not in str(recognise_weights(path).error("a checkpoint"))


def test_needs_no_torch(tmp_path: Path) -> None:
    torch.save({"conv1_1.weight": torch.ones(1)}, tmp_path / "a")
    path = repr(str(tmp_path / "a"))
    code = (
        "import sys, pathlib; from fer_det.weights.recognise import recognise_weights;"
        f"print(recognise_weights(pathlib.Path({path})).kind, 'torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["other", "False"]
