from pathlib import Path

import pytest

from fer_det.errors import DatasetFormatError, OutputError
from fer_det.io.journal import (
    describe_differences,
    open_journal,
    read_header,
    read_parts,
)

HEADER = {"fingerprint": "f", "settings": {"seed": 0}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of three parts."""
    with open_journal(tmp_path / "journal", HEADER) as journal:
        for part in ({"a": 1}, ["b", "c"], "d"):
            journal.append(part)
    return tmp_path / "journal"


def test_what_was_appended_is_read(path: Path) -> None:
    assert read_header(path, "") == HEADER
    assert list(read_parts(path)) == [{"a": 1}, ["b", "c"], "d"]


def test_it_goes_on_where_it_was(path: Path) -> None:
    with open_journal(path, {"other": "header"}) as journal:
        journal.append("e")
    assert list(read_parts(path)) == [{"a": 1}, ["b", "c"], "d", "e"]
    assert read_header(path, "") == HEADER


@pytest.mark.parametrize("keep", [0, 1, 3, 7])
def test_later_parts_can_be_forgotten(path: Path, keep: int) -> None:
    parts = list(read_parts(path))
    with open_journal(path, HEADER, keep) as journal:
        journal.append("new")
    assert list(read_parts(path)) == [*parts[:keep], "new"]


def test_every_place_of_a_cut_loses_no_whole_part_and_keeps_no_half(path: Path) -> None:
    data = path.read_bytes()
    header, *lengths = (len(line) for line in data.splitlines(keepends=True))
    for cut in range(header, len(data) + 1):
        path.write_bytes(data[:cut])
        with open_journal(path, HEADER) as journal:
            journal.append("new")
        whole = sum(cut >= header + sum(lengths[: count + 1]) for count in range(3))
        assert list(read_parts(path)) == [*({"a": 1}, ["b", "c"], "d")[:whole], "new"]


def test_an_unreadable_line_keeps_its_place(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'["b", "c"]', b"[" * 100_000))
    assert list(read_parts(path)) == [{"a": 1}, None, "d"]


def test_damaged_header(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("\0\0\n")
    with pytest.raises(DatasetFormatError, match=r"journal is damaged.*begin again"):
        read_header(tmp_path / "journal", "begin again")


def test_two_processes_cannot_write_it(path: Path) -> None:
    pytest.importorskip("fcntl")
    with (
        open_journal(path, HEADER),
        pytest.raises(OutputError, match="is being written by another process"),
        open_journal(path, HEADER),
    ):
        pass


def test_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    with (
        pytest.raises(OutputError, match="could not be written"),
        open_journal(tmp_path / "journal", HEADER),
    ):
        pass


def test_differences() -> None:
    ours, theirs = {"boxes": "mtcnn", "seed": 0, "a": 1}, {"boxes": "raf", "a": 1}
    assert describe_differences(ours, theirs) == 'boxes "mtcnn", seed 0'
    assert describe_differences(ours, ours) == "none of them"
