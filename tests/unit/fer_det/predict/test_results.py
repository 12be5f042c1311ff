import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection, TrackedFace
from fer_det.core.expression import Expression
from fer_det.errors import OutputError
from fer_det.imaging.decode import DecodedImage
from fer_det.predict.results import (
    MOST_NAMES,
    PredictedPicture,
    Results,
    describe_ignored,
    open_results,
    say,
)
from fer_det.predict.sources import Failure, Sources

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


def picture(name: str, *faces: Detection, frames: int = 1) -> PredictedPicture:
    image = DecodedImage(np.zeros((48, 60, 3), np.uint8), "JPEG", False, (60, 48), frames)
    return PredictedPicture(Path(name), image, faces)


def fill(results: Results) -> None:
    results.add_picture(picture("a, b.jpg", face(0.75), face(0.25)), Path("out/a.jpg"))
    results.add_picture(picture("none.jpg"), None)
    results.add_unread_picture(Failure("half.jpg", "half.jpg is broken"))
    tracked = TrackedFace(3, face(0.25), face(0.75), Expression.HAPPINESS)
    results.add_frame("clip.mp4", 7, 0.28, (tracked,))
    results.add_frame("clip.mp4", 8, 0.32, ())


@pytest.fixture
def tables(tmp_path: Path) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    with open_results(tmp_path / "a.jsonl", tmp_path / "a.csv", EXPRESSIONS) as opened:
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
        "size": 38,
        "flags": [],
        "score": 0.98765,
        "expression": "happiness",
        "probabilities": {"happiness": 0.75, "anger": 0.25},
    }
    assert picture["faces"][1]["expression"] == "anger"
    assert picture["summary"] == {
        "faces": 2,
        "shares": {"happiness": 0.5, "anger": 0.5},
        "unknown": 0,
        "too_small": 0,
    }
    assert "summary" not in none
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
    with open_results(tmp_path / "a.jsonl", tmp_path / "a.csv", EXPRESSIONS) as opened:
        opened.add_picture(picture(name), None)
    lines, rows = written(tmp_path)
    assert lines[0]["source"] == name
    assert rows[0]["source"] == name


def test_marks_are_in_both_tables(tmp_path: Path) -> None:
    small = replace(face(0.75), probabilities={}, flags=("too_small",))
    unsure = replace(face(0.75), flags=("low_resolution", "unknown"))
    with open_results(tmp_path / "a.jsonl", tmp_path / "a.csv", EXPRESSIONS) as opened:
        opened.add_picture(picture("a.jpg", small, unsure), None)
    ((line,), rows) = written(tmp_path)
    first, second = line["faces"]
    assert (first["flags"], first["expression"], first["probabilities"]) == (
        ["too_small"],
        None,
        {},
    )
    assert (second["expression"], second["probabilities"]["happiness"]) == ("unknown", 0.75)
    assert [row["flags"] for row in rows] == ["too_small", "low_resolution unknown"]
    assert [row["expression"] for row in rows] == ["", "unknown"]
    assert [row["happiness"] for row in rows] == ["", "0.75"]
    assert rows[0]["size"] == "38"
    assert line["summary"] == {"faces": 2, "shares": {}, "unknown": 1, "too_small": 1}


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_stays_of_interrupted_tables(tmp_path: Path, error: type[BaseException]) -> None:
    def interrupted() -> None:
        with open_results(tmp_path / "a.jsonl", tmp_path / "a.csv", EXPRESSIONS) as opened:
            fill(opened)
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_an_animation_has_a_note(tmp_path: Path) -> None:
    with open_results(tmp_path / "a.jsonl", tmp_path / "a.csv", EXPRESSIONS) as opened:
        opened.add_picture(picture("a.gif", face(0.75), frames=2), None)
    ((line,), (row,)) = written(tmp_path)
    assert line["note"] == row["note"] == "the first of its 2 pictures"


class TestCounts:
    @pytest.fixture
    def results(self) -> Results:
        return Results(io.StringIO(), io.StringIO(), EXPRESSIONS)

    def test_pictures(self, results: Results) -> None:
        fill(results)
        assert list(results.describe_pictures()) == [
            "2 pictures: 2 faces, no face in 1, 1 not read",
            "no face: none.jpg",
        ]
        assert list(results.describe_failures()) == ["not read: half.jpg is broken"]

    def test_long_lists_are_cut_and_say_so(self, results: Results) -> None:
        results.add_picture(picture("face.jpg", face(0.75)), None)
        for number in range(MOST_NAMES + 5):
            results.add_picture(picture(f"{number}.jpg"), None)
            results.add_unread_picture(Failure(f"x{number}.jpg", f"x{number}.jpg is empty"))
        lines, failures = list(results.describe_pictures()), list(results.describe_failures())
        assert lines[0] == "26 pictures: 1 face, no face in 25, 25 not read"
        assert len(lines) == 1 + MOST_NAMES + 1
        assert lines[-1] == "no face: and 5 more, see the tables"
        assert len(failures) == MOST_NAMES + 1
        assert failures[-1] == "not read: and 5 more, see the tables"

    def test_damage_and_unwritten_outputs_are_failures(self, results: Results) -> None:
        results.add_failure(Failure("a.mp4", "a.mp4 is damaged"), "not read whole")
        results.add_unwritten(OutputError("b.jpg could not be written", "room", "make some"))
        assert list(results.describe_failures()) == [
            "not read whole: a.mp4 is damaged",
            "not written: b.jpg could not be written",
        ]


def test_what_was_ignored() -> None:
    sources = Sources(repeated=1)
    sources.ignored.update({".txt": 2, ".xmp": 1200})
    assert list(describe_ignored(sources)) == [
        "in folders, neither picture nor video: 1,200 .xmp, 2 .txt",
        "named more than once and read once: 1 file",
    ]
    assert list(describe_ignored(Sources())) == []


@pytest.mark.parametrize(
    ("encoding", "wanted"),
    [
        ("ascii", "Am\\xe9lie \\u7167"),
        ("latin-1", "Amélie \\u7167"),
        ("cp1252", "Amélie \\u7167"),
        ("utf-8", "Amélie 照"),
    ],
)
def test_say_fits_the_terminal(encoding: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(buffer, encoding))
    say(["Amélie 照"])
    assert buffer.getvalue().decode(encoding) == f"{wanted}\n"
