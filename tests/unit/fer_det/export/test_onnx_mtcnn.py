"""MTCNN by onnxruntime answers as the one that torch runs."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from fake_data.astronaut import portrait, variants

from fer_det.errors import WeightsNotFoundError
from fer_det.faces.mtcnn.fast import FastMtcnn

pytest.importorskip("onnxruntime")

from fer_det.export.onnx_mtcnn import OnnxMtcnn


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_faces_as_with_torch(threads: int) -> None:
    whole = portrait()
    pictures = [whole, np.tile(whole, (2, 2, 1)), variants()["half_size"], whole // 16]
    found = OnnxMtcnn(threads=threads).detect(pictures)
    wanted = FastMtcnn(threads=1).detect(pictures)
    assert [len(faces) for faces in wanted][:2] == [1, 4]
    assert [len(faces) for faces in found] == [len(faces) for faces in wanted]
    for one, other in zip(chain(*found), chain(*wanted), strict=True):
        assert one.box.as_tuple() == pytest.approx(other.box.as_tuple(), abs=1)
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert np.ravel(one.landmarks) == pytest.approx(np.ravel(other.landmarks), abs=1)


def test_the_smallest_face_is_asked_for() -> None:
    assert OnnxMtcnn(lambda _width, height: height / 2, threads=1).detect([portrait()]) == [[]]


def test_files_that_are_absent(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"pnet\.onnx is not there"):
        OnnxMtcnn(folder=tmp_path)
