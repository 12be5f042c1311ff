from pathlib import Path

import pytest

from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.listing import Row, check_name, entries, read_rows

ROW = Row(Path("list.txt"), 3, "")


class TestReadRows:
    def test_bom_crlf_tabs_and_blank_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "list.txt"
        path.write_bytes(b"\xef\xbb\xbfa.jpg\t1\r\n\r\n  b.jpg 2  \r\n")
        rows = read_rows(path, "a list")
        assert [(row.number, row.text) for row in rows] == [(1, "a.jpg\t1"), (3, "b.jpg 2")]

    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetNotFoundError, match=r"list.txt is absent; wanted a list; "):
            read_rows(tmp_path / "list.txt", "a list")

    def test_not_text(self, tmp_path: Path) -> None:
        (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(DatasetFormatError, match="is not UTF-8 text"):
            read_rows(tmp_path / "list.txt", "a list")

    def test_folder_in_its_place(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetFormatError, match="could not be read"):
            read_rows(tmp_path, "a list")


class TestRow:
    @pytest.mark.parametrize("text", ["3", "3.0000000e+00", " 3 "])
    def test_integer(self, text: str) -> None:
        assert ROW.integer(text, range(1, 8), "label") == 3

    @pytest.mark.parametrize("text", ["0", "8", "2.5", "nan", "inf", "happy", ""])
    def test_no_such_integer(self, text: str) -> None:
        with pytest.raises(DatasetFormatError, match=r"list.txt, line 3: label .*one of 1 to 7"):
            ROW.integer(text, range(1, 8), "label")

    @pytest.mark.parametrize("text", ["1 2", "1 2 3 4", "1 2 x", "1 2 nan", ""])
    def test_not_three_numbers(self, text: str) -> None:
        with pytest.raises(DatasetFormatError, match="line 1"):
            Row(Path("f"), 1, text).numbers(3, "three")


class TestCheckName:
    def test_plain(self) -> None:
        assert check_name("train_1.jpg", ROW) == "train_1.jpg"

    @pytest.mark.parametrize(
        "name",
        ["../x.jpg", "/etc/x.jpg", "a/b.jpg", "..", "..\\x.jpg", "C:x.jpg", "\\\\host\\x", ""],
    )
    def test_leaves_its_folder(self, name: str) -> None:
        with pytest.raises(DatasetFormatError, match="leaves its folder"):
            check_name(name, ROW)


def test_entries_come_sorted_and_without_litter(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", ".DS_Store", "Thumbs.db", "._a.png", "desktop.ini"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in entries(tmp_path)] == ["a.png", "b.png"]
