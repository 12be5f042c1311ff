from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fake_data.films import write_film
from numpy.typing import NDArray

from fer_det.errors import VideoError
from fer_det.predict.video import frames as module
from fer_det.predict.video.frames import Camera, VideoFile

BLUE_IN_BGR = np.array([255, 0, 0], np.uint8)


def noise(count: int = 24, side: int = 96) -> list[NDArray[np.uint8]]:
    """Frames of about the same number of bytes each: every one is another picture."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (count, side // 8, side // 8, 3), dtype=np.uint8)
    return list(coarse.repeat(8, 1).repeat(8, 2))


def read(path: Path) -> tuple[VideoFile, list[module.Frame]]:
    video = VideoFile(path)
    return video, list(video.frames())


class TestFile:
    @pytest.mark.parametrize(
        ("name", "codec"),
        [
            ("a.mp4", "libx264"),
            ("a.mov", "libx264"),
            ("a.mkv", "libx265"),
            ("a.webm", "libvpx-vp9"),
            ("a.avi", "mjpeg"),
            ("a.ts", "mpeg2video"),
            ("a.3gp", "mpeg4"),
            ("a.flv", "flv"),
            ("a.mpg", "mpeg2video"),
            ("a.wmv", "wmv2"),
            ("a.mp4", "libsvtav1"),
        ],
    )
    def test_kinds(self, tmp_path: Path, name: str, codec: str) -> None:
        frames = [np.full((96, 128, 3), (200, 8 * n, 20), np.uint8) for n in range(12)]
        video, found = read(write_film(tmp_path / name, frames, rate=25, codec=codec))
        assert [frame.number for frame in found] == list(range(12))
        assert [frame.seconds for frame in found] == pytest.approx(
            [n / 25 for n in range(12)], abs=1e-3
        )
        assert (video.live, video.damage, video.rate) == (False, "", pytest.approx(25))
        # Red was not taken for blue.
        assert abs(found[5].pixels[48, 64].astype(int) - [200, 40, 20]).max() < 16

    def test_times_of_a_variable_rate(self, tmp_path: Path) -> None:
        times = [0.0, 0.1, 0.2, 1.5, 1.6, 4.0]
        _, found = read(write_film(tmp_path / "a.mp4", noise(6), times=times))
        assert [frame.seconds for frame in found] == pytest.approx(times, abs=1e-3)

    def test_time_begins_with_the_first_frame(self, tmp_path: Path) -> None:
        video, found = read(write_film(tmp_path / "a.ts", noise(3), codec="libx264"))
        assert video.start > 0
        assert found[0].seconds == 0

    @pytest.mark.parametrize("mirrored", [False, True])
    @pytest.mark.parametrize("turned", [0, 90, 180, 270])
    def test_turned_and_mirrored_as_phones_ask(
        self, tmp_path: Path, turned: int, mirrored: bool
    ) -> None:
        pixels = np.zeros((64, 96, 3), np.uint8)
        pixels[:20, :30] = 220
        pixels[-20:, :30] = 110
        film = write_film(tmp_path / "a.mp4", [pixels], turned=turned, mirrored=mirrored)
        _, (found,) = read(film)
        wanted = np.rot90(pixels, turned // 90)
        wanted = wanted[:, ::-1] if mirrored else wanted
        assert found.pixels.shape == wanted.shape
        assert np.abs(found.pixels.astype(int) - wanted).mean() < 4

    def test_seconds_end_it(self, tmp_path: Path) -> None:
        video = VideoFile(write_film(tmp_path / "a.mp4", noise(20), rate=10))
        assert len(list(video.frames(0.5))) == 5
        assert video.damage == ""

    def test_a_part_of_it(self, tmp_path: Path) -> None:
        frames = [np.full((96, 128, 3), 8 * n, np.uint8) for n in range(30)]
        path = write_film(tmp_path / "a.mp4", frames, rate=10)
        video = VideoFile(path)
        assert video.count_frames(2.0, 0.5, 4) == 4
        found = list(video.frames(stop=2.0, start=0.5, every=4))
        # Numbers and times are those of the whole film.
        assert [frame.number for frame in found] == [5, 9, 13, 17]
        assert [frame.seconds for frame in found] == pytest.approx([0.5, 0.9, 1.3, 1.7])
        assert abs(int(found[1].pixels.mean()) - 72) < 3
        assert video.damage == ""
        assert len(list(VideoFile(path).frames(start=2.0))) == 10
        with pytest.raises(
            VideoError, match=r"no frame at 3 s or later; wanted --start below.*2.9"
        ):
            list(VideoFile(path).frames(start=3.0))

    def test_total(self, tmp_path: Path) -> None:
        for name, total in (("a.mp4", 24), ("a.avi", 24), ("a.mkv", 24), ("a.ts", None)):
            assert VideoFile(write_film(tmp_path / name, noise(24))).total == total

    def test_names_that_look_like_addresses_are_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("http:x.mp4", "concat:a|b.mp4", os.fsdecode(b"caf\xe9.mp4")):
            Path("plain.mp4").unlink(missing_ok=True)
            write_film("plain.mp4", noise(2)).rename(name)
            assert len(read(Path(name))[1]) == 2

    @pytest.mark.parametrize(
        "data",
        [
            b"#EXTM3U\n#EXTINF:1,\nhttp://192.0.2.1/a.ts\n#EXT-X-ENDLIST\n",
            b"ffconcat version 1.0\nfile plain.mp4\n",
            b"v=0\no=- 0 0 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nm=video 5004 RTP/AVP 96\n",
        ],
        ids=["playlist", "concat", "sdp"],
    )
    def test_lists_of_other_files_are_refused(self, tmp_path: Path, data: bytes) -> None:
        write_film(tmp_path / "plain.mp4", noise(2))
        (tmp_path / "a.mp4").write_bytes(data)
        with pytest.raises(VideoError, match="is broken or not a video we read"):
            VideoFile(tmp_path / "a.mp4")


class TestDamage:
    def film(self, folder: Path, name: str = "a.mkv", codec: str = "libx264") -> bytes:
        return write_film(folder / name, noise(), rate=12, codec=codec).read_bytes()

    @pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.avi", "a.flv"])
    def test_cut_off(self, tmp_path: Path, name: str) -> None:
        codec = {"a.webm": "libvpx", "a.avi": "mpeg4", "a.flv": "flv"}.get(name, "libx264")
        data = self.film(tmp_path, name, codec)
        (tmp_path / name).write_bytes(data[: int(0.6 * len(data))])
        video, found = read(tmp_path / name)
        assert 0 < len(found) < 24
        assert f"{name} is damaged: at least " in video.damage
        assert " of 24 frames are lost or incomplete" in video.damage

    def test_cut_off_with_the_index_in_front(self, tmp_path: Path) -> None:
        options = {"movflags": "+faststart"}
        film = write_film(tmp_path / "a.mp4", noise(), rate=12, options=options)
        film.write_bytes(film.read_bytes()[: int(0.7 * film.stat().st_size)])
        video, found = read(film)
        assert len(found) < 24
        assert "of 24 frames" in video.damage

    @pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx", "mpeg4"])
    def test_hole_of_zeros(self, tmp_path: Path, codec: str) -> None:
        data = bytearray(self.film(tmp_path, codec=codec))
        start, end = int(0.55 * len(data)), int(0.65 * len(data))
        data[start:end] = bytes(end - start)
        (tmp_path / "a.mkv").write_bytes(data)
        video, found = read(tmp_path / "a.mkv")
        assert len(found) > 10
        assert "is damaged" in video.damage

    def test_whole_films_are_not_damaged(self, tmp_path: Path) -> None:
        black = [np.zeros((96, 128, 3), np.uint8)] * 30
        for codec in ("libx264", "libx265", "libvpx", "libvpx-vp9", "mpeg4"):
            assert read(write_film(tmp_path / "a.mkv", black, codec=codec))[0].damage == ""

    def test_broken_ones_are_one_line_and_ffmpeg_is_silent(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        whole = write_film(tmp_path / "whole.mp4", noise(30)).read_bytes()
        capfd.readouterr()
        for name, data, text in [
            ("half.mp4", whole[: len(whole) // 2], "is broken or not a video we read"),
            ("text.mp4", b"hello", "is broken or not a video we read"),
            ("empty.mp4", b"", "is empty"),
        ]:
            (tmp_path / name).write_bytes(data)
            with pytest.raises(VideoError, match=text):
                VideoFile(tmp_path / name)
        with pytest.raises(VideoError, match="is absent"):
            VideoFile(tmp_path / "absent.mp4")
        assert capfd.readouterr() == ("", "")

    def test_sound_alone(self, tmp_path: Path) -> None:
        import av

        with av.open(str(tmp_path / "a.mp4"), "w") as output:
            stream: Any = output.add_stream("aac", rate=48_000)
            piece = av.AudioFrame.from_ndarray(
                np.zeros((1, 4096), np.int16), format="s16", layout="mono"
            )
            piece.sample_rate = 48_000
            output.mux(stream.encode(piece))
            output.mux(stream.encode(None))
        with pytest.raises(VideoError, match="has sound and no frames"):
            VideoFile(tmp_path / "a.mp4")

    def test_frames_that_are_too_large(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_PIXELS", 96 * 96 - 1)
        video = VideoFile(write_film(tmp_path / "a.mp4", noise(2)))
        with pytest.raises(VideoError, match="has frames of 96 x 96 pixels"):
            list(video.frames())


class Capture:
    """OpenCV's camera, with a given list of frames."""

    stated: dict[int, float]
    count = 4
    asked: Any = None

    def __init__(self, index: int) -> None:
        type(self).asked = index
        self.left = self.count
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def set(self, what: int, value: float) -> None:
        assert (what, value) == (cv2.CAP_PROP_BUFFERSIZE, 1)

    def get(self, what: int) -> float:
        return self.stated.get(what, 0.0)

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        self.left -= 1
        there = self.left >= 0
        return there, np.broadcast_to(BLUE_IN_BGR, (4, 6, 3)).copy() if there else None

    def release(self) -> None:
        self.released = True


