"""`fer-det predict` on everything that people may give it, with a detector that finds spots."""

from __future__ import annotations

import csv
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from io import BytesIO, TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import fsspec
import numpy as np
import pytest
import torch
from fake_data import bright_detector, colour_classifier
from fake_data.astronaut import portrait
from fake_data.bright_detector import ANGRY, HAPPY, save_bright_checkpoint, spots
from fake_data.browser import browser, find_chromium
from fake_data.colour_classifier import save_colour_checkpoint
from fake_data.films import clicks, levels, write_film
from fake_data.voc_tree import tree_hash
from numpy.typing import NDArray
from PIL import Image

from fer_det import models
from fer_det.cli import predict
from fer_det.config.command import parse_config
from fer_det.config.model import ModelConfig
from fer_det.config.predict import PredictConfig
from fer_det.imaging.decode import MAX_PIXELS, encode_jpeg, load_rgb8
from fer_det.io import files as files_module
from fer_det.predict import pictures
from fer_det.predict.resume import JOURNAL_NAME
from fer_det.predict.video import annotate, frames, screen
from fer_det.weights.model_file import ModelFile, write_model_file

pytestmark = [pytest.mark.disable_socket]

Run = Callable[..., int]
RATE = 10


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
        named = any(word.startswith("--weights") for word in argv)
        weights = [] if named else ["--weights=best.pth"]
        return predict.main([*argv, *weights, "--precision=float32"])

    return call


def table(folder: str) -> dict[str, list[dict[str, Any]]]:
    """Source -> its lines in predictions.jsonl."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in Path(folder, "predictions.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found.setdefault(entry["source"], []).append(entry)
    return found


VIDEO_TABLES = ["people.csv", "tracks.csv", *["tracks.parquet"] * bool(find_spec("pyarrow"))]


def files(folder: str) -> list[str]:
    """All files below a folder."""
    return sorted(
        path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()
    )


def write_photo(name: str, pixels: NDArray[np.uint8] | None = None) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(spots((40, 30, HAPPY)) if pixels is None else pixels))
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
        text = table("out")
        assert sorted(text) == [f"mixed/{name}" for name in given]
        for name in given:
            (entry,) = text[f"mixed/{name}"]
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
        text = table("out")
        for name in ("good.jpg", "rotated.jpg", "gray.png", "sixteen.png", "cmyk.jpg"):
            (entry,) = text[f"mixed/{name}"]
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
    assert (
        "not read: absent.jpg, line 2 of the standard input, is absent" in capsys.readouterr().err
    )


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
    for number in range(pictures.FEW + 1):
        write_photo(f"photos/{number:02d}.jpg", spots() if number % 3 else None)
    assert run("photos", "--out=out", "--draw=false") == 0
    out, err = capsys.readouterr()
    assert "predicted: 21/21 pictures done" in err
    assert "21 pictures: 7 faces, no face in 14, 0 not read" in out
    assert "happiness" not in out
    assert files("out") == ["predictions.csv", "predictions.jsonl"]


def test_pictures_by_address(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Remote and local pictures in one list, in its order, and one of them absent."""
    files = fsspec.filesystem("memory")
    named = []
    for number in range(3 * pictures.REMOTE_AT_A_TIME):
        photo = Path(f"{number}.jpg")
        write_photo(str(photo), spots() if number % 3 else None)
        named.append(str(photo))
        if number % 2:
            named[-1] = f"memory://bucket/{number % 4}/{photo}"
            files.pipe(f"/bucket/{number % 4}/{photo}", photo.read_bytes())
    lines = "\n".join([*named, "memory://bucket/absent.jpg"]).encode()
    try:
        assert run("-", "--out=out", lines=lines) == 1
    finally:
        files.rm("/bucket", recursive=True)
    found = table("out")
    assert list(found) == [*named, "memory://bucket/absent.jpg"]
    for number, name in enumerate(named):
        assert len(found[name][0]["faces"]) == (number % 3 == 0)
    assert found[named[1]][0]["drawn"] == str(Path("out/1/1.jpg"))
    assert "not read: memory://bucket/absent.jpg is absent" in capsys.readouterr().err


