from pathlib import Path

from fer_det.io.journal import open_journal
from voc_builder.build.records import Record
from voc_builder.build.resume import JOURNAL_NAME, read_previous

HEADER = {"fingerprint": "f", "settings": {"seed": 0}}


def record(name: str) -> Record:
    return Record(name, "rafdb", "a.jpg", None, None, "rejected", "absent", "train")


def write_journal(folder: Path) -> Path:
    with open_journal(folder / JOURNAL_NAME, HEADER) as journal:
        journal.append([record("a").to_json(), record("b").to_json()])
        journal.append([record("c").to_json()])
    return folder / JOURNAL_NAME


def test_the_records_of_all_batches(tmp_path: Path) -> None:
    write_journal(tmp_path)
    assert read_previous(tmp_path, HEADER) == {name: record(name) for name in "abc"}


def test_a_record_of_another_version_is_as_good_as_absent(tmp_path: Path) -> None:
    path = write_journal(tmp_path)
    path.write_text(path.read_text().replace('"reason"', '"cause"', 2))
    assert list(read_previous(tmp_path, HEADER)) == ["c"]


def test_an_unreadable_batch_is_as_good_as_absent(tmp_path: Path) -> None:
    path = write_journal(tmp_path)
    for damaged in (b"null", b"{", b"[1]", b'{"id": "a"}'):
        header, _, last = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(header + damaged + b"\n" + last)
        assert list(read_previous(tmp_path, HEADER)) == ["c"]
