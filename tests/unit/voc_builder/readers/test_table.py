from pathlib import Path

import pytest

from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.table import (
    LABEL_WORDS,
    NAME_WORDS,
    Row,
    find_label_column,
    read_rows,
    read_table,
)


def table_of(folder: Path, text: str | bytes):
    (folder / "list.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(folder / "list.csv", "a list", (*NAME_WORDS, *LABEL_WORDS))


class TestReadTable:
    @pytest.mark.parametrize(
        "text",
        [
            "a.jpg 1\nb c.jpg 2".replace("b c", "b"),
            "a.jpg\t1\r\n\r\n  b.jpg\t2  \r\n",
            "a.jpg,1\nb.jpg,2\n",
            "a.jpg;1\rb.jpg;2\r",
            '"a.jpg", "1"\n"b.jpg", 2\n,\n',
            "a.jpg|1\nb.jpg|2",
        ],
    )
    def test_separators_quotes_and_line_ends(self, tmp_path: Path, text: str) -> None:
        table = table_of(tmp_path, text)
        assert [row.cells for row in table.rows] == [("a.jpg", "1"), ("b.jpg", "2")]
        assert table.header == ()

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    def test_encodings(self, tmp_path: Path, encoding: str) -> None:
        table = table_of(tmp_path, "image,label\nä.jpg,1\n".encode(encoding))
        assert table.rows[0].cells == ("ä.jpg", "1")
        assert table.header == ("image", "label")

    def test_blanks_in_names(self, tmp_path: Path) -> None:
        assert table_of(tmp_path, "IMG 3 (2).jpg,4\n").rows[0].cells == ("IMG 3 (2).jpg", "4")

    def test_line_numbers_are_the_files(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, "\nimage,label\n\na.jpg,1\n")
        assert [row.number for row in table.rows] == [4]

    def test_header_words(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, 'Emotion Label , "Image_Name",x\n1,a.jpg,2\n')
        assert table.column(NAME_WORDS) == 1
        assert table.column(LABEL_WORDS) == 0
        assert table.column(["split"]) is None

    def test_uneven_line(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetFormatError, match=r"list.csv, line 3: 'c.jpg' has 1 cells"):
            table_of(tmp_path, "a.jpg,1\nb.jpg,2\nc.jpg\n")

    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetNotFoundError, match=r"list.txt is absent; wanted a list; "):
            read_table(tmp_path / "list.txt", "a list")

    def test_not_text(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetFormatError, match=r"is not UTF-8 text; .*; save it as UTF-8"):
            table_of(tmp_path, b"\x89PNG\xff\xfe\x00")

    def test_folder_in_its_place(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetFormatError, match="could not be read"):
            read_table(tmp_path, "a list")

    def test_rows_are_cut_at_blanks_alone(self, tmp_path: Path) -> None:
        (tmp_path / "points.txt").write_text("1\t2\n3 4\n")
        rows = read_rows(tmp_path / "points.txt", "points")
        assert [row.cells for row in rows] == [("1", "2"), ("3", "4")]


class TestRow:
    @pytest.mark.parametrize("text", ["3", "3.0000000e+00", " 3 "])
    def test_integer(self, text: str) -> None:
        assert Row(Path("list.txt"), 3, (text,)).integer(0, range(1, 8), "label") == 3

    @pytest.mark.parametrize("text", ["0", "8", "2.5", "nan", "inf", "happy", ""])
    def test_no_such_integer(self, text: str) -> None:
        with pytest.raises(DatasetFormatError, match=r"list.txt, line 3: label .*one of 1 to 7"):
            Row(Path("list.txt"), 3, (text,)).integer(0, range(1, 8), "label")

    @pytest.mark.parametrize("text", ["1 2", "1 2 x", "1 2 nan", ""])
    def test_not_three_numbers(self, text: str) -> None:
        with pytest.raises(DatasetFormatError, match="line 1"):
            Row(Path("f"), 1, tuple(text.split())).numbers(range(3), "three")


class TestLabelColumn:
    def column(self, folder: Path, text: str) -> int:
        return find_label_column(table_of(folder, text), lambda cell: cell in "1234567")

    def test_the_only_one(self, tmp_path: Path) -> None:
        assert self.column(tmp_path, "a 3 x\nb 4 y\n") == 1

    def test_not_the_row_numbers(self, tmp_path: Path) -> None:
        assert self.column(tmp_path, "1 a 3\n2 b 4\n3 c 3\n") == 2

    def test_not_a_column_that_never_changes(self, tmp_path: Path) -> None:
        assert self.column(tmp_path, "a 1 3\nb 1 4\nc 1 3\n") == 2

    def test_two_candidates(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetFormatError, match="columns 2 and 3 could both be the labels"):
            self.column(tmp_path, "a 1 3\nb 5 4\nc 1 3\n")

    def test_none(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetFormatError, match="line 2: 'b 9' has no label"):
            self.column(tmp_path, "a 1\nb 9\n")
