"""The fast cascade finds what the exact one finds, on any number of threads."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from fake_data.astronaut import portrait, variants
from torchvision.ops import nms

from fer_det.core.box import FaceBox
from fer_det.faces import Mtcnn
from fer_det.faces.mtcnn import fast_cascade as fast_module
from fer_det.faces.mtcnn.boxes import Candidates
from fer_det.faces.mtcnn.fast import FastMtcnn
from fer_det.faces.mtcnn.fast_cascade import make_octaves, make_pyramid

CLEAR = ("whole", "flipped", "half_size", "enlarged", "pair", "large_and_small", "family", "grid")


@pytest.fixture(scope="module")
def fast() -> FastMtcnn:
    return FastMtcnn()


@pytest.mark.parametrize("name", CLEAR)
def test_clear_faces_are_those_of_the_exact_cascade(fast: FastMtcnn, name: str) -> None:
    picture = variants()[name]
    ((found,), (wanted,)) = fast.detect([picture]), Mtcnn().detect([picture])
    assert len(found) == len(wanted)
    for face in wanted:
        twin = max(found, key=lambda other: other.box.iou(face.box))
        assert twin.box.iou(face.box) > 0.8
        assert np.abs(np.subtract(twin.landmarks, face.landmarks)).max() < 0.12 * face.box.height
        assert twin.score == pytest.approx(face.score, abs=0.1)


@pytest.mark.parametrize("name", ["suit", "flat", "noise", "too_small_for_any_scale"])
def test_nothing_is_found_where_nothing_is(fast: FastMtcnn, name: str) -> None:
    assert fast.detect([variants()[name]]) == [[]]


@pytest.mark.parametrize("size", [(0, 0), (0, 9), (1, 500), (5, 7), (20, 20), (21, 900), (23, 24)])
def test_odd_sizes(fast: FastMtcnn, size: tuple[int, int]) -> None:
    assert fast.detect([np.full((*size, 3), 130, np.uint8)]) == [[]]
    assert fast.detect([]) == []


def test_threads_and_tiles_change_no_box(fast: FastMtcnn, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = variants()["family"]
    whole = [face.box for face in fast.detect([picture])[0]]
    assert [face.box for face in FastMtcnn(threads=1).detect([picture])[0]] == whole
    monkeypatch.setattr(fast_module, "_TILE_CELLS", 23)
    assert [face.box for face in FastMtcnn(threads=3).detect([picture])[0]] == whole


def test_torch_s_number_of_threads_is_left_as_it_was() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        FastMtcnn(threads=3).detect([portrait()])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_small_faces_in_a_large_picture_and_the_limit(fast: FastMtcnn) -> None:
    scene = np.full((1500, 2000, 3), 70, np.uint8)
    wanted = []
    for number, part in enumerate((0.32, 0.45, 0.7)):
        side = round(320 * part)
        left, top = 600 * number + 50, 400 * number + 60
        small = cv2.resize(portrait(), (side, side), interpolation=cv2.INTER_AREA)
        scene[top : top + side, left : left + side] = small
        edges = part * np.array([113, 38, 167, 107]) + [left, top, left, top]
        wanted.append(FaceBox(*edges.tolist()))
    (found,) = fast.detect([scene])
    assert len(found) == 3
    for box in wanted:
        assert max(face.box.iou(box) for face in found) > 0.5
    # A window of 80 pixels also answers to a face of half its side.
    (found,) = FastMtcnn(lambda width, height: 0.04 * max(width, height)).detect([scene])
    assert [face.box.longer_side > 40 for face in found] == [True]


@pytest.mark.parametrize(("height", "width"), [(301, 407), (12, 13), (640, 480)])
def test_levels_are_the_root_of_2_apart_and_show_the_whole_picture(height: int, width: int) -> None:
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    picture = np.repeat(np.tile(ramp, (height, 1))[..., None], 3, axis=2)
    levels = make_pyramid(make_octaves(picture), 1.0)
    for number, (scale, pixels) in enumerate(levels):
        assert scale == pytest.approx(2 ** (-number / 2))
        assert pixels.shape[:2] == pytest.approx((height * scale, width * scale), abs=2.5)
        middle = pixels.shape[1] // 2
        x = round((middle + 0.5) / scale - 0.5)
        assert int(pixels[0, middle, 0]) == pytest.approx(int(ramp[min(x, width - 1)]), abs=16)
    assert min(levels[-1][1].shape[:2]) >= 12


def test_anything_but_rgb_bytes_is_our_own_mistake(fast: FastMtcnn) -> None:
    with pytest.raises(ValueError, match="not uint8"):
        fast.detect([np.zeros((50, 50), np.uint8)])


@pytest.mark.parametrize("count", [0, 1, 800])
def test_suppression_is_greedy_and_the_first_of_equal_scores_stays(count: int) -> None:
    random = np.random.default_rng(0)
    starts = random.uniform(0, 200, (count, 2))
    boxes = np.concatenate([starts, starts + random.uniform(10, 40, (count, 2))], axis=1)
    scores = random.uniform(0.6, 1, count).round(2).astype(np.float32).astype(np.float64)
    wanted = nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.5).numpy()
    candidates = Candidates(boxes, scores, np.zeros(count, np.int64))
    np.testing.assert_array_equal(fast_module._suppressed(candidates, 0.5).boxes, boxes[wanted])
