"""The raw data sets that can be read, by name; a new one takes its file and one line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from fer_det.core.sample import Sample

_NAMES = (
    "rafdb",
    "ckplus",
)


class Reader(Protocol):
    """What every module of this package offers."""

    TITLE: str
    """The data set's name among people."""
    Options: type[Any]
    """A frozen dataclass of how to read it; its fields become flags."""

    def read(self, root: Path, options: Any) -> Iterator[Sample]:
        """Yield the data set's labelled pictures, always in the same order.

        Pictures are not opened. Raises DatasetNotFoundError or DatasetFormatError for a folder
        that cannot be understood; a picture that is listed and absent is yielded all the same.
        """
        ...


READERS: Mapping[str, Reader] = {
    name: cast(Reader, import_module(f"{__name__}.{name}")) for name in _NAMES
}
"""By the name that is also the flag's, the samples' `dataset` and the start of their ids."""
