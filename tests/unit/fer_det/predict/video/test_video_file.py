from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.errors import OutputError
from fer_det.predict.video import video_file as module
from fer_det.predict.video.video_file import video_file


def frame(value: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def levels(path: Path) -> list[int]:
    """The mean of each frame."""
    capture = cv2.VideoCapture(str(path))
    found = []
    while True:
        there, pixels = capture.read()
        if not there:
            return found
        found.append(round(float(pixels.mean())))


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with video_file(path, 12.5) as video:
        for value in (20, 120, 220):
            video.write(frame(value))
        assert not path.exists()
    assert levels(path) == pytest.approx([20, 120, 220], abs=4)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]


def test_a_camera_s_frames_are_repeated_or_left_out_to_keep_the_pace(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with video_file(path, 10.0) as video:
        for value, seconds in ((20, 0.0), (60, 0.31), (100, 0.33), (140, 0.7)):
            video.write(frame(value), until=seconds)
    # At 10 frames a second the one at 0.31 s stands for three, and the next came too soon.
    assert levels(path) == pytest.approx([20, 60, 60, 60, 140, 140, 140, 140], abs=4)


def test_a_standstill_does_not_fill_the_disk(tmp_path: Path) -> None:
    with video_file(tmp_path / "a.mp4", 10.0) as video:
        video.write(frame(20), until=0.0)
        video.write(frame(20), until=1e6)
        assert video.count == 1 + 10 * module.LONGEST_STANDSTILL


@pytest.mark.parametrize(("width", "height"), [(63, 47), (1, 1), (65, 48)])
def test_odd_sizes(tmp_path: Path, width: int, height: int) -> None:
    with video_file(tmp_path / "a.mp4", 10.0) as video:
        video.write(frame(100, width, height))
    capture = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    there, pixels = capture.read()
    assert there
    assert pixels.shape[:2] == (height + height % 2, width + width % 2)


def test_frames_that_change_their_size_are_scaled(tmp_path: Path) -> None:
    with video_file(tmp_path / "a.mp4", 10.0) as video:
        video.write(frame(20))
        video.write(frame(200, 100, 30))
    assert levels(tmp_path / "a.mp4") == pytest.approx([20, 200], abs=4)


def test_nothing_stays_of_an_interrupted_one(tmp_path: Path) -> None:
    def interrupted() -> None:
        with video_file(tmp_path / "a.mp4", 10.0) as video:
            video.write(frame(20))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_cannot_be_read_back_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_three(path: Path) -> None:
        with video_file(path, 10.0) as video:
            for _ in range(3):
                video.write(frame(20))
            # As on a full disk: OpenCV says nothing.
            video.count += 2

    with pytest.raises(OutputError, match="3 of 5 frames can be read back"):
        write_three(tmp_path / "a.mp4")
    monkeypatch.setattr(module, "CODEC", "????")
    with pytest.raises(OutputError, match=r"OpenCV does not write \?\?\?\?"):
        write_three(tmp_path / "a.mp4")
    with pytest.raises(OutputError):
        write_three(tmp_path / "absent" / "a.mp4")
    assert list(tmp_path.iterdir()) == []
