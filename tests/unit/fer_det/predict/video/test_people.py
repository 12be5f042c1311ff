from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection, TrackedFace
from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from fer_det.errors import OutputError
from fer_det.predict.video.people import People, Person
from fer_det.predict.video.tables import open_track_tables

HAPPY, ANGRY = Expression.HAPPINESS, Expression.ANGER


def face(
    number: int, label: Expression | None, raw: Expression = HAPPY, side: int = 50
) -> TrackedFace:
    rest = (1 - 0.7) / 6
    frame = {each: 0.7 if each is raw else rest for each in BASIC_EXPRESSIONS}
    even = dict.fromkeys(BASIC_EXPRESSIONS, 1 / 7)
    box = FaceBox(1, 2, 1 + side, 2 + side)
    smoothed = Detection(box, 0.9, even, ("unknown",) if label is None else ())
    return TrackedFace(number, Detection(box, 0.9, frame), smoothed, label)


def gather(frames: Sequence[tuple[float, Sequence[TrackedFace]]], rate: float = 10) -> list[Person]:
    """Persons of frames in which whoever is seen later is alive."""
    people = People(rate)
    found: list[Person] = []
    for row, (seconds, faces) in enumerate(frames):
        alive = {each.number for _, later in frames[row:] for each in later}
        found += people.add(seconds, faces, alive)
    return [*found, *people.finish()]


def test_time_share_longest_episode_and_switches() -> None:
    labels = [HAPPY] * 3 + [ANGRY] * 6 + [None] * 8 + [HAPPY] * 2
    raw = [HAPPY, ANGRY] * 9 + [HAPPY]
    frames = [(n / 10, [face(1, *both)]) for n, both in enumerate(zip(labels, raw, strict=True))]
    (person,) = gather(frames)
    assert (person.number, person.frames, person.first, person.last) == (1, 19, 0.0, 1.8)
    assert person.seen == pytest.approx(1.9)
    assert person.shares == pytest.approx({"happiness": 5 / 19, "anger": 6 / 19, "unknown": 8 / 19})
    assert (person.switches, person.frame_switches) == (3, 18)
    # Unknown lasted longer and is no expression.
    assert person.longest.label == "anger"
    assert (person.longest.start, person.longest.seconds) == pytest.approx((0.3, 0.6))


def test_time_counts_and_not_frames() -> None:
    times = [0.0, 0.1, 0.2, 1.0]
    labels = [HAPPY, HAPPY, ANGRY, HAPPY]
    (person,) = gather([(t, [face(1, each)]) for t, each in zip(times, labels, strict=True)])
    assert person.seconds == pytest.approx({"happiness": 0.3, "anger": 0.8})


def test_a_long_gap_is_not_seen() -> None:
    (person,) = gather([(0.0, [face(1, HAPPY)]), (1.4, [face(1, HAPPY)]), (1.5, [face(1, HAPPY)])])
    assert person.seen == pytest.approx(0.2)
    # Where frames are rare, they are no gaps.
    (slow,) = gather([(5.0 * n, [face(1, HAPPY)]) for n in range(3)], rate=0.2)
    assert slow.seen == pytest.approx(15)


def test_who_is_gone_is_given_at_once_and_forgotten() -> None:
    people = People(rate=10)
    assert list(people.add(0.0, [face(1, HAPPY), face(2, None)], {1, 2})) == []
    (gone,) = people.add(0.1, [face(2, None)], {2})
    assert (gone.number, gone.frames, gone.size) == (1, 1, 50)
    (left,) = people.finish()
    assert (left.number, left.longest.label) == (2, "unknown")
    assert list(people.finish()) == []


class TestTables:
    def write(self, folder: Path) -> None:
        with open_track_tables(folder, BASIC_EXPRESSIONS) as tables:
            for frame in range(3):
                tables.add_frame("a.mp4", frame, frame / 10, [face(1, HAPPY, ANGRY), face(2, None)])
            tables.add_frame("a.mp4", 3, 0.3, [])
            for person in gather([(0.0, [face(1, HAPPY)]), (0.1, [face(1, ANGRY)])]):
                tables.add_person("a.mp4", person)

    def test_a_line_for_each_face_in_each_frame(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        rows = list(csv.DictReader((tmp_path / "tracks.csv").open()))
        assert [(row["frame"], row["face"]) for row in rows] == [
            (str(frame), number) for frame in range(3) for number in "12"
        ]
        first, second = rows[:2]
        assert (first["label"], first["flags"], first["size"]) == ("happiness", "", "50")
        assert (second["label"], second["flags"]) == ("unknown", "unknown")
        assert (first["frame_anger"], first["smoothed_anger"]) == ("0.7", "0.14286")
        assert None not in first.values()

    def test_a_line_for_each_track(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        (row,) = csv.DictReader((tmp_path / "people.csv").open())
        assert (row["face"], row["frames"], row["seen"], row["switches"]) == ("1", "2", "0.2", "1")
        assert (row["share_happiness"], row["share_anger"], row["share_fear"]) == (
            "0.5",
            "0.5",
            "0",
        )
        assert (row["longest_label"], row["longest_seconds"]) == ("happiness", "0.1")

    def test_parquet_holds_the_same(self, tmp_path: Path) -> None:
        parquet = pytest.importorskip("pyarrow.parquet")
        self.write(tmp_path)
        table = parquet.read_table(tmp_path / "tracks.parquet").to_pylist()
        rows = list(csv.DictReader((tmp_path / "tracks.csv").open()))
        assert [[str(value) for value in row.values()] for row in table] == [
            [str(float(v)) if k in FLOATS else v for k, v in row.items()] for row in rows
        ]

    def test_none_appears_after_an_error(self, tmp_path: Path) -> None:
        def stop() -> None:
            raise OutputError("full", "room", "free some")

        with pytest.raises(OutputError), open_track_tables(tmp_path, BASIC_EXPRESSIONS):
            stop()
        assert list(tmp_path.iterdir()) == []


FLOATS = {
    *("seconds", "x_min", "y_min", "x_max", "y_max", "size", "score"),
    *(f"{kind}_{each.label}" for kind in ("frame", "smoothed") for each in BASIC_EXPRESSIONS),
}
