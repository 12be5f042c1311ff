"""Lists and tables as people have them: any separator, quoting, column order and encoding."""

from __future__ import annotations

import csv
import math
import re
import statistics
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_det.errors import DatasetFormatError, DatasetNotFoundError

REMEDY = "correct the file or copy the data set again"

NAME_WORDS = (
    "image",
    "imagename",
    "imagepath",
    "file",
    "filename",
    "filepath",
    "path",
    "name",
    "img",
    "picture",
    "photo",
)
"""Header words, in lower case and without separators, of the column of pictures."""
LABEL_WORDS = (
    "label",
    "labels",
    "emotion",
    "expression",
    "class",
    "category",
    "target",
    "emotionlabel",
)
SPLIT_WORDS = ("split", "usage", "set", "subset", "partition")
GROUP_WORDS = ("group", "subject", "person", "participant", "identity", "actor", "film", "movie")

_SEPARATORS = "\t;,|"
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    path: Path
    number: int
    """Counted from 1."""
    cells: tuple[str, ...]
    """Without blanks at their ends."""

    @property
    def text(self) -> str:
        """The cells, separated by blanks."""
        return " ".join(self.cells)

    def error(self, found: str, wanted: str, remedy: str = REMEDY) -> DatasetFormatError:
        """The error that names this line, to be raised by the caller."""
        return DatasetFormatError(f"{self.path}, line {self.number}: {found}", wanted, remedy)

    def numbers(self, columns: Iterable[int], meaning: str) -> tuple[float, ...]:
        """Some cells as finite numbers; DatasetFormatError if they are not that."""
        places = list(columns)
        try:
            values = tuple(float(self.cells[column]) for column in places)
        except (ValueError, IndexError):
            values = ()
        if len(values) != len(places) or not all(map(math.isfinite, values)):
            raise self.error(repr(self.text), f"{meaning} ({len(places)} numbers)")
        return values

    def integer(
        self, column: int, allowed: Sequence[int], meaning: str, remedy: str = REMEDY
    ) -> int:
        """A cell as one of the `allowed` numbers; '3.0e+00' is 3.

        Raises DatasetFormatError where it is no number or not among them.
        """
        value = whole_number(self.cells[column])
        if value is None or value not in allowed:
            wanted = f"one of {allowed[0]} to {allowed[-1]}"
            raise self.error(f"{meaning} {self.cells[column]!r}", wanted, remedy)
        return value


@dataclass(frozen=True)
class Table:
    """A list or a table: its rows, and the header where it has one."""

    path: Path
    header: tuple[str, ...]
    """Lower case, without separators; () where the first line is no header."""
    rows: tuple[Row, ...]

    def column(self, words: Collection[str]) -> int | None:
        """The column whose header is one of the words, the first word first; None without one."""
        for word in words:
            if word in self.header:
                return self.header.index(word)
        return None

    def cells(self, column: int) -> list[str]:
        """A column's cells."""
        return [row.cells[column] for row in self.rows]

    def columns_that_hold(self, accept: Callable[[str], bool]) -> list[int]:
        """The columns of which `accept` holds for every cell."""
        width = len(self.rows[0].cells) if self.rows else 0
        return [column for column in range(width) if all(map(accept, self.cells(column)))]


def read_rows(path: Path, wanted: str) -> tuple[Row, ...]:
    """The lines of a text file that are not blank, cut at blanks; see `read_table`."""
    return tuple(Row(path, number, _cut(line, None)) for number, line in _lines(path, wanted))


def read_table(
    path: Path, wanted: str, header_words: Collection[str] = (), separator: str | None = None
) -> Table:
    """Read the lines of a text file that are not blank, cut into cells.

    Understood are UTF-8 and UTF-16, byte order marks, any line ends, and cells separated by tabs,
    semicolons, commas, bars or blanks, also in quotes. The first line is a header where one of its
    cells is one of `header_words`.

    wanted: what the file should be, for the error.  separator: of the cells; None: found out.
    Raises DatasetNotFoundError where the file is absent and DatasetFormatError where it is not
    text, or a line has another number of cells.
    """
    lines = _lines(path, wanted)
    separator = separator or _find_separator([line for _, line in lines[:20]])
    rows = [Row(path, number, _cut(line, separator)) for number, line in lines]
    header: tuple[str, ...] = ()
    if rows:
        words = tuple(header_word(cell) for cell in rows[0].cells)
        if set(words) & set(header_words):
            header, rows = words, rows[1:]
    if rows:
        width = len(header) or len(rows[0].cells)
        for row in rows:
            if len(row.cells) != width:
                raise row.error(f"{row.text!r} has {len(row.cells)} cells", f"{width} cells")
    return Table(path, header, tuple(rows))