class TestCamera:
    @pytest.fixture
    def capture(self, monkeypatch: pytest.MonkeyPatch) -> type[Capture]:
        class Mine(Capture):
            stated = {cv2.CAP_PROP_FPS: 15.0, cv2.CAP_PROP_FRAME_COUNT: 5.0}  # noqa: RUF012

        monkeypatch.setattr(module.cv2, "VideoCapture", Mine)
        return Mine

    def clock(self, monkeypatch: pytest.MonkeyPatch, *ticks: float) -> None:
        left = iter(ticks)
        monkeypatch.setattr(module.time, "monotonic", lambda: next(left))

    def test_none_there(self, capfd: pytest.CaptureFixture[str]) -> None:
        if os.path.exists("/dev/video77"):  # noqa: PTH110
            pytest.skip("this machine has 78 cameras")
        with pytest.raises(VideoError, match="camera 77 could not be opened; wanted a camera"):
            Camera(77)
        assert capfd.readouterr() == ("", "")

    def test_clock_begins_with_the_first_frame(
        self, capture: type[Capture], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        camera = Camera(3)
        assert (capture.asked, camera.name, camera.live) == (3, "camera 3", True)
        # However long the camera takes to begin.
        self.clock(monkeypatch, 107.0, 107.5, 108.3, 108.8, 109.4)
        found = list(camera.all_frames())
        assert camera.age(found[1]) == pytest.approx(1.9)
        assert [frame.seconds for frame in found] == pytest.approx([0.0, 0.5, 1.3, 1.8])
        assert found[0].pixels[0, 0].tolist() == [0, 0, 255]
        assert camera._capture.released

    @pytest.mark.parametrize(
        ("stated", "wanted"),
        [(15.0, 15.0), (0.0, 30.0), (90000.0, 30.0), (float("nan"), 30.0)],
    )
    def test_rate_is_a_sensible_one(
        self, capture: type[Capture], stated: float, wanted: float
    ) -> None:
        capture.stated = {cv2.CAP_PROP_FPS: stated}
        assert Camera(0).rate == wanted

    def test_seconds_end_it(self, capture: type[Capture], monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock(monkeypatch, 100.0, 100.4, 101.0)
        assert len(list(Camera(0).all_frames(0.5))) == 2

    def test_not_one_frame(self, capture: type[Capture]) -> None:
        capture.count = 0
        with pytest.raises(VideoError, match="camera 0 gave no frame"):
            list(Camera(0).frames())

    def test_left_early_is_closed(self, capture: type[Capture]) -> None:
        camera = Camera(0)
        frames: Any = camera.frames()
        next(frames)
        frames.close()
        assert camera._capture.released
