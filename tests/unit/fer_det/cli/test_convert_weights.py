"""The commands around the converter, on a backbone of full width."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from fake_data import vgg_face

from fer_det.cli import convert_weights, fetch_weights
from fer_det.weights.formats import fetch
from fer_det.weights.formats.fetch import BACKBONE_PARAMETERS, PublicFile
from fer_det.weights.model_file import read_model_file


@pytest.fixture(scope="module")
def network() -> vgg_face.Network:
    return vgg_face.sample_network(width=64, head=1, classes=1)


@pytest.fixture(scope="module")
def keras(network: vgg_face.Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keras") / "notop"
    vgg_face.write_keras(path, vgg_face.rows_first(vgg_face.blue_first(network)), top=False)
    return path


def test_convert(
    keras: Path, network: vgg_face.Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "vgg.safetensors"
    assert convert_weights.main([str(keras), "--out", str(out), "--dtype", "float16"]) == 0
    printed, errors = capsys.readouterr()
    assert errors == ""
    assert "14,714,688 parameters, reads blue, green, red" in printed
    assert "matched: 13 convolutions of the backbone" in printed
    assert "absent: fc6, fc7" in printed
    assert f"next: fer-det train --init {out}\n" in printed
    file = read_model_file(out)
    tensors = file.tensors
    assert file.config.image_mean == pytest.approx((0.506613, 0.410833, 0.367035), abs=1e-6)
    assert file.config.image_std == (1 / 255,) * 3
    assert file.info["licence"].startswith("CC BY-NC")
    assert file.info["notes"]["weight_format"] == "vgg_face_rcmalli"
    weight = network["conv1_1"][0]
    assert np.array_equal(tensors["features.0.weight"], weight.astype(np.float16))
    assert out.stat().st_size < 30_000_000


def test_narrow_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vgg_face.write_pytorch(tmp_path / "a", vgg_face.sample_network(width=1, head=2))
    argv = ["--weights", str(tmp_path / "a"), "--out", str(tmp_path / "b")]
    assert convert_weights.main(argv) == 2
    error = capsys.readouterr().err
    assert "has 1 channels in conv1_1; wanted VGG16's 64" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "b").exists()


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, PublicFile]:
    table: dict[str, PublicFile] = {}
    monkeypatch.setattr(fetch, "PUBLIC_FILES", table)
    return table


def run_fetch(folder: Path) -> int:
    out = folder / "out.safetensors"
    return fetch_weights.main(["--file=keras_notop", f"--folder={folder}", f"--out={out}"])


def test_fetch_uses_the_file_that_is_there(
    keras: Path,
    known: dict[str, PublicFile],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "notop").symlink_to(keras)
    known["keras_notop"] = PublicFile("http://127.0.0.1:1/notop", BACKBONE_PARAMETERS)
    assert run_fetch(tmp_path) == 0
    assert read_model_file(tmp_path / "out.safetensors").info["notes"]["parameters"] == "14714688"
    capsys.readouterr()
    assert run_fetch(tmp_path) == 0
    assert "is there already" in capsys.readouterr().out


@pytest.mark.parametrize("is_there", [True, False])
def test_fetch_refuses(
    is_there: bool,
    known: dict[str, PublicFile],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Other counts of parameters, and no network."""
    if is_there:
        vgg_face.write_pytorch(tmp_path / "a", vgg_face.sample_network(width=1, head=2))
    known["keras_notop"] = PublicFile("http://127.0.0.1:1/a", BACKBONE_PARAMETERS)
    assert run_fetch(tmp_path) == 2
    error = capsys.readouterr().err
    assert ("wanted 14,714,688" if is_there else f"that file at {tmp_path / 'a'};") in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize(("package", "writer"), [("h5py", "keras"), ("scipy.io", "matlab")])
def test_package_that_is_not_there(
    package: str,
    writer: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    begins = {"keras": b"\x89HDF\r\n\x1a\n", "matlab": b"MATLAB 5.0 MAT-file"}[writer]
    (tmp_path / "a").write_bytes(begins.ljust(200))
    monkeypatch.setitem(sys.modules, package, None)
    assert convert_weights.main([str(tmp_path / "a"), f"--out={tmp_path / 'b'}"]) == 2
    assert "pip install 'fer_det[weights]'" in capsys.readouterr().err
