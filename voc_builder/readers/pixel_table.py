"""Tables whose rows hold the pixels of a picture, as FER2013's fer2013.csv."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fer_det.errors import DatasetFormatError, DatasetNotFoundError, ImageError
from voc_builder.readers.table import REMEDY, header_word

SIDE = 48
"""Pixels; every picture is a square."""

_HEADER_BYTES = 4096


@dataclass(frozen=True)
class PixelRow:
    """A gray picture of SIDE x SIDE pixels in a row of a table."""

    path: Path
    """The table."""
    name: str
    """The table's path below the data set's folder and the row's number from 0: "fer2013.csv#3"."""
    start: int
    """Of the pixels' cell in the file, in bytes."""
    length: int
    checksum: int
    """CRC-32 of the cell."""

    def exists(self) -> bool:
        """Whether the table is there."""
        return self.path.is_file()

    def fingerprint(self) -> str:
        """The checksum of the pixels."""
        return f"crc {self.checksum:08x}"

    def read(self) -> bytes:
        """The picture as a PGM file. Raises DatasetNotFoundError or ImageError."""
        wanted, remedy = f"{SIDE * SIDE} numbers from 0 to 255", "correct the row or leave it out"
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                cell = file.read(self.length)
        except OSError as error:
            raise DatasetNotFoundError(
                f"{self.path} could not be read ({error.strerror or error})", wanted, remedy
            ) from error
        if zlib.crc32(cell) != self.checksum:
            raise ImageError(f"{self.name} has changed since it was listed", wanted, remedy)
        try:
            pixels = bytes(map(int, cell.split()))
        except ValueError as error:
            raise ImageError(f"{self.name} has other pixels ({error})", wanted, remedy) from error
        if len(pixels) != SIDE * SIDE:
            raise ImageError(f"{self.name} has {len(pixels)} pixels", wanted, remedy)
        return f"P5 {SIDE} {SIDE} 255\n".encode() + pixels


def read_header(path: Path) -> tuple[str, ...]:
    """The words of a table's first line, in lower case without separators; () for other files."""
    try:
        with path.open("rb") as file:
            first = file.readline(_HEADER_BYTES)
        text = first.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(header_word(cell) for cell in text.strip().split(_separator(text)))


def read_pixel_rows(path: Path, name: str) -> Iterator[tuple[dict[str, str], PixelRow]]:
    """Yield (the other cells by their header word, the pixels) of each row.

    The pixels are not parsed, so that a table of 300 MB takes a second. Raises DatasetFormatError
    where a row has another number of cells than the header.
    """
    with path.open("rb") as file:
        header_line = file.readline()
        separator = _separator(header_line.decode("utf-8-sig")).encode()
        header = read_header(path)
        column = header.index("pixels")
        start = len(header_line)
        number = -1
        for line_number, line in enumerate(file, start=2):
            cells = line.split(separator)
            if not line.strip():
                start += len(line)
                continue
            if len(cells) != len(header):
                raise DatasetFormatError(
                    f"{path}, line {line_number}: {len(cells)} cells",
                    f"{len(header)} cells: {', '.join(header)}",
                    REMEDY,
                )
            number += 1
            before = sum(map(len, cells[:column])) + column
            cell = cells[column]
            stripped = cell.strip(b' "\r\n')
            offset = start + before + cell.index(stripped)
            others = {
                word: cells[place].decode("utf-8", "replace").strip(' "\r\n')
                for place, word in enumerate(header)
                if place != column
            }
            pixels = PixelRow(path, f"{name}#{number}", offset, len(stripped), zlib.crc32(stripped))
            yield others, pixels
            start += len(line)


def _separator(line: str) -> str:
    return max(",;\t", key=line.count)