class TestRefused:
    @pytest.mark.parametrize(
        ("argv", "text"),
        [
            (["absent.jpg"], "absent.jpg is absent; wanted pictures, videos"),
            (["*.gif"], "*.gif matches no file"),
            (["nothing"], "neither picture nor video: 1 .txt"),
            (["nothing/notes.txt"], "nothing in nothing/notes.txt; wanted pictures, videos"),
            (["7"], "camera 7 could not be opened; wanted pictures, videos"),
            (
                ["rtsp://192.0.2.1/live"],
                "rtsp://192.0.2.1/live is no protocol of fsspec; record or download it first",
            ),
            (["photo.jpg", "--out=photo.png"], "--out photo.png, a file; wanted a folder"),
            (["photo.jpg", "--out=."], "photo.jpg is a source and would be replaced"),
            (["photo.jpg", "--out=.", "--overwrite"], "photo.jpg is a source"),
            (["photo.jpg", "--weights=absent.pth"], "absent.pth is absent"),
            (["photo.jpg", "--device=cuda:99"], "--device cuda:99"),
        ],
    )
    def test_one_line_and_nothing_written(
        self, run: Run, argv: list[str], text: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_photo("photo.jpg")
        Path("nothing").mkdir()
        Path("nothing/notes.txt").write_text("")
        before = files(".")
        assert run(*argv) == 2
        err = capsys.readouterr().err
        assert text in err
        assert err.count("\n") == 1
        assert files(".") == before

    def test_a_window_without_a_screen(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(screen, "open_window", lambda _: None)
        write_film("clip.mp4", [spots()], rate=RATE)
        assert run("clip.mp4", "--out=out", "--show=always") == 2
        assert "--show always without a screen" in capsys.readouterr().err
        assert not Path("out").exists()

    def test_earlier_results_are_replaced_only_when_told_to(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        photo = write_photo("photo.jpg")
        assert run(photo, "--out=out") == 0
        assert run(photo, "--out=out") == 2
        assert "exists already" in capsys.readouterr().err
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
    """Ten photos in chunks of four; Ctrl-C in the middle of the second."""

    @pytest.fixture
    def begin(self, run: Run) -> Callable[..., int]:
        """Predict all to out; out_whole holds what an uninterrupted run has written."""
        for number in range(9):
            write_photo(f"photos/{number}.jpg")
        Path("photos/half.jpg").write_bytes(encode_jpeg(spots())[:300])
        command = partial(run, "photos", "--out=out", "--batch_size=1")
        assert command() == 1
        Path("out").rename("out_whole")
        with pytest.MonkeyPatch.context() as patch:
            interrupt_after(patch, pictures, "draw_detections", 6)
            assert command() == 130
        return command

    @pytest.fixture
    def drawn(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Drawings that are written from now on."""
        names: list[str] = []
        write = pictures.write_bytes

        def note(path: Path, data: bytes) -> None:
            names.append(path.name)
            write(path, data)

        monkeypatch.setattr(pictures, "write_bytes", note)
        return names

    def test_what_is_there(self, begin: Callable[..., int]) -> None:
        assert files("out") == [JOURNAL_NAME, *(f"{number}.jpg" for number in range(6))]
        for name in files("out")[1:]:
            load_rgb8(Path("out", name))

    def test_what_is_said(
        self,
        begin: Callable[..., int],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        interrupt_after(monkeypatch, pictures, "draw_detections", 0)
        assert begin() == 130
        assert "interrupted: the same command with --out out continues" in capsys.readouterr().err
        assert files("out")[0] == JOURNAL_NAME

    def test_the_same_command_ends_in_the_same_bytes(
        self, begin: Callable[..., int], drawn: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        capsys.readouterr()
        assert begin() == 1
        assert drawn == [f"{number}.jpg" for number in range(4, 9)]
        assert "going on after 4 pictures" in capsys.readouterr().out
        assert tree_hash(Path("out")) == tree_hash(Path("out_whole"))

    def test_a_changed_picture_is_predicted_again(
        self, begin: Callable[..., int], drawn: list[str]
    ) -> None:
        write_photo("photos/2.jpg", spots())
        assert begin() == 1
        assert drawn == [f"{number}.jpg" for number in range(9)]
        assert table("out")["photos/2.jpg"][0]["faces"] == []

    def test_a_lost_drawing_is_written_again(
        self, begin: Callable[..., int], drawn: list[str]
    ) -> None:
        Path("out/1.jpg").unlink()
        assert begin() == 1
        assert len(drawn) == 9
        assert tree_hash(Path("out")) == tree_hash(Path("out_whole"))

    def test_other_settings_are_refused(
        self, begin: Callable[..., int], capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = tree_hash(Path("out"))
        assert begin("--min_score=0.9") == 2
        told = capsys.readouterr().err
        found = "out holds an unfinished run with min_score 0.5, and this command has min_score 0.9"
        assert found in told
        write_photo("photos/new.jpg")
        assert begin() == 2
        assert "files 10" in capsys.readouterr().err
        assert tree_hash(Path("out")) == before
        assert begin("--overwrite") == 1
        assert len(table("out")) == 11
        assert JOURNAL_NAME not in files("out")

    def test_a_damaged_journal_can_be_overwritten(
        self, begin: Callable[..., int], capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path("out", JOURNAL_NAME).write_text("x")
        assert begin() == 2
        assert "journal.jsonl is damaged" in capsys.readouterr().err
        assert begin("--overwrite") == 1
        assert tree_hash(Path("out")) == tree_hash(Path("out_whole"))

    def test_an_unreadable_line_costs_only_what_comes_after_it(
        self, begin: Callable[..., int], drawn: list[str]
    ) -> None:
        journal = Path("out", JOURNAL_NAME)
        header, first = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(header + b"no json\n" + first)
        assert begin() == 1
        assert len(drawn) == 9
        assert tree_hash(Path("out")) == tree_hash(Path("out_whole"))

    def test_video(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_film("clip.mp4", [spots((40, 30, HAPPY))] * 20, rate=RATE)
        interrupt_after(monkeypatch, annotate, "draw_frame", 11)
        assert run("clip.mp4", "--out=out") == 130
        assert files("out") == []
        assert "unfinished files were deleted" in capsys.readouterr().err

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
        write_film("clip.mp4", moving_faces(40), rate=RATE)
        assert run("clip.mp4", "--out=out", "--batch_size=7") == 0
        lines = table("out")["clip.mp4"]
        assert [entry["frame"] for entry in lines] == list(range(40))
        assert [entry["seconds"] for entry in lines] == [n / RATE for n in range(40)]
        labels: dict[int, list[str]] = {}
        for entry in lines:
            for face in entry["faces"]:
                labels.setdefault(face["face"], []).append(face["expression"])
        assert sorted(labels) == [1, 2]
        assert [labels[1][0], labels[1][-1]] == ["happiness", "anger"]
        assert sum(a != b for a, b in pairwise(labels[1])) == 1
        assert set(labels[2]) == {"anger"}
        assert len(levels("out/clip.mp4")) == 40
        assert load_rgb8(Path("out/clip.timeline.png")).shape[1] == 1200
        out, err = capsys.readouterr()
        assert "clip.mp4: 40 frames (0:03.9)" in out
        assert "2 faces" in out
        assert "  face 2: 0:00 to 0:03.9, 40 frames, on average anger" in out
        assert "clip.mp4: 40/40 frames done" in err

    def test_a_phone_s_film_keeps_times_sound_and_orientation(self, run: Run) -> None:
        times = [0.0, 0.1, 0.2, 1.0, 1.1, 2.5]
        frames = [np.ascontiguousarray(np.rot90(spots((40, 30, HAPPY)), -1))] * 6
        write_film("phone.mov", frames, times=times, sound="aac", turned=90)
        assert run("phone.mov", "--out=out") == 0
        lines = table("out")["phone.mov"]
        assert [entry["seconds"] for entry in lines] == pytest.approx(times, abs=2e-3)
        assert lines[0]["faces"][0]["box"] == pytest.approx([40, 30, 64, 62], abs=3)
        with av.open("out/phone.mp4") as container:
            found = list(container.decode(video=0))
        assert [frame.time for frame in found] == pytest.approx(times, abs=2e-3)
        assert (found[0].width, found[0].height) == (128, 96)
        assert clicks("out/phone.mp4") == pytest.approx(clicks("phone.mov"), abs=0.02)

    def test_damaged_videos_are_one_line_each_and_the_others_go_on(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        options = {"movflags": "+faststart"}
        noise = np.random.default_rng(0).integers(0, 100, (20, 96, 128, 3), dtype=np.uint8)
        whole = write_film("a.mp4", list(noise), rate=RATE, options=options).read_bytes()
        Path("a.mp4").write_bytes(whole[: int(0.6 * len(whole))])
        Path("b.mp4").write_bytes(whole[:500])
        write_film("c.mp4", [spots((40, 30, HAPPY))] * 5, rate=RATE)
        assert run("a.mp4", "b.mp4", "c.mp4", "--draw=false", "--out=out") == 1
        out, err = capsys.readouterr()
        damaged, broken = [line for line in err.splitlines() if line.startswith("not read")]
        assert damaged.startswith("not read whole: a.mp4 is damaged: at least ")
        assert damaged.endswith(" of 20 frames are lost or incomplete")
        assert broken == "not read: b.mp4 is broken or not a video we read"
        assert "c.mp4: 5 frames" in out
        counts = {name: len(lines) for name, lines in table("out").items()}
        assert (counts["b.mp4"], counts["c.mp4"]) == (1, 5)
        assert 5 < counts["a.mp4"] < 20

    def test_a_film_without_faces(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        write_film("clip.avi", [spots()] * 5, rate=25, codec="mpeg4")
        assert run("clip.avi", "--out=out") == 0
        assert "clip.avi: 5 frames (0:00.2)" in capsys.readouterr().out
        assert [entry["faces"] for entry in table("out")["clip.avi"]] == [[]] * 5
        assert len(levels("out/clip.mp4")) == 5

    def test_seconds_limit_it_without_complaint(self, run: Run) -> None:
        write_film("clip.mp4", [spots()] * 20, rate=RATE)
        assert run("clip.mp4", "--out=out", "--seconds=0.5") == 0
        assert len(table("out")["clip.mp4"]) == 5

    def test_a_part_of_each_frame_number(self, run: Run) -> None:
        write_film("clip.mov", moving_faces(40), rate=RATE, sound="aac")
        assert run("clip.mov", "--out=out", "--start=1", "--end=3", "--every=5") == 0
        lines = table("out")["clip.mov"]
        assert [entry["frame"] for entry in lines] == [10, 15, 20, 25]
        assert [entry["seconds"] for entry in lines] == [1.0, 1.5, 2.0, 2.5]
        with av.open("out/clip.mp4") as container:
            written = [frame.time for frame in container.decode(video=0)]
        assert written == pytest.approx([0.0, 0.5, 1.0, 1.5], abs=2e-3)
        wanted = [each - 1 for each in clicks("clip.mov") if 1 <= each < 2.5]
        assert clicks("out/clip.mp4") == pytest.approx(wanted, abs=0.03)

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

        monkeypatch.setattr(screen, "open_window", lambda _: Window())
        write_film("clip.mp4", [spots((40, 30, HAPPY))] * 20, rate=RATE)
        assert run("clip.mp4", "--out=out") == 0
        assert Window.shown == 0
        assert run("clip.mp4", "--out=shown", "--show=always") == 0
        assert (Window.shown, Window.closed) == (4, True)
        assert len(table("shown")["clip.mp4"]) == 4

    @pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
    def test_a_browser_plays_it(self, run: Run, tmp_path: Path) -> None:
        write_film("clip.mkv", moving_faces(30), rate=RATE, codec="mpeg4", sound="ac3")
        assert run("clip.mkv", "--out=out") == 0
        Path("page.html").write_text("<video src='out/clip.mp4' muted></video>")
        program = find_chromium()
        assert program is not None
        with browser(program, tmp_path / "profile") as page:
            page.open(Path("page.html"))
            page.value("document.querySelector('video').play(); 0")
            for _ in range(100):
                video = "document.querySelector('video')"
                state = page.value(f"[{video}.readyState, {video}.currentTime, {video}.videoWidth]")
                if state[1] > 0.5:
                    break
                time.sleep(0.1)
            assert page.value(f"{video}.error && {video}.error.message") is None
            assert state[0] >= 2
            assert state[1] > 0.5
            assert state[2] == 128
            assert page.value(f"{video}.duration") == pytest.approx(3.0, abs=0.15)


class TestCamera:
    @pytest.fixture
    def camera(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """Camera 0: a face that flickers, until `on_frame`, called with each number, says stop."""
        behaviour: dict[str, Any] = {"on_frame": lambda number: number < 30}

        class Camera:
            def __init__(self, index: int) -> None:
                self.is_camera = index == 0
                self.number = 0

            def isOpened(self) -> bool:  # noqa: N802
                return self.is_camera

            def get(self, what: int) -> float:
                return 50.0 if what == cv2.CAP_PROP_FPS else 0.0

            def set(self, *_: float) -> None:
                pass

            def read(self) -> tuple[bool, Any]:
                if not behaviour["on_frame"](self.number):
                    return False, None
                # As cameras do, it takes its time at the beginning.
                time.sleep(0.01 if self.number else 0.8)
                self.number += 1
                colour = ANGRY if self.number % 4 == 0 else HAPPY
                return True, spots((40, 30, colour))[..., ::-1].copy()

            def release(self) -> None:
                pass

        monkeypatch.setattr(frames.cv2, "VideoCapture", Camera)
        monkeypatch.setattr(screen, "open_window", lambda _: None)
        return behaviour

    def test_is_drawn_listed_and_steady(
        self, run: Run, camera: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("0", "--out=out") == 0
        assert files("out") == [
            "camera-0.html",
            "camera-0.mp4",
            "camera-0.timeline.png",
            *sorted([*VIDEO_TABLES, "predictions.csv", "predictions.jsonl"]),
        ]
        lines = table("out")["camera 0"]
        # It does not wait: what could not be shown in time was dropped, and that is said.
        shown = len(lines)
        assert 1 <= shown <= 30
        assert {entry["faces"][0]["expression"] for entry in lines} == {"happiness"}
        seconds = [entry["seconds"] for entry in lines]
        assert seconds == sorted(seconds)
        assert seconds[0] == 0
        # Each frame is written once, at its time.
        with av.open("out/camera-0.mp4") as container:
            written = [frame.time for frame in container.decode(video=0)]
        assert written == pytest.approx(seconds, abs=2e-3)
        out, err = capsys.readouterr()
        assert f"camera 0: {shown} frame" in out
        said = f"  {30 - shown} of 30 frames were dropped to keep up\n"
        assert (said in out) == (shown < 30)
        assert re.search(r"from frame to answer: \d+ ms \(median\), \d+ ms", out)
        assert f"camera 0: {shown} frames done" in err

    def test_ctrl_c_is_its_ordinary_end(self, run: Run, camera: dict[str, Any]) -> None:
        def press_ctrl_c(number: int) -> bool:
            if number == 10:
                os.kill(os.getpid(), signal.SIGINT)
            return number < 500

        camera["on_frame"] = press_ctrl_c
        before = signal.getsignal(signal.SIGINT)
        assert run("0", "--out=out") == 0
        assert 1 <= len(table("out")["camera 0"]) < 50
        assert "camera-0.mp4" in files("out")
        assert signal.getsignal(signal.SIGINT) is before

    def test_none_there_is_one_line_and_nothing_is_done(
        self, run: Run, camera: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("1", "--out=out") == 2
        err = capsys.readouterr().err
        assert err.startswith("error: camera 1 could not be opened; wanted")
        assert err.count("\n") == 1
        assert not Path("out").exists()

    def test_none_there_beside_a_picture(
        self, run: Run, camera: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("1", write_photo("photo.jpg"), "--out=out") == 1
        assert "not read: camera 1 could not be opened" in capsys.readouterr().err
        assert set(table("out")) == {"camera 1", "photo.jpg"}


class TestOneBadOutput:
    """An output that cannot be written is a line; all predictions are in the tables."""

    def test_long_names(self, run: Run) -> None:
        names = [write_photo("é" * 114 + "1.jpg"), write_photo("é" * 114 + "2.jpg")]
        film = write_film("é" * 118 + "a.mp4", [spots((40, 30, HAPPY))] * 3, rate=RATE)
        assert run(*names, str(film), "--out=out") == 0
        assert set(table("out")) == {*names, str(film)}
        # Two drawings, film, timeline and page, and the tables.
        assert len(files("out")) == 5 + 2 + len(VIDEO_TABLES)

    def test_a_file_in_the_place_of_a_folder(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_photo("photos/a/1.jpg")
        write_film("photos/a/2.mp4", [spots((40, 30, HAPPY))] * 3, rate=RATE)
        write_photo("photos/b.jpg")
        Path("out").mkdir()
        Path("out/a").write_text("")
        assert run("photos", "--out=out") == 1
        lines = capsys.readouterr().err.splitlines()
        assert sum(line.startswith("not written: ") for line in lines) == 3
        assert {name: len(rows) for name, rows in table("out").items()} == {
            "photos/a/1.jpg": 1,
            "photos/a/2.mp4": 3,
            "photos/b.jpg": 1,
        }
        tables = ["predictions.csv", "predictions.jsonl", *VIDEO_TABLES]
        assert files("out") == sorted(["a", "b.jpg", *tables])

    @pytest.mark.skipif(sys.platform != "linux", reason="Linux's limit of a file's size")
    def test_a_drawing_that_does_not_fit(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """As on a full disk: the drawings are larger than the limit, and the tables smaller."""
        write_photo("a.jpg")
        write_photo("b.jpg")
        before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        try:
            assert run("a.jpg", "b.jpg", "--out=out") == 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
        err = capsys.readouterr().err
        assert "not written: out/a.jpg could not be written (File too large)" in err
        assert files("out") == ["predictions.csv", "predictions.jsonl"]
        assert [len(rows[0]["faces"]) for rows in table("out").values()] == [1, 1]


class TestWeights:
    def test_a_bare_name_is_the_newest_model_below_runs(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        photo = write_photo("photo.jpg")
        Path("best.pth").unlink()
        for number, name in enumerate(("frcnn-001", "frcnn-002", "backbone-001")):
            path = Path("runs", name, "best.pth")
            path.parent.mkdir(parents=True)
            if name.startswith("frcnn"):
                save_bright_checkpoint(path)
            else:
                write_model_file(path, ModelFile({}, ModelConfig(), ()))
            os.utime(path, (1000 + number, 1000 + number))
        assert run(photo, "--out=out") == 0
        out = capsys.readouterr().out
        assert "weights: runs/frcnn-002/best.pth" in out
        assert "not used: runs/backbone-001/best.pth holds weights to initialise" in out

    def test_the_model_that_comes_with_the_package_is_the_default(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        photo = write_photo("photo.jpg")
        monkeypatch.setattr(files_module, "find_shipped", lambda _: None)
        assert predict.main([photo, "--out=own"]) == 0
        assert "weights: best.pth" in capsys.readouterr().out
        shipped = save_bright_checkpoint(Path("shipped.safetensors"))
        names = {"weights/expression_small.safetensors": shipped}
        monkeypatch.setattr(files_module, "find_shipped", names.get)
        assert predict.main([photo, "--out=out"]) == 0
        assert "weights: shipped.safetensors" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("flags", "onnxruntime", "suffix"),
        [
            ([], True, ".onnx"),
            (["--device=cpu", "--precision=float32"], True, ".onnx"),
            ([], False, ".safetensors"),
            (["--mtcnn=exact"], True, ".safetensors"),
            (["--precision=bfloat16"], True, ".safetensors"),
            (["--device=cuda"], True, ".safetensors"),
            (["--backend=torch"], True, ".safetensors"),
            (["--backend=onnx"], False, ".onnx"),
            (["--backend=openvino"], False, ".onnx"),
        ],
    )
    def test_the_shipped_onnx_file_is_taken_where_it_can_follow_the_settings(
        self, flags: list[str], onnxruntime: bool, suffix: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(predict, "find_spec", lambda _: object() if onnxruntime else None)
        config = parse_config(PredictConfig, "predict", ["photo.jpg", *flags])
        found = predict.find_shipped_model(config)
        assert found is not None
        assert found.name == f"expression_small{suffix}"


class TestClassifier:
    @pytest.fixture(autouse=True)
    def saved(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(models.MODELS, colour_classifier.NAME, colour_classifier.REGISTERED)
        save_colour_checkpoint(Path("classifier.pth"), unknown_below=0.3)

    def test_a_photo_s_faces_are_found_by_mtcnn(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        whole = portrait()
        small = np.full_like(whole, 128)
        small[100:180, 100:180] = whole[::4, ::4]
        write_photo("group.jpg", np.concatenate([whole, small, whole[:, ::-1]], axis=1))
        flags = ["--weights=classifier.pth", "--out=out", "--order=left_to_right", "--min_face=12"]
        assert run("group.jpg", *flags) == 0
        out = capsys.readouterr().out
        assert "faces: by MTCNN (fast, smallest face 12 px)" in out
        assert "too small, face " in out
        assert "group.jpg: 3 faces: " in out
        (line,) = table("out")["group.jpg"]
        first, second, third = line["faces"]
        assert first["box"] == pytest.approx([113, 38, 167, 107], abs=6)
        assert third["box"] == pytest.approx([640 + 320 - 167, 38, 640 + 320 - 113, 107], abs=6)
        assert first["size"] == pytest.approx(69, abs=6)
        assert (second["flags"], second["probabilities"]) == (["too_small"], {})
        assert line["summary"]["too_small"] == 1
        assert run("group.jpg", *flags[:1], "--out=two", "--max_faces=2", "--mtcnn=exact") == 0
        (line,) = table("two")["group.jpg"]
        assert all(face["size"] > 60 for face in line["faces"])

    def test_it_cannot_find_faces_itself(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        photo = write_photo("photo.jpg")
        assert run(photo, "--weights=classifier.pth", "--faces=model", "--out=out") == 2
        assert "--faces model with a classifier" in capsys.readouterr().err
        assert not Path("out").exists()


def test_default_folders_of_processes_at_the_same_time_differ(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process makes the folder that was found free."""
    photo = write_photo("photo.jpg")
    mkdir = Path.mkdir

    def overtaken(path: Path, *args: Any, **kwargs: Any) -> None:
        if path.name == "predict-001" and not path.exists():
            mkdir(path)
            (path / "photo.jpg").write_bytes(b"another's")
        mkdir(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", overtaken)
    assert run(photo) == 0
    assert files("runs") == [
        "predict-001/photo.jpg",
        "predict-002/photo.jpg",
        "predict-002/predictions.csv",
        "predict-002/predictions.jsonl",
    ]


def test_a_photo_needs_no_camera_window_or_video_code() -> None:
    code = (
        "import sys, fer_det.cli.predict, fer_det.predict.pictures, fer_det.predict.predictor;"
        "print(*sorted(name for name in sys.modules if name.startswith('fer_det.predict')),"
        "*sorted({'av', 'matplotlib'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == [
        "fer_det.predict",
        *(
            f"fer_det.predict.{name}"
            for name in (
                *("drawing", "finish", "labels", "onnx_runner", "outputs", "pictures", "pixels"),
                *("predictor", "results", "runner", "sources", "views"),
            )
        ),
    ]


def test_nothing_of_torch_is_left_changed(run: Run) -> None:
    before = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    assert run(write_photo("photo.jpg"), "--out=out") == 0
    assert (torch.is_inference_mode_enabled(), torch.is_grad_enabled()) == before
