"""What readers share: text files line by line, and mistakes told with their place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fer_det.errors import DatasetFormatError, DatasetNotFoundError

REMEDY = "correct the file or copy the data set anew"


@dataclass(frozen=True)
class Row:
    """One line of a text file, without blanks at its ends."""

    path: Path
    number: int
    """Counted from 1."""
    text: str

    def error(self, found: str, wanted: str, remedy: str = REMEDY) -> DatasetFormatError:
        """The error that says what stands on this line, to be raised by the caller."""
        return DatasetFormatError(f"{self.path}, line {self.number}: {found}", wanted, remedy)

    def numbers(self, count: int, meaning: str) -> tuple[float, ...]:
        """The line as `count` numbers between blanks; DatasetFormatError if it is not that."""
        fields = self.text.split()
        try:
            values = tuple(float(field) for field in fields)
        except ValueError:
            values = ()
        if len(values) != count or not all(map(math.isfinite, values)):
            raise self.error(repr(self.text), f"{meaning} ({count} numbers)")
        return values

    def integer(self, text: str, allowed: Sequence[int], meaning: str, remedy: str = REMEDY) -> int:
        """`text`, the line or a part of it, as one of the `allowed` numbers; '3.0e+00' is 3.

        Raises DatasetFormatError where it is no number or not among them.
        """
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if value not in allowed:
            wanted = f"one of {allowed[0]} to {allowed[-1]}"
            raise self.error(f"{meaning} {text!r}", wanted, remedy)
        return int(value)


def read_rows(path: Path, wanted: str) -> list[Row]:
    """Read the lines of a text file that are not blank; a BOM and CRLF are tolerated.

    wanted: what the file should be, for the error. Raises DatasetNotFoundError where it is absent
    and DatasetFormatError where it is not UTF-8 text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DatasetNotFoundError(
            f"{path} is absent", wanted, "complete the copy of the data set"
        ) from error
    except UnicodeDecodeError as error:
        raise DatasetFormatError(f"{path} is not UTF-8 text", wanted, REMEDY) from error
    except OSError as error:
        raise DatasetFormatError(
            f"{path} could not be read ({error.strerror or error})",
            wanted,
            "check the file and its permissions",
        ) from error
    lines = enumerate(text.splitlines(), start=1)
    return [Row(path, number, line.strip()) for number, line in lines if line.strip()]


def check_name(name: str, row: Row) -> str:
    """Return a listed file's name if it stays in its folder; DatasetFormatError otherwise.

    Lists come with data sets and are not trusted: `../x.jpg` and `/x.jpg` would be copied too.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if len(parts) != 1 or parts[0] in ("..", "/") or ":" in name or "\0" in name:
        raise row.error(f"name {name!r} leaves its folder", "a plain file name")
    return name


def refuse_duplicates(named_rows: Iterable[tuple[str, Row]]) -> None:
    """Raise DatasetFormatError where a name comes a second time."""
    first: dict[str, Row] = {}
    for name, row in named_rows:
        if name in first:
            raise row.error(
                f"{name} was listed before, on line {first[name].number}", "each name once"
            )
        first[name] = row


def require_folder(folder: Path, wanted: str) -> list[Path]:
    """What is in a folder by name; DatasetNotFoundError where it is absent, no folder, or empty."""
    remedy = "check the path, or complete the copy of the data set"
    if not folder.exists():
        raise DatasetNotFoundError(f"{folder} is absent", wanted, remedy)
    if not folder.is_dir():
        raise DatasetNotFoundError(f"{folder} is not a folder", wanted, remedy)
    inside = entries(folder)
    if not inside:
        raise DatasetNotFoundError(f"{folder} is empty", wanted, remedy)
    return inside


def find_folder(root: Path, candidates: Sequence[str], wanted: str) -> Path:
    """The first of the folders below `root` that holds something.

    Raises DatasetNotFoundError where all are absent or empty, and says which.
    """
    present = [root / name for name in candidates if (root / name).is_dir()]
    for folder in present:
        if entries(folder):
            return folder
    raise DatasetNotFoundError(
        f"{present[0]} is empty" if present else f"{root} holds no {' or '.join(candidates)}",
        wanted,
        "check the path, or complete the copy of the data set",
    )


def entries(folder: Path) -> list[Path]:
    """The files and folders in `folder` by name, without what file managers leave behind."""
    return [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and path.name.lower() not in ("thumbs.db", "desktop.ini")
    ]
