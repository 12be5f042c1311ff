import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.sources import Failure
from fer_det.predict.tables import Tables, open_tables
from fer_det.predict.video.frames import Frame
from fer_det.predict.video.track_video import TrackedFace, WatchedFrame

EXPRESSIONS = (Expression.HAPPINESS, Expression.ANGER)


def face(happiness: float) -> Detection:
    probabilities = {Expression.HAPPINESS: happiness, Expression.ANGER: 1 - happiness}
    return Detection(FaceBox(1.006, 2, 30, 40), 0.987654321, probabilities)


def written(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Both tables, read back."""
    with (folder / "a.csv").open(newline="", errors="surrogateescape") as file:
        rows = list(csv.DictReader(file))
    lines = (folder / "a.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines], rows


def fill(tables: Tables) -> None:
    tables.add_picture("a, b.jpg", Path("out/a.jpg"), (60, 48), [face(0.75), face(0.25)])
    tables.add_picture("none.jpg", None, (60, 48), [])
    tables.add_failure(Failure("half.jpg", "half.jpg is broken"))
    frame = Frame(7, 0.28, np.zeros((2, 2, 3), np.uint8))
    tracked = TrackedFace(3, face(0.25), face(0.75), Expression.HAPPINESS)
    tables.add_frame("clip.mp4", WatchedFrame(frame, (tracked,), 20.0))
    tables.add_frame("clip.mp4", WatchedFrame(Frame(8, 0.32, frame.pixels), (), 20.0))


@pytest.fixture
def tables(tmp_path: Path) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    with open_tables(tmp_path / "a.jsonl", tmp_path / "a.csv", EXPRESSIONS) as opened:
        fill(opened)
    return written(tmp_path)


def test_json_has_a_line_a_picture_or_frame(
    tables: tuple[list[dict[str, Any]], list[dict[str, str]]],
) -> None:
    picture, none, half, seventh, eighth = tables[0]
    assert picture["source"] == "a, b.jpg"
    assert (picture["drawn"], picture["width"], picture["height"]) == ("out/a.jpg", 60, 48)
    assert picture["faces"][0] == {
        "box": [1.01, 2, 30, 40],
        "score": 0.98765,
        "expression": "happiness",
        "probabilities": {"happiness": 0.75, "anger": 0.25},
    }
    assert picture["faces"][1]["expression"] == "anger"
    assert (none["faces"], none["drawn"]) == ([], None)
    assert half == {"source": "half.jpg", "error": "half.jpg is broken"}
    assert (seventh["frame"], seventh["seconds"]) == (7, 0.28)
    (tracked,) = seventh["faces"]
    assert (tracked["face"], tracked["expression"]) == (3, "happiness")
    assert tracked["probabilities"]["happiness"] == 0.75
    assert tracked["frame_probabilities"]["happiness"] == 0.25
    assert eighth["faces"] == []


def test_csv_has_a_line_a_face_and_one_for_whatever_has_none(
    tables: tuple[list[dict[str, Any]], list[dict[str, str]]],
) -> None:
    rows = tables[1]
    assert [row["source"] for row in rows] == [
        *["a, b.jpg"] * 2,
        "none.jpg",
        "half.jpg",
        *["clip.mp4"] * 2,
    ]
    assert [row["note"] for row in rows] == ["", "", "no face", "half.jpg is broken", "", "no face"]
    assert (rows[0]["x_min"], rows[0]["y_max"], rows[0]["score"]) == ("1.01", "40", "0.98765")
    assert [row["happiness"] for row in rows] == ["0.75", "0.25", "", "", "0.75", ""]
    assert (rows[4]["face"], rows[4]["frame"], rows[4]["expression"]) == ("3", "7", "happiness")


def test_names_of_any_bytes_come_through(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \xc3\xa9.jpg")
    with open_tables(tmp_path / "a.jsonl", tmp_path / "a.csv", EXPRESSIONS) as opened:
        opened.add_picture(name, None, (1, 1), [])
    lines, rows = written(tmp_path)
    assert lines[0]["source"] == name
    assert rows[0]["source"] == name


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_stays_of_interrupted_tables(tmp_path: Path, error: type[BaseException]) -> None:
    def interrupted() -> None:
        with open_tables(tmp_path / "a.jsonl", tmp_path / "a.csv", EXPRESSIONS) as opened:
            fill(opened)
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []
