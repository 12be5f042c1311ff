from pathlib import Path

import pytest

from fer_det.errors import DatasetFormatError, OutputError
from voc_builder.build.records import Record
from voc_builder.build.resume import open_journal, read_journal

HEADER = {"fingerprint": "f", "settings": {"seed": 0}}


def record(name: str) -> Record:
    return Record(name, "rafdb", "a.jpg", None, None, "rejected", "absent", "train")


def written_journal(path: Path) -> Path:
    with open_journal(path, HEADER) as journal:
        journal.append([record("a"), record("b")])
        journal.append([record("c")])
    return path


def ids(path: Path) -> list[str]:
    return [each.id for each in read_journal(path)[1]]


def test_what_was_appended_is_read(tmp_path: Path) -> None:
    path = written_journal(tmp_path / "journal")
    header, records = read_journal(path)
    assert header == HEADER
    assert records == [record("a"), record("b"), record("c")]


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    path = written_journal(tmp_path / "journal")
    with open_journal(path, {"other": "header"}) as journal:
        journal.append([record("d")])
    assert ids(path) == ["a", "b", "c", "d"]
    assert read_journal(path)[0] == HEADER


def test_every_place_of_a_cut_loses_no_whole_batch_and_keeps_no_half(tmp_path: Path) -> None:
    path = written_journal(tmp_path / "journal")
    data = path.read_bytes()
    header, first, second = (len(line) for line in data.splitlines(keepends=True))
    for cut in range(header, len(data) + 1, 7):
        path.write_bytes(data[:cut])
        with open_journal(path, HEADER) as journal:
            journal.append([record("d")])
        whole = ["a", "b"] * (cut >= header + first) + ["c"] * (cut >= header + first + second)
        assert ids(path) == [*whole, "d"]


def test_a_cut_line_is_not_read_either(tmp_path: Path) -> None:
    path = written_journal(tmp_path / "journal")
    path.write_bytes(path.read_bytes()[:-10])
    assert ids(path) == ["a", "b"]


def test_a_record_of_another_version_is_as_good_as_absent(tmp_path: Path) -> None:
    path = written_journal(tmp_path / "journal")
    path.write_text(path.read_text().replace('"reason"', '"cause"', 2))
    assert ids(path) == ["c"]


def test_damaged_header(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("\0\0\n")
    with pytest.raises(DatasetFormatError, match="journal is damaged"):
        read_journal(tmp_path / "journal")


def test_two_builds_cannot_write_it(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / "journal"
    with (
        open_journal(path, HEADER),
        pytest.raises(OutputError, match="is being written by another build"),
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
