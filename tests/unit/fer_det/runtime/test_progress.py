import os
from io import BytesIO, StringIO, TextIOWrapper

import pytest

from fer_det.runtime import progress
from fer_det.runtime.progress import (
    LONGEST_LINE,
    format_seconds,
    print_line,
    printable,
    track,
)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (3600, "1 h 0 min"),
        (7825, "2 h 10 min"),
    ],
)
def test_format_seconds(seconds: float, told: str) -> None:
    assert format_seconds(seconds) == told


class _Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock.monotonic)
    return clock


def test_lines_now_and_then(clock: _Clock, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in track(range(10), total=10, title="convert", unit="pictures"):
        clock.now += 4
    # 4 s a picture: a line when 10 s have passed since the last, so after 3, 6 and 9 pictures.
    assert capsys.readouterr().err.splitlines() == [
        "convert: 0/10 pictures",
        "convert: 3/10 pictures, 0.2/s, 28 s left",
        "convert: 6/10 pictures, 0.2/s, 16 s left",
        "convert: 9/10 pictures, 0.2/s, 4 s left",
        "convert: 10/10 pictures done in 40 s",
    ]


def test_work_of_an_earlier_run_does_not_count_in_the_rate(
    clock: _Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in track(range(2), total=100, title="convert", unit="pictures", start=90):
        clock.now += 10
    # 2 pictures in 20 s, 8 to go; the first alone, which holds the start, predicts nothing.
    told = capsys.readouterr().err
    assert "convert: 91/100 pictures, 0.1/s\n" in told
    assert "convert: 92/100 pictures, 0.1/s, 1 min 20 s left\n" in told


def test_items_pass_unchanged_and_lazily(capsys: pytest.CaptureFixture[str]) -> None:
    asked = []
    items = (asked.append(number) or number for number in range(3))
    tracked = track(items, total=3, title="t", unit="u")
    assert asked == []
    assert next(tracked) == 0
    assert asked == [0]
    assert list(tracked) == [1, 2]
    assert capsys.readouterr().out == ""


def test_nothing_to_do_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([], total=0, title="convert", unit="pictures")) == []
    told = "convert: 0/0 pictures\nconvert: 0/0 pictures done in 0 s\n"
    assert capsys.readouterr().err == told


def test_the_first_line_comes_before_the_first_item(capsys: pytest.CaptureFixture[str]) -> None:
    tracked = track((capsys.readouterr().err for _ in range(1)), 1, "convert", "pictures", 0)
    assert next(tracked) == "convert: 0/1 pictures\n"


def test_bar_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    assert list(track(iter("ab"), total=5, title="train", unit="batches", start=3)) == ["a", "b"]
    told = capsys.readouterr().err
    assert "train: 100%" in told
    assert "5/5" in told


def test_a_total_that_nobody_knows(clock: _Clock, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in track(range(3), total=None, title="camera 0", unit="frames"):
        clock.now += 4
    assert capsys.readouterr().err.splitlines() == [
        "camera 0: 0 frames",
        "camera 0: 3 frames, 0.2/s",
        "camera 0: 3 frames done in 12 s",
    ]


class TestPrintable:
    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("Amélie 照片.jpg", "Amélie 照片.jpg"),
            ("two\nlines\t\r", r"two\nlines\t\r"),
            ("\x1b[2J", r"\x1b[2J"),
            ("\u202egpj.exe", r"\u202egpj.exe"),
            (os.fsdecode(b"caf\xe9"), r"caf\xe9"),
            ("\ud800", r"\ud800"),
            # UTF-8 that Python read in another encoding is UTF-8 again.
            ("caf\udcc3\udca9", "café"),
        ],
    )
    def test_escapes(self, text: str, wanted: str) -> None:
        assert printable(text) == wanted


class TestPrintLine:
    @pytest.mark.parametrize(
        ("encoding", "wanted"),
        [
            ("utf-8", "Amélie 照"),
            ("latin-1", r"Amélie \u7167"),
            ("ascii", r"Am\xe9lie \u7167"),
            ("cp1252", r"Amélie \u7167"),
            ("shift_jis", r"Am\xe9lie 照"),
        ],
    )
    def test_any_encoding(self, encoding: str, wanted: str) -> None:
        data = BytesIO()
        stream = TextIOWrapper(data, encoding)
        print_line("Amélie 照", stream)
        assert data.getvalue().decode(encoding) == f"{wanted}\n"

    def test_a_stream_without_encoding(self) -> None:
        stream = StringIO()
        print_line("é\0", stream)
        assert stream.getvalue() == "é\\x00\n"

    def test_stdout_is_the_default(self, capsys: pytest.CaptureFixture[str]) -> None:
        print_line("a")
        assert capsys.readouterr() == ("a\n", "")

    def test_a_long_line_loses_its_middle(self) -> None:
        stream = StringIO()
        print_line("start" + "x" * 100_000 + "end", stream)
        line = stream.getvalue()
        assert len(line) < LONGEST_LINE + 10
        assert line.startswith("startx")
        assert line.endswith("xend\n")
