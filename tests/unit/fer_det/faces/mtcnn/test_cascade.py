"""The cascade as a whole: any size, any company, never a crash."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from fake_data.astronaut import portrait, variants

from fer_det.faces import Mtcnn
from fer_det.faces.mtcnn import cascade as mtcnn_module


@pytest.fixture(scope="module")
def mtcnn() -> Mtcnn:
    return Mtcnn()


@pytest.mark.parametrize(
    "size", [(0, 0), (0, 9), (1, 1), (1, 500), (500, 1), (5, 7), (11, 11), (12, 12), (20, 20)]
)
def test_too_small_a_picture_has_no_face(mtcnn, size):
    picture = np.full((*size, 3), 130, np.uint8)
    assert mtcnn.detect([picture]) == [[]]
    assert mtcnn.detect([picture], coarse_first=True) == [[]]


@pytest.mark.parametrize("size", [(21, 21), (21, 900), (900, 22), (23, 24)])
def test_odd_sizes_are_looked_at(mtcnn, size):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert mtcnn.detect([noise]) == [[]]


def test_no_pictures_give_no_answers(mtcnn):
    assert mtcnn.detect([]) == []


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((50, 50), np.uint8),
        np.zeros((50, 50, 4), np.uint8),
        np.zeros((3, 50, 50), np.uint8),
        np.zeros((50, 50, 3), np.float32),
    ],
    ids=["gray", "RGBA", "channels first", "floats"],
)
def test_anything_but_rgb_bytes_is_our_own_mistake(mtcnn, picture):
    with pytest.raises(ValueError, match="not uint8"):
        mtcnn.detect([picture])


def test_answers_keep_the_order_of_the_pictures_and_leave_them_alone(mtcnn):
    pictures = [
        portrait()[:, ::-1],
        np.zeros((5, 5, 3), np.uint8),
        portrait()[::2, ::2],
        portrait(),
    ]
    before = [picture.copy() for picture in pictures]
    found = mtcnn.detect(pictures)
    assert [len(faces) for faces in found] == [1, 0, 1, 1]
    assert found[0][0].box.centre[0] > 160 > found[3][0].box.centre[0]
    for picture, copy in zip(pictures, before, strict=True):
        np.testing.assert_array_equal(picture, copy)


def test_more_pictures_than_a_batch_holds(mtcnn, monkeypatch):
    pictures = [portrait(), portrait()[:, ::-1].copy(), np.zeros((320, 320, 3), np.uint8)] * 2
    whole = mtcnn.detect(pictures)
    monkeypatch.setattr(mtcnn_module, "MAX_BATCH", 4)
    assert mtcnn.detect(pictures) == whole
    monkeypatch.setattr(mtcnn_module, "MAX_BATCH_PIXELS", 1)
    assert mtcnn.detect(pictures) == whole


def test_a_large_picture_is_answered_in_strips_as_if_whole(mtcnn, monkeypatch):
    pictures = [variants()[name] for name in ("family", "grid", "cut_by_the_top")]
    whole = mtcnn.detect(pictures)
    monkeypatch.setattr(mtcnn_module, "_PNET_PIXELS", 2_000)
    for strips, faces in zip(mtcnn.detect(pictures), whole, strict=True):
        assert [face.box for face in strips] == [face.box for face in faces]


@pytest.mark.parametrize("height", range(12, 60))
def test_strips_hold_every_window_once(monkeypatch, height):
    monkeypatch.setattr(mtcnn_module, "_PNET_PIXELS", 100)
    level = np.arange(height, dtype=np.float32)[None, :, None, None].repeat(13, 2).repeat(3, 3)
    windows, odd_rows = [], 0
    for _, row, strip in mtcnn_module._pieces(level):
        assert strip[0, 0, 0, 0] == 2 * row
        windows += range(row, row + (strip.shape[1] - 12) // 2 + 1)
        odd_rows += strip.shape[1] % 2
    assert windows == list(range((height - 12) // 2 + 1))
    # "Same" pooling makes one more answer of an odd last row, and of that alone.
    assert odd_rows == height % 2


def test_coarse_first_looks_again_where_it_found_nothing(mtcnn):
    # The face is 35 px of 640: below 15 %, so only the full ladder reaches it.
    wide = np.full((640, 640, 3), 60, np.uint8)
    wide[200:360, 300:460] = portrait()[::2, ::2]
    coarse, full = mtcnn.detect([wide], coarse_first=True), mtcnn.detect([wide])
    assert coarse == full
    assert len(full[0]) == 1


def test_coarse_first_leaves_out_small_faces_beside_a_large_one(mtcnn):
    scene = np.full((640, 960, 3), 60, np.uint8)
    scene[:640, :640] = portrait().repeat(2, axis=0).repeat(2, axis=1)
    scene[100:260, 700:860] = portrait()[::2, ::2]
    full, coarse = mtcnn.detect([scene])[0], mtcnn.detect([scene], coarse_first=True)[0]
    assert len(full) > len(coarse) >= 1
    assert max(full, key=lambda face: face.box.area) == max(coarse, key=lambda face: face.box.area)


def test_the_best_score_comes_first_and_boxes_lie_in_the_picture(mtcnn):
    (faces,) = mtcnn.detect([variants()["grid"]])
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    for face in faces:
        assert face.box.clipped(448, 336) == face.box
        assert all(edge == round(edge) for edge in face.box.as_tuple())
        left_eye, right_eye, nose, mouth_left, mouth_right = face.landmarks
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_eye[1] < nose[1] < mouth_left[1]
        assert mouth_left[0] < mouth_right[0]


def test_importing_the_builder_costs_no_torch_and_never_runs_the_package():
    code = (
        "import sys, fer_det.faces as faces; assert 'torch' not in sys.modules; "
        "faces.Mtcnn(); assert 'torch' in sys.modules; "
        "assert not {'mtcnn', 'joblib', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