def read_text(path: Path, wanted: str) -> str:
    """A text file's contents; see `read_table` for what is understood and raised."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetNotFoundError(
            f"{path} is absent", wanted, "complete the copy of the data set"
        ) from error
    except OSError as error:
        raise DatasetFormatError(
            f"{path} could not be read ({error.strerror or error})",
            wanted,
            "check the file and its permissions",
        ) from error
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:2]:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        remedy = "save it as UTF-8 or copy it again"
        raise DatasetFormatError(f"{path} is not UTF-8 text", wanted, remedy) from error


def header_word(cell: str) -> str:
    """A header's cell in lower case, without blanks, quotes and separators."""
    return re.sub(r"[\s_\-.'\"]", "", cell.lower())


def whole_number(text: str) -> int | None:
    """'3', '3.0' and '3.0e+00' are 3; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value == int(value) else None


def find_label_column(table: Table, is_label: Callable[[str], bool]) -> int:
    """The column of the labels: by its header, or the only one that can hold them.

    A column that counts the rows, or that never changes where another does, holds no labels.
    Raises DatasetFormatError where there is none or where several remain.
    """
    named = table.column(LABEL_WORDS)
    if named is not None:
        return named
    candidates = table.columns_that_hold(is_label)
    if len(candidates) > 1:
        candidates = [each for each in candidates if not _counts_rows(table.cells(each))]
    if len(candidates) > 1:
        varying = [each for each in candidates if len(set(table.cells(each))) > 1]
        candidates = varying or candidates
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise first_bad_row(table, is_label).error(
            f"{first_bad_row(table, is_label).text!r} has no label", "a file name and a label"
        )
    numbers = " and ".join(str(each + 1) for each in candidates)
    raise DatasetFormatError(
        f"{table.path}: columns {numbers} could both be the labels",
        "one column of labels",
        "add a first line of column names, such as: image,label",
    )


def first_bad_row(table: Table, accept: Callable[[str], bool]) -> Row:
    """The first row in which no cell is accepted, or else the first row."""
    bad = (row for row in table.rows if not any(map(accept, row.cells)))
    return next(bad, table.rows[0])


def refuse_duplicates(named_rows: Iterable[tuple[str, Row]]) -> None:
    """Raise DatasetFormatError where a name occurs a second time."""
    first: dict[str, Row] = {}
    for name, row in named_rows:
        if name in first:
            raise row.error(
                f"{name} was listed before, on line {first[name].number}", "each name once"
            )
        first[name] = row


def _lines(path: Path, wanted: str) -> list[tuple[int, str]]:
    """(number from 1, text) of the lines that hold more than blanks and separators."""
    return [
        (number, line.strip(" \0"))
        for number, line in enumerate(read_text(path, wanted).splitlines(), start=1)
        if line.strip(" \t\0,;")
    ]


def _find_separator(lines: Sequence[str]) -> str | None:
    """The separator that cuts the lines into most cells, by the median; None for blanks."""
    counts = {
        separator: statistics.median_low([len(_cut(line, separator)) for line in lines] or [1])
        for separator in _SEPARATORS
    }
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] > 1 else None


def _cut(line: str, separator: str | None) -> tuple[str, ...]:
    if separator is None:
        return tuple(cell.strip("\"'") for cell in line.split())
    cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return tuple(cell.strip() for cell in cells)


def _counts_rows(cells: Sequence[str]) -> bool:
    numbers = [whole_number(cell) for cell in cells]
    return len(cells) > 1 and any(
        numbers == list(range(first, first + len(cells))) for first in (0, 1)
    )
