"""The raw data sets that can be read, by name; a new one is its file and one line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from fer_det.core.sample import Sample

_NAMES = (
    "rafdb",
    "ckplus",
    "jaffe",
    "fer2013",
    "ferplus",
    "kdef",
    "rafd",
    "rafdb_compound",
    "expw",
    "sfew",
    "affectnet",
    "tfd",
    "bu3dfe",
    "oulu_casia",
    "multipie",
    "afew",
    "mmi",
    "dfew",
    "ferv39k",
    "mafw",
    "emotionet",
    "lfw_fer",
    "folders",
    "voc",
)


class Reader(Protocol):
    """The contract of every module of this package that _NAMES lists.

    A module may also have BOXES, the default of build-voc's --boxes for its pictures ("mtcnn"
    where it has none; see voc_builder/build/config.py).
    """

    TITLE: str
    """The data set's usual name."""
    Options: type[Any]
    """A frozen dataclass of how to read it; its fields become flags."""

    def read(self, root: Path, options: Any) -> Iterator[Sample]:
        """Yield the data set's pictures, always in the same order.

        Pictures are not decoded. A picture that is listed and absent is yielded all the same; one
        that a rule of the reader leaves out is yielded with LEFT_OUT. Raises DatasetNotFoundError
        or DatasetFormatError for a folder that cannot be understood: every file below the root is
        either read, left out with a reason, known not to matter, or refused.
        """
        ...

    def published(self, options: Any) -> Sequence[Mapping[str, int]]:
        """Split -> pictures that these options find in a complete copy, for each form of it.

        sample.IN_ALL stands for the splits together, where the authors count no splits.

        Shown beside the counts that were found; empty where nobody states them.
        """
        ...


READERS: Mapping[str, Reader] = {
    name: cast(Reader, import_module(f"{__name__}.{name}")) for name in _NAMES
}
"""By the name that is also the flag's, the samples' `dataset` and the beginning of their ids."""
