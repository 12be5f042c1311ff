"""tools/predict.py on everything that people may give it, with a detector that finds spots."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from fake_data import bright_detector
from fake_data.bright_detector import ANGRY, HAPPY, save_bright_checkpoint, spots
from numpy.typing import NDArray
from PIL import Image

from fer_det import models
from fer_det.cli import predict
from fer_det.imaging.decode import MAX_PIXELS, encode_jpeg, load_rgb8
from fer_det.predict.video import annotate as filming
from fer_det.predict.video.video_file import video_file

pytestmark = [pytest.mark.disable_socket]

Run = Callable[..., int]
RATE = 10.0


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, beside a checkpoint of the spot detector."""
    monkeypatch.setitem(models.MODELS, bright_detector.NAME, bright_detector.REGISTERED)
    monkeypatch.chdir(tmp_path)
    save_bright_checkpoint(Path("best.pth"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, in this process; `lines` is its standard input."""

    def call(*argv: str, lines: bytes = b"") -> int:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(lines)))
        return predict.main([*argv, "--precision=float32"])

    return call


def table(folder: str) -> dict[str, list[dict[str, Any]]]:
    """Source -> its lines in predictions.jsonl."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in Path(folder, "predictions.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found.setdefault(entry["source"], []).append(entry)
    return found


def files(folder: str) -> list[str]:
    """All that lies below a folder."""
    return sorted(
        path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()
    )


def write_photo(name: str, pixels: NDArray[np.uint8] | None = None) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(spots((40, 30, HAPPY)) if pixels is None else pixels))
    return name


def write_video(name: str, frames: list[NDArray[np.uint8]]) -> str:
    with video_file(Path(name), RATE) as video:
        for pixels in frames:
            video.write(pixels)
    return name


def write_mixed_folder() -> None:
    """Everything that a folder of photos may hold; all with a face have it at (40, 30, 64, 62)."""
    face = spots((40, 30, HAPPY))
    image = Image.fromarray(face)
    for name in ("good.jpg", "deep/good.jpg"):
        write_photo(f"mixed/{name}")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save("mixed/rotated.jpg", quality=95, exif=exif)
    image.convert("L").save("mixed/gray.png")
    Image.fromarray(face[..., 0].astype(np.uint16) * 257).save("mixed/sixteen.png")
    image.convert("CMYK").save("mixed/cmyk.jpg", quality=95)
    whole = Path("mixed/good.jpg").read_bytes()
    Path("mixed/truncated.jpg").write_bytes(whole[: len(whole) // 2])
    Path("mixed/empty.jpg").write_bytes(b"")
    Path("mixed/text.jpg").write_text("this is no picture")
    Path("mixed/huge.ppm").write_bytes(b"P6 20000 6000 255\n" + bytes(100))
    write_photo("mixed/no_face.jpg", spots())
    places = [(5 + 60 * number, 10 + 15 * number, HAPPY) for number in range(5)]
    write_photo("mixed/five.jpg", spots(*places, width=300, height=120))
    Path("mixed/notes.txt").write_text("about the photos")


BROKEN = {
    "truncated.jpg": "is broken",
    "empty.jpg": "is empty",
    "text.jpg": "is not a picture we read",
    "huge.ppm": f"has 20000 x 6000 pixels, more than {MAX_PIXELS:,}",
}


class TestFolder:
    @pytest.fixture
    def mixed(self, run: Run, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
        """What is said of the mixed folder: (stdout, stderr)."""
        write_mixed_folder()
        assert run("mixed", "--out=out", "--batch_size=3") == 1
        return capsys.readouterr()

    def test_every_file_is_accounted_for(self, mixed: tuple[str, str]) -> None:
        given = [name for name in files("mixed") if name != "notes.txt"]
        told = table("out")
        assert sorted(told) == [f"mixed/{name}" for name in given]
        for name in given:
            (entry,) = told[f"mixed/{name}"]
            if name in BROKEN:
                assert BROKEN[name] in entry["error"], name
                continue
            faces = {"no_face.jpg": 0, "five.jpg": 5}.get(name, 1)
            assert len(entry["faces"]) == faces, name
            assert Path(entry["drawn"]).is_file(), name
        with Path("out/predictions.csv").open(newline="") as file:
            rows = [row["source"].removeprefix("mixed/") for row in csv.DictReader(file)]
        assert sorted(rows) == sorted([*given, *["five.jpg"] * 4])

    def test_what_failed_is_said_with_its_reason(self, mixed: tuple[str, str]) -> None:
        out, err = mixed
        assert "8 pictures: 11 faces, no face in 1, 4 not read" in out
        assert "mixed/no_face.jpg: no face" in out
        assert "in folders, neither picture nor video: 1 .txt" in out
        lines = err.splitlines()
        assert len(lines) == len(BROKEN)
        for name, why in BROKEN.items():
            (line,) = [line for line in lines if f"mixed/{name} " in line]
            assert line.startswith("not read: ")
            assert why in line

    def test_boxes_and_drawings_are_upright(self, mixed: tuple[str, str]) -> None:
        told = table("out")
        for name in ("good.jpg", "rotated.jpg", "gray.png", "sixteen.png", "cmyk.jpg"):
            (entry,) = told[f"mixed/{name}"]
            assert (entry["width"], entry["height"]) == (128, 96), name
            assert entry["faces"][0]["box"] == pytest.approx([40, 30, 64, 62], abs=2.1), name
        straight, turned = (load_rgb8(Path("out", name)) for name in ("good.jpg", "rotated.jpg"))
        assert straight.shape == turned.shape
        assert np.abs(straight.astype(int) - turned)[:, :-250].mean() < 3


def test_names_do_not_collide_and_the_default_folder_is_a_new_one(run: Run) -> None:
    first, second = write_photo("a/1.jpg"), write_photo("b/1.jpg", spots())
    for number in (1, 2):
        assert run(first, second) == 0
        folder = f"runs/predict-00{number}"
        assert files(folder) == ["a/1.jpg", "b/1.jpg", "predictions.csv", "predictions.jsonl"]
    assert (
        Path("runs/predict-001/a/1.jpg").read_bytes()
        != Path("runs/predict-001/b/1.jpg").read_bytes()
    )


def test_paths_from_the_standard_input(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_photo("one.jpg")
    assert run("-", "--out=out", lines=b"one.jpg\nabsent.jpg\n") == 1
    assert set(table("out")) == {"one.jpg", "absent.jpg"}
    assert "not read: absent.jpg is absent" in capsys.readouterr().err


def test_names_that_are_no_unicode(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    write_photo(name)
    assert run(name, "--out=out") == 0
    assert "caf\\xe9.jpg: happiness 1.00" in capsys.readouterr().out
    assert list(table("out")) == [name]


def test_a_reader_that_has_had_enough(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [write_photo(f"{number}.jpg") for number in range(3)]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert run(*photos, "--out=out") == 0
    assert sorted(table("out")) == photos


def test_many_pictures_are_told_by_progress_and_not_one_by_one(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(predict.FEW + 1):
        write_photo(f"photos/{number:02d}.jpg", spots() if number % 3 else None)
    assert run("photos", "--out=out", "--draw=false") == 0
    out, err = capsys.readouterr()
    assert "looked at: 21/21 pictures done" in err
    assert "21 pictures: 7 faces, no face in 14, 0 not read" in out
    assert "happiness" not in out
    assert files("out") == ["predictions.csv", "predictions.jsonl"]


class TestRefused:
    @pytest.mark.parametrize(
        ("argv", "told"),
        [
            (["absent.jpg"], "absent.jpg is absent; wanted pictures, videos"),
            (["*.gif"], "*.gif matches no file"),
            (["nothing"], "neither picture nor video: 1 .txt"),
            (["photo.jpg", "--out=photo.png"], "--out photo.png, a file; wanted a folder"),
            (["photo.jpg", "--out=."], "photo.jpg is looked at and would be replaced"),
            (["photo.jpg", "--out=.", "--overwrite"], "photo.jpg is looked at"),
            (["photo.jpg", "--weights=absent.pth"], "absent.pth is absent"),
            (["photo.jpg", "--device=cuda:99"], "--device cuda:99"),
        ],
    )
    def test_one_line_and_nothing_written(
        self, run: Run, argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_photo("photo.jpg")
        Path("nothing").mkdir()
        Path("nothing/notes.txt").write_text("")
        before = files(".")
        assert run(*argv) == 2
        err = capsys.readouterr().err
        assert told in err
        assert err.count("\n") == 1
        assert files(".") == before

    def test_a_window_without_a_screen(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(predict, "open_window", lambda _: None)
        write_video("clip.mp4", [spots()])
        assert run("clip.mp4", "--out=out", "--show=always") == 2
        assert "--show always without a screen" in capsys.readouterr().err
        assert not Path("out").exists()

    def test_earlier_results_are_replaced_only_when_told_to(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        photo = write_photo("photo.jpg")
        assert run(photo, "--out=out") == 0
        assert run(photo, "--out=out") == 2
        assert "is there already" in capsys.readouterr().err
        assert run(photo, "--out=out", "--overwrite") == 0


def interrupt_after(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, times: int) -> None:
    """Let Ctrl-C fall into the so-manieth call of module.name."""
    calls = 0
    function = getattr(module, name)

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > times:
            raise KeyboardInterrupt
        return function(*args, **kwargs)

    monkeypatch.setattr(module, name, interrupted)


class TestInterrupted:
    def test_pictures(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for number in range(4):
            write_photo(f"photos/{number}.jpg")
        interrupt_after(monkeypatch, predict, "draw_detections", 2)
        assert run("photos", "--out=out") == 130
        assert files("out") == ["0.jpg", "1.jpg"]
        for name in files("out"):
            load_rgb8(Path("out", name))
        assert "interrupted" in capsys.readouterr().err

    def test_video(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        write_video("clip.mp4", [spots((40, 30, HAPPY))] * 20)
        interrupt_after(monkeypatch, filming, "draw_frame", 11)
        assert run("clip.mp4", "--out=out") == 130
        assert files("out") == []

    def test_what_killed_runs_left_is_swept(self, run: Run) -> None:
        Path("out").mkdir()
        Path("out/.clip.mp4.77.fer_det-tmp.mp4").write_bytes(b"half")
        assert run(write_photo("photo.jpg"), "--out=out") == 0
        assert files("out") == ["photo.jpg", "predictions.csv", "predictions.jsonl"]


def moving_faces(frames: int) -> list[NDArray[np.uint8]]:
    """A happy spot that goes right and becomes angry half way, and an angry one that flickers."""
    made = []
    for number in range(frames):
        first = HAPPY if number < frames / 2 else ANGRY
        second = (255, 255 if number % 5 == 3 else 0, 0)
        made.append(spots((5 + 2 * number, 5, first), (90, 60, second)))
    return made


class TestVideo:
    def test_labels_are_steady_and_everything_is_written(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_video("clip.mp4", moving_faces(40))
        assert run("clip.mp4", "--out=out", "--batch_size=7") == 0
        told = table("out")["clip.mp4"]
        assert [entry["frame"] for entry in told] == list(range(40))
        assert [entry["seconds"] for entry in told] == [n / RATE for n in range(40)]
        labels: dict[int, list[str]] = {}
        for entry in told:
            for face in entry["faces"]:
                labels.setdefault(face["face"], []).append(face["expression"])
        assert sorted(labels) == [1, 2]
        assert [labels[1][0], labels[1][-1]] == ["happiness", "anger"]
        assert sum(a != b for a, b in pairwise(labels[1])) == 1
        assert set(labels[2]) == {"anger"}
        capture = cv2.VideoCapture("out/clip.mp4")
        assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 40
        assert capture.get(cv2.CAP_PROP_FPS) == RATE
        assert load_rgb8(Path("out/clip.timeline.png")).shape[1] == 1200
        out, err = capsys.readouterr()
        assert "clip.mp4: 40 frames (0:03.9)" in out
        assert "2 faces" in out
        assert "  face 2: 0:00 to 0:03.9, 40 frames, on average anger" in out
        assert "clip.mp4: 40/40 frames done" in err

    def test_broken_and_shortened_videos_are_told_and_the_others_go_on(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        whole = Path(write_video("a.mp4", [spots()] * 20)).read_bytes()
        Path("b.mp4").write_bytes(whole[:500])
        write_video("c.mp4", [spots((40, 30, HAPPY))] * 5)
        opened = cv2.VideoCapture

        class Short:
            """Gives up on a video after 5 frames. (OpenCV's own class does not bear children.)"""

            def __init__(self, name: str) -> None:
                self._capture = opened(name)

            def __getattr__(self, name: str) -> Any:
                return getattr(self._capture, name)

            def read(self) -> tuple[bool, Any]:
                at = self._capture.get(cv2.CAP_PROP_POS_FRAMES)
                return (False, None) if at >= 5 else self._capture.read()

        monkeypatch.setattr(cv2, "VideoCapture", Short)
        assert run("a.mp4", "b.mp4", "c.mp4", "--draw=false", "--out=out") == 1
        out, err = capsys.readouterr()
        assert "not read: a.mp4 ends after 5 of 20 frames" in err
        assert "not read: b.mp4 is broken or not a video we read" in err
        assert "c.mp4: 5 frames" in out
        assert {name: len(lines) for name, lines in table("out").items()} == {
            "a.mp4": 6,
            "b.mp4": 1,
            "c.mp4": 5,
        }

    def test_seconds_limit_it_without_complaint(self, run: Run) -> None:
        write_video("clip.mp4", [spots()] * 20)
        assert run("clip.mp4", "--out=out", "--seconds=0.5") == 0
        assert len(table("out")["clip.mp4"]) == 5

    def test_the_window_shows_what_is_drawn_until_it_is_closed(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Window:
            shown = 0
            closed = False

            def show(self, pixels: NDArray[np.uint8]) -> bool:
                Window.shown += 1
                return Window.shown < 4

            def close(self) -> None:
                Window.closed = True

        monkeypatch.setattr(predict, "open_window", lambda _: Window())
        write_video("clip.mp4", [spots((40, 30, HAPPY))] * 20)
        assert run("clip.mp4", "--out=out") == 0
        assert Window.shown == 0
        assert run("clip.mp4", "--out=shown", "--show=always") == 0
        assert (Window.shown, Window.closed) == (4, True)
        assert len(table("shown")["clip.mp4"]) == 4


class TestCamera:
    @pytest.fixture
    def camera(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """Camera 0: a face that flickers, until `on_frame`, called with each number, says stop."""
        behaviour: dict[str, Any] = {"on_frame": lambda number: number < 30}

        class Camera:
            def __init__(self, index: int | str) -> None:
                self.is_camera = index == 0
                self.file = None if isinstance(index, int) else Capture(index)
                self.number = 0

            def isOpened(self) -> bool:  # noqa: N802
                return self.is_camera

            def get(self, what: int) -> float:
                if self.file is not None:
                    return float(self.file.get(what))
                return 50.0 if what == cv2.CAP_PROP_FPS else 0.0

            def set(self, *_: float) -> None:
                pass

            def read(self) -> tuple[bool, Any]:
                if self.file is not None:
                    return self.file.read()
                if not behaviour["on_frame"](self.number):
                    return False, None
                time.sleep(0.01)
                self.number += 1
                colour = ANGRY if self.number % 4 == 0 else HAPPY
                return True, spots((40, 30, colour))[..., ::-1].copy()

            def release(self) -> None:
                pass

        Capture = cv2.VideoCapture  # noqa: N806
        monkeypatch.setattr(cv2, "VideoCapture", Camera)
        monkeypatch.setattr(predict, "open_window", lambda _: None)
        return behaviour

    def test_is_drawn_listed_and_steady(
        self, run: Run, camera: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("0", "--out=out") == 0
        assert files("out") == [
            "camera-0.mp4",
            "camera-0.timeline.png",
            "predictions.csv",
            "predictions.jsonl",
        ]
        told = table("out")["camera 0"]
        assert len(told) == 30
        assert {entry["faces"][0]["expression"] for entry in told} == {"happiness"}
        seconds = [entry["seconds"] for entry in told]
        assert seconds == sorted(seconds)
        assert seconds[-1] > 0.25
        out, err = capsys.readouterr()
        assert "camera 0: 30 frames" in out
        assert "camera 0: 30 frames done" in err

    def test_ctrl_c_is_its_ordinary_end(self, run: Run, camera: dict[str, Any]) -> None:
        def press_ctrl_c(number: int) -> bool:
            if number == 10:
                os.kill(os.getpid(), signal.SIGINT)
            return number < 500

        camera["on_frame"] = press_ctrl_c
        before = signal.getsignal(signal.SIGINT)
        assert run("0", "--out=out") == 0
        assert 10 <= len(table("out")["camera 0"]) < 20
        assert "camera-0.mp4" in files("out")
        assert signal.getsignal(signal.SIGINT) is before

    def test_none_there(
        self, run: Run, camera: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("1", "--out=out") == 1
        assert "not read: camera 1 could not be opened" in capsys.readouterr().err
        assert files("out") == ["predictions.csv", "predictions.jsonl"]


def test_nothing_of_torch_is_left_changed(run: Run) -> None:
    before = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    assert run(write_photo("photo.jpg"), "--out=out") == 0
    assert (torch.is_inference_mode_enabled(), torch.is_grad_enabled()) == before
