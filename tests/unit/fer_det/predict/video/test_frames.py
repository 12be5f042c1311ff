from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.errors import VideoError
from fer_det.predict.video import frames as frames_module
from fer_det.predict.video.frames import FrameSource, open_camera, open_video
from fer_det.predict.video.video_file import video_file

BLUE_IN_BGR = np.array([255, 0, 0], np.uint8)


class Capture:
    """What OpenCV's VideoCapture would be for a given list of frames."""

    def __init__(
        self, count: int, told: dict[int, float], times: list[float] | None = None
    ) -> None:
        self.left = count
        self.read_so_far = 0
        self.told = told
        self.times = times or []
        self.released = False

    def get(self, what: int) -> float:
        if what == cv2.CAP_PROP_POS_MSEC and self.times:
            return self.times[self.read_so_far - 1]
        return self.told.get(what, 0.0)

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        if not self.left:
            return False, None
        self.left -= 1
        self.read_so_far += 1
        return True, np.broadcast_to(BLUE_IN_BGR, (4, 6, 3)).copy()

    def release(self) -> None:
        self.released = True


def film(path: Path, count: int, rate: float = 10.0) -> Path:
    with video_file(path, rate) as video:
        for number in range(count):
            video.write(np.full((48, 64, 3), (200, 10 * number, 20), np.uint8))
    return path


class TestSource:
    @pytest.mark.parametrize(
        ("told", "live", "wanted"),
        [
            (29.97, False, 29.97),
            (0.0, False, frames_module.FILE_RATE),
            (0.0, True, frames_module.CAMERA_RATE),
            (90000.0, False, frames_module.FILE_RATE),
            (float("nan"), False, frames_module.FILE_RATE),
        ],
    )
    def test_rate_is_a_sensible_one(self, told: float, live: bool, wanted: float) -> None:
        assert FrameSource(Capture(1, {cv2.CAP_PROP_FPS: told}), "a", live).rate == wanted

    @pytest.mark.parametrize(
        ("told", "wanted"), [(100.0, 100), (0.0, None), (-9e18, None), (float("nan"), None)]
    )
    def test_total_is_none_where_nobody_knows(self, told: float, wanted: int | None) -> None:
        capture = Capture(1, {cv2.CAP_PROP_FRAME_COUNT: told})
        assert FrameSource(capture, "a", live=False).total == wanted
        assert FrameSource(capture, "a", live=True).total is None

    def test_frames_are_rgb_and_numbered(self) -> None:
        capture = Capture(3, {cv2.CAP_PROP_FPS: 10.0})
        found = list(FrameSource(capture, "a", live=False).frames())
        assert [frame.number for frame in found] == [0, 1, 2]
        assert [frame.seconds for frame in found] == pytest.approx([0.0, 0.1, 0.2])
        assert found[0].pixels.shape == (4, 6, 3)
        assert found[0].pixels[0, 0].tolist() == [0, 0, 255]
        assert capture.released

    def test_time_is_the_file_s_and_never_goes_back(self) -> None:
        capture = Capture(4, {cv2.CAP_PROP_FPS: 10.0}, times=[0.0, 500.0, 400.0, 2000.0])
        seconds = [frame.seconds for frame in FrameSource(capture, "a", live=False).frames()]
        assert seconds == [0.0, 0.5, 0.5, 2.0]

    def test_seconds_end_it(self) -> None:
        capture = Capture(100, {cv2.CAP_PROP_FPS: 10.0})
        assert len(list(FrameSource(capture, "a", live=False).frames(0.5))) == 5
        assert capture.released

    def test_not_one_frame(self) -> None:
        capture = Capture(0, {})
        with pytest.raises(VideoError, match="camera 0 gave no frame"):
            list(FrameSource(capture, "camera 0", live=True).frames())
        assert capture.released

    def test_left_early_is_closed(self) -> None:
        capture = Capture(5, {})
        frames = FrameSource(capture, "a", live=False).frames()
        next(frames)
        frames.close()  # type: ignore[attr-defined]
        assert capture.released


class TestFile:
    def test_opened(self, tmp_path: Path) -> None:
        source = open_video(film(tmp_path / "a.mp4", 12))
        assert (source.rate, source.total, source.live) == (10.0, 12, False)
        found = list(source.frames())
        assert [round(frame.seconds, 3) for frame in found] == [n / 10 for n in range(12)]
        # Reddish, as it was written: nobody took red for blue.
        assert abs(found[0].pixels[24, 32].astype(int) - [200, 0, 20]).max() < 12

    def test_broken_ones_are_one_line_and_ffmpeg_is_silent(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        whole = film(tmp_path / "whole.mp4", 30).read_bytes()
        for name, data, told in [
            ("half.mp4", whole[: len(whole) // 2], "is broken or not a video we read"),
            ("text.mp4", b"hello", "is broken or not a video we read"),
            ("empty.mp4", b"", "is empty"),
        ]:
            (tmp_path / name).write_bytes(data)
            with pytest.raises(VideoError, match=told):
                open_video(tmp_path / name)
        with pytest.raises(VideoError, match="is absent"):
            open_video(tmp_path / "absent.mp4")
        assert capfd.readouterr() == ("", "")


class TestCamera:
    def test_none_there(self, capfd: pytest.CaptureFixture[str]) -> None:
        if os.path.exists("/dev/video77"):  # noqa: PTH110
            pytest.skip("this machine has 78 cameras")
        with pytest.raises(VideoError, match="camera 77 could not be opened; wanted a camera"):
            open_camera(77)
        assert capfd.readouterr() == ("", "")

    def test_time_is_the_clock_s(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ticks = iter([100.0, 100.2, 100.7, 101.5, 102.0])
        monkeypatch.setattr(frames_module.time, "monotonic", lambda: next(ticks))

        class Camera(Capture):
            asked: Any = None

            def __init__(self, index: int) -> None:
                super().__init__(4, {cv2.CAP_PROP_FPS: 15.0, cv2.CAP_PROP_FRAME_COUNT: 5.0})
                Camera.asked = index

            def isOpened(self) -> bool:  # noqa: N802
                return True

            def set(self, what: int, value: float) -> None:
                assert (what, value) == (cv2.CAP_PROP_BUFFERSIZE, 1)

        monkeypatch.setattr(frames_module.cv2, "VideoCapture", Camera)
        source = open_camera(3)
        assert (Camera.asked, source.name, source.live) == (3, "camera 3", True)
        assert [frame.seconds for frame in source.frames()] == pytest.approx([0.2, 0.7, 1.5, 2.0])
