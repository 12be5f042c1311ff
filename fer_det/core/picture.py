"""Where a picture's bytes come from; nothing is decoded here."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fer_det.errors import DatasetNotFoundError, ImageError

MAX_BYTES = 400_000_000
"""The largest picture file that is read: more than the largest picture has without compression."""


class PictureSource(Protocol):
    """Where the pixels of a sample come from: a file, a row of a table, a frame of a video.

    Sources are small and can be pickled; the pixels are read only when `read` is called.
    """

    @property
    def name(self) -> str:
        """For the manifest and for messages, relative to the data set's folder, with slashes.

        For example "Image/original/train_00001.jpg" or "fer2013.csv#123".
        """
        ...

    def exists(self) -> bool:
        """Whether there is something to read."""
        ...

    def read(self) -> bytes:
        """The encoded picture (JPEG, PNG, ...).

        Raises DatasetNotFoundError where it is absent and ImageError where it cannot be read.
        """
        ...

    def fingerprint(self) -> str | None:
        """A short text that changes when the picture is replaced, found without reading it.

        None where the picture is absent.
        """
        ...


@dataclass(frozen=True)
class PictureFile:
    """A picture that is a file of its own."""

    root: Path
    """The data set's folder."""
    name: str
    """The file's path below `root`, with slashes."""

    @property
    def path(self) -> Path:
        """The file."""
        return self.root / self.name

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.is_file()

    def read(self) -> bytes:
        """The bytes of the file; DatasetNotFoundError or ImageError where that cannot be."""
        return read_image_bytes(self.path)

    def fingerprint(self) -> str | None:
        """The size of the file."""
        try:
            return f"{self.path.stat().st_size} bytes"
        except OSError:
            return None


def read_image_bytes(path: Path) -> bytes:
    """Read a picture's file; DatasetNotFoundError or ImageError where that cannot be."""
    try:
        status = path.stat()
        # A pipe or a device may have no end.
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(
                f"{path} could not be read (it is no plain file)",
                "a picture file",
                "name another, or leave it out",
            )
        if status.st_size > MAX_BYTES:
            raise ImageError(
                f"{path} has {status.st_size:,} bytes",
                f"a picture file of at most {MAX_BYTES:,}",
                "replace the file or leave it out",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetNotFoundError(
            f"{path} is absent", "a picture file", "check the path, or complete the copy"
        ) from error
    except OSError as error:
        raise ImageError(
            f"{path} could not be read ({error.strerror or error})",
            "a readable picture file",
            "check the file and its permissions",
        ) from error
