from pathlib import Path

import numpy as np
import pytest
from fake_data.films import write_film

from fer_det.errors import ConfigError, DatasetNotFoundError, ImageError
from fer_det.imaging.decode import decode_rgb8
from fer_det.io.video import count_frames, read_frame
from voc_builder.readers.clips import ClipOptions, VideoFrame, choose_of_video

LEVELS = (20, 60, 100, 140, 180, 220)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Six frames of rising gray; left of the middle 20 levels darker."""
    frames = [np.full((32, 64, 3), level, np.uint8) for level in LEVELS]
    for frame in frames:
        frame[:, :32] -= 20
    return write_film(tmp_path / "film.avi", frames, codec="mpeg4")


@pytest.mark.parametrize(
    ("frames", "count", "total", "chosen"),
    [
        ("peak", 1, 9, [4]),
        ("peak", 3, 9, [3, 4, 5]),
        ("peak", 1, 16, [8]),
        ("peak", 2, 16, [7, 8]),
        ("even", 1, 9, [4]),
        ("even", 3, 9, [1, 4, 7]),
        ("even", 4, 16, [2, 6, 10, 14]),
        ("peak", 5, 3, [0, 1, 2]),
        ("even", 5, 3, [0, 1, 2]),
        ("peak", 1, 1, [0]),
        ("even", 2, 0, []),
    ],
)
def test_chosen_frames(frames: str, count: int, total: int, chosen: list[int]) -> None:
    assert ClipOptions(frames=frames, count=count).choose(total) == chosen  # type: ignore[arg-type]


def test_count_is_refused() -> None:
    with pytest.raises(ConfigError, match="count 0"):
        ClipOptions(count=0)


@pytest.mark.parametrize("number", [0, 3, 5])
def test_a_frame_of_a_film(film: Path, number: int) -> None:
    assert count_frames(film) == len(LEVELS)
    assert abs(read_frame(film, number)[:, 40:].mean() - LEVELS[number]) < 4


def test_halves_and_turns(film: Path) -> None:
    def mean_of(**how: object) -> tuple[tuple[int, ...], float]:
        data = VideoFrame(film.parent, film.name, 2, **how).read()  # type: ignore[arg-type]
        pixels = decode_rgb8(data, "frame").pixels
        return pixels.shape[:2], float(pixels.mean())

    assert mean_of()[0] == (32, 64)
    shape, mean = mean_of(part="left")
    assert shape == (32, 32)
    assert abs(mean - 80) < 4
    assert abs(mean_of(part="right")[1] - 100) < 4
    assert mean_of(clockwise=1)[0] == (64, 32)
    turned = decode_rgb8(VideoFrame(film.parent, film.name, 2, "whole", 1).read(), "frame").pixels
    # What was on the left is on top after a turn clockwise.
    assert turned[:32].mean() < turned[32:].mean() - 10


def test_names_and_fingerprints(film: Path) -> None:
    frame = VideoFrame(film.parent, film.name, 4)
    assert frame.name == "film.avi#4"
    assert frame.exists()
    assert frame.fingerprint() == f"{film.stat().st_size} bytes"


def test_what_cannot_be_read(film: Path) -> None:
    with pytest.raises(ImageError, match="has 6 frames"):
        VideoFrame(film.parent, film.name, 6).read()
    (film.parent / "text.avi").write_text("no video")
    with pytest.raises(ImageError, match="is broken or no video"):
        VideoFrame(film.parent, "text.avi", 0).read()
    absent = VideoFrame(film.parent, "absent.avi", 0)
    assert not absent.exists()
    assert absent.fingerprint() is None
    with pytest.raises(DatasetNotFoundError, match=r"absent\.avi is absent"):
        absent.read()


def test_a_broken_film_is_left_to_the_converter(tmp_path: Path) -> None:
    (tmp_path / "text.avi").write_text("no video")
    assert choose_of_video(tmp_path / "text.avi", ClipOptions(count=3)) == [0]
