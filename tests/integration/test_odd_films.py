"""Films as phones, cameras and broken cards write them, each with its right outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from fake_data.films import clicks, write_film
from numpy.typing import NDArray

from fer_det.config.predict import PredictConfig
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.predict.outputs import plan_outputs
from fer_det.predict.results import open_results
from fer_det.predict.sources import find_sources
from fer_det.predict.video.annotate import predict_videos
from fer_det.predict.video.tables import open_track_tables

Pixels = NDArray[np.uint8]


class BrightSpot:
    """A predictor that takes the bright part of a frame, if there is one, for a happy face."""

    expressions = BASIC_EXPRESSIONS

    class runner:  # noqa: N801
        unknown_below = 0.0

    def __call__(
        self, picture: list[Pixels], min_score: float, batch_size: int
    ) -> list[list[Detection]]:
        return [self._faces(pixels) for pixels in picture]

    def _faces(self, pixels: Pixels) -> list[Detection]:
        rows, columns = np.nonzero(pixels.min(axis=2) > 150)
        if len(rows) < 20:
            return []
        box = FaceBox(*map(float, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)))
        return [Detection(box, 0.9, dict.fromkeys(BASIC_EXPRESSIONS, 1 / 7))]


def face(frame: int, width: int = 128, height: int = 96) -> Pixels:
    """A dark frame with a bright square that moves right."""
    pixels = np.full((height, width, 3), 40, np.uint8)
    pixels[10:42, 10 + frame : 42 + frame] = 230
    return pixels


def faces(count: int = 20, **size: int) -> list[Pixels]:
    return [face(frame, **size) for frame in range(count)]


class Outcome:
    """What predict made of one film."""

    def __init__(self, path: Path, out: Path, failures: list[str]) -> None:
        self.failures = failures
        lines = [json.loads(line) for line in (out / "predictions.jsonl").open()]
        self.frames: list[dict[str, Any]] = [line for line in lines if "frame" in line]
        self.numbers = {each["face"] for line in self.frames for each in line["faces"]}
        self.film = out / f"{path.stem}.mp4"
        self.seconds: list[float] = []
        if self.film.exists():
            with av.open(str(self.film)) as container:
                decoded = list(container.decode(video=0))
            self.seconds = [frame.time for frame in decoded]
            self.size = (decoded[0].width, decoded[0].height)


@pytest.fixture
def predict(tmp_path: Path) -> Callable[..., Outcome]:
    def run(path: Path, **settings: Any) -> Outcome:
        out = tmp_path / "out"
        config = PredictConfig(sources=(str(path),), out=out, **settings)
        sources = find_sources(config.sources, lambda: [], config.out)
        outputs = plan_outputs(sources, out, draw=True)
        out.mkdir()
        predictor: Any = BrightSpot()
        with (
            open_results(outputs.jsonl, outputs.csv, BASIC_EXPRESSIONS) as results,
            open_track_tables(out, BASIC_EXPRESSIONS) as tables,
        ):
            predict_videos(
                sources.videos, [], predictor, config, outputs, results, tables, window=None
            )
        return Outcome(path, out, results.failures)

    return run


Predict = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("name", "codec", "sound"),
    [
        ("a.mov", "libx264", "pcm_s16le"),
        ("a.mkv", "libx265", "ac3"),
        ("a.webm", "libvpx-vp9", "libopus"),
        ("a.avi", "mjpeg", "pcm_s16le"),
    ],
)
def test_other_containers(
    predict: Predict, tmp_path: Path, name: str, codec: str, sound: str
) -> None:
    path = write_film(tmp_path / name, faces(), rate=10, codec=codec, sound=sound)
    found = predict(path)
    assert (len(found.frames), found.numbers, found.failures) == (20, {1}, [])
    assert found.seconds == pytest.approx([n / 10 for n in range(20)], abs=2e-3)
    assert clicks(found.film) == pytest.approx(clicks(path), abs=0.06)


def test_a_variable_rate(predict: Predict, tmp_path: Path) -> None:
    times = [0.0, 0.03, 0.06, 0.5, 0.53, 1.4, 1.43, 1.46]
    found = predict(write_film(tmp_path / "a.mp4", faces(8), times=times))
    assert [line["seconds"] for line in found.frames] == pytest.approx(times, abs=2e-3)
    assert found.seconds == pytest.approx(times, abs=2e-3)
    # Nearly a second without a frame does not make the face another one.
    assert found.numbers == {1}


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_phone_held_upright(predict: Predict, tmp_path: Path, turned: int) -> None:
    stored = [np.ascontiguousarray(np.rot90(each, -turned // 90)) for each in faces()]
    found = predict(write_film(tmp_path / "a.mov", stored, turned=turned))
    assert found.size == (128, 96)
    assert found.frames[0]["faces"][0]["box"] == pytest.approx([10, 10, 42, 42], abs=2)


def test_a_tail_that_is_missing(predict: Predict, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 100, (30, 96, 128, 3), dtype=np.uint8)
    for frame, pixels in enumerate(noise):
        pixels[10:42, 10 + frame : 42 + frame] = 250
    path = write_film(tmp_path / "a.mp4", list(noise), options={"movflags": "+faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = predict(path)
    assert 5 < len(found.frames) < 30
    assert len(found.seconds) == len(found.frames)
    (line,) = found.failures
    assert line.startswith(f"not read whole: {path} is damaged: at least ")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [(b"", "is empty"), (b"no film at all", "is broken or not a video we read")],
)
def test_no_film(predict: Predict, tmp_path: Path, content: bytes, wanted: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    found = predict(path)
    assert found.failures == [f"not read: {path} {wanted}"]
    assert not found.film.exists()


def test_sound_alone(predict: Predict, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("aac", rate=48_000)
        piece = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        piece.sample_rate = 48_000
        output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    assert predict(path).failures == [f"not read: {path} has sound and no frames"]


def test_no_face(predict: Predict, tmp_path: Path) -> None:
    dark = [np.full((96, 128, 3), 40, np.uint8)] * 10
    found = predict(write_film(tmp_path / "a.mp4", dark))
    assert (found.numbers, found.failures, len(found.seconds)) == (set(), [], 10)
    page = found.film.with_suffix(".html").read_text()
    assert "No face was found." in page


def test_a_single_frame(predict: Predict, tmp_path: Path) -> None:
    found = predict(write_film(tmp_path / "a.mp4", faces(1)))
    assert (len(found.frames), found.numbers, found.seconds) == (1, {1}, [0.0])


def test_an_odd_size(predict: Predict, tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.avi", faces(width=131, height=77), codec="mjpeg")
    found = predict(path)
    assert (found.size, found.numbers) == ((132, 78), {1})


def test_times_that_do_not_begin_at_zero(predict: Predict, tmp_path: Path) -> None:
    times = [7.0 + n / 10 for n in range(20)]
    found = predict(write_film(tmp_path / "a.mkv", faces(), times=times))
    assert found.seconds == pytest.approx([n / 10 for n in range(20)], abs=2e-3)


def test_another_scene_has_other_faces(predict: Predict, tmp_path: Path) -> None:
    ground = np.random.default_rng(1).integers(0, 140, (2, 6, 8, 3)).repeat(16, 1).repeat(16, 2)
    frames = []
    for frame in range(20):
        pixels = ground[frame // 10].astype(np.uint8)
        pixels[10:42, 10 + frame : 42 + frame] = 250
        frames.append(pixels)
    found = predict(write_film(tmp_path / "a.mp4", frames))
    assert [line["faces"][0]["face"] for line in found.frames] == [1] * 10 + [2] * 10


def test_a_beginning_after_the_end(predict: Predict, tmp_path: Path) -> None:
    found = predict(write_film(tmp_path / "a.mp4", faces()), start=5.0)
    (line,) = found.failures
    assert "has no frame at 5 s or later" in line
    assert not found.film.exists()
