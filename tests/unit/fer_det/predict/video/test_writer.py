from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from fake_data.films import clicks, levels, write_film
from numpy.typing import NDArray

from fer_det.errors import OutputError
from fer_det.predict.video import writer as module
from fer_det.predict.video.frames import VideoFile
from fer_det.predict.video.writer import VideoWriter


class Source:
    """A camera, as far as the writer asks."""

    rate = 12.5
    aspect = Fraction(1)


def frame(value: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def write(path: Path, frames: list[tuple[NDArray[np.uint8], float]], source: Any = None) -> None:
    with VideoWriter(path, source or Source()) as writer:
        for pixels, seconds in frames:
            writer.write(pixels, seconds)
        assert not path.exists()


def copy(source: Path, path: Path) -> None:
    video = VideoFile(source)
    with VideoWriter(path, video) as writer:
        for each in video.frames():
            writer.write(each.pixels, each.seconds)


@pytest.mark.parametrize("encoder", ["libx264", "libvpx-vp9"])
def test_frames_and_their_times_come_back(
    tmp_path: Path, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ENCODERS", {encoder: module._ENCODERS[encoder]})
    path = tmp_path / "a.mp4"
    write(path, [(frame(20), 0.0), (frame(120), 0.08), (frame(220), 5.0)])
    assert levels(path) == pytest.approx([20, 120, 220], abs=4)
    with av.open(str(path)) as container:
        times = [each.time for each in container.decode(video=0)]
        assert times == pytest.approx([0.0, 0.08, 5.0], abs=1e-4)
        # The last frame is shown, too.
        assert container.duration / 1e6 == pytest.approx(5.08, abs=0.01)
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) in {("h264", "yuv420p"), ("vp9", "yuv420p")}
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]


def test_the_index_stands_before_the_pictures(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [(frame(20), 0.0)])
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_colours_are_kept(tmp_path: Path) -> None:
    pixels = frame(0)
    pixels[:] = (200, 30, 90)
    write(tmp_path / "a.mp4", [(pixels, 0.0)])
    (found,) = VideoFile(tmp_path / "a.mp4").frames()
    assert abs(found.pixels[24, 32].astype(int) - (200, 30, 90)).max() < 5


def test_times_that_do_not_grow_are_parted(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [(frame(20), 0.0), (frame(120), 0.0), (frame(220), 0.0)])
    assert levels(tmp_path / "a.mp4") == pytest.approx([20, 120, 220], abs=4)


@pytest.mark.parametrize(("width", "height"), [(63, 47), (1, 1), (65, 48)])
def test_odd_sizes(tmp_path: Path, width: int, height: int) -> None:
    write(tmp_path / "a.mp4", [(frame(100, width, height), 0.0)])
    (found,) = VideoFile(tmp_path / "a.mp4").frames()
    assert found.pixels.shape[:2] == (height + height % 2, width + width % 2)
    assert abs(found.pixels.astype(int) - 100).max() < 4


def test_frames_that_change_their_size_are_scaled(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [(frame(20), 0.0), (frame(200, 100, 30), 0.1)])
    assert levels(tmp_path / "a.mp4") == pytest.approx([20, 200], abs=4)


@pytest.mark.parametrize(
    ("name", "sound", "kept"),
    [
        ("a.mp4", "aac", "aac"),
        ("a.mkv", "ac3", "aac"),
        ("a.mov", "pcm_s16le", "aac"),
        ("a.mkv", "flac", "flac"),
        ("a.ts", "aac", "aac"),
    ],
)
def test_sound_is_kept_in_a_form_that_browsers_play(
    tmp_path: Path, name: str, sound: str, kept: str
) -> None:
    film = write_film(tmp_path / name, [frame(20 * n) for n in range(12)], rate=8, sound=sound)
    copy(film, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == kept
    assert clicks(tmp_path / "out.mp4") == pytest.approx(clicks(film), abs=0.02)
    assert len(clicks(film)) > 4
    assert len(levels(tmp_path / "out.mp4")) == 12


def test_sound_ends_with_the_frames(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", [frame(20)] * 40, rate=8, sound="aac")
    video = VideoFile(film)
    with VideoWriter(tmp_path / "out.mp4", video) as writer:
        for each in video.frames(stop=2.0):
            writer.write(each.pixels, each.seconds)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(2.0, abs=0.15)


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    source = Source()
    source.aspect = Fraction(12, 11)
    write(tmp_path / "a.mp4", [(frame(20), 0.0)], source)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(12, 11)


def test_nothing_stays_of_an_interrupted_one(tmp_path: Path) -> None:
    def interrupted() -> None:
        with VideoWriter(tmp_path / "a.mp4", Source()) as writer:  # type: ignore[arg-type]
            writer.write(frame(20), 0.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


class TestFailing:
    def test_the_block_goes_on_and_its_end_says_why(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        written = 0

        def run() -> None:
            nonlocal written
            with VideoWriter(tmp_path / "file" / "a.mp4", Source()) as writer:  # type: ignore[arg-type]
                for number in range(5):
                    writer.write(frame(20), number / 10)
                    written += 1

        with pytest.raises(OutputError, match=r"file"):
            run()
        assert written == 5
        assert [each.name for each in tmp_path.iterdir()] == ["file"]

    def test_a_file_that_cannot_be_read_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_count_frames", lambda _: 3)
        with pytest.raises(OutputError, match="3 of 2 frames can be read back"):
            write(tmp_path / "a.mp4", [(frame(20), 0.0), (frame(20), 0.1)])
        assert list(tmp_path.iterdir()) == []

    def test_frames_that_no_encoder_takes(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"a\.mp4 could not be written"):
            write(tmp_path / "a.mp4", [(frame(20, 20_000, 2), 0.0)])
        assert list(tmp_path.iterdir()) == []

    def test_no_frame_at_all_makes_no_file(self, tmp_path: Path) -> None:
        write(tmp_path / "a.mp4", [])
        assert list(tmp_path.iterdir()) == []
