"""The kinds of file that weights come in, told apart by how they begin; a reader a kind.

No reader runs anything that a file holds, and none takes memory by a number that the file states
before the file's own size has shown that it can be true.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from fer_det.errors import WeightsError, WeightsNotFoundError
from fer_det.weights.formats.network import Stored

_NAMES = ("pytorch", "keras", "matlab", "torch7", "caffe")

HEAD_BYTES = 1024
MAX_FILE_BYTES = 4 * 2**30
"""The largest public form, in double precision and with its gradients, is smaller."""

WANTED = "a public file of VGG-Face or of torchvision's VGG16"
ANOTHER = "name another file; weights/README.md lists those that are known"


class Reader(Protocol):
    """What every module of this package offers."""

    def opens(self, head: bytes) -> bool:
        """Whether a file that begins so (HEAD_BYTES, or all of it) is of this kind."""
        ...

    def read(self, path: Path) -> Stored:
        """Every layer with weights; WeightsError for what is broken or not safe."""
        ...


READERS: dict[str, Reader] = {
    name: cast(Reader, import_module(f"{__name__}.{name}")) for name in _NAMES
}
"""By the name that a form gives as its container; the first that opens a file reads it."""


def read_stored(path: Path) -> Stored:
    """Read whichever kind of file this is; WeightsNotFoundError and WeightsError."""
    if not path.is_file():
        raise WeightsNotFoundError(f"{path} is absent", WANTED, ANOTHER)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror})", WANTED, ANOTHER) from error
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        raise WeightsError(f"{path} has {size:,} bytes, too many", WANTED, ANOTHER)
    for reader in READERS.values():
        if reader.opens(head):
            return reader.read(path)
    found, remedy = _look(head)
    raise WeightsError(f"{path} is {found}", WANTED, remedy)


def _look(head: bytes) -> tuple[str, str]:
    """What a file is that no reader opens, and what to do about it."""
    if not head:
        return "empty", ANOTHER
    if head.lstrip()[:1] == b"<":
        return "a web page, so a download went wrong", "download it again in a browser"
    if head[:2] == b"\x1f\x8b":
        return "a packed archive", "unpack it with tar -xzf and name the file inside"
    if head[8:10] == b'{"':
        return "a safetensors file", "give it to train_frcnn.py --init, if it is ours, as it is"
    if head[257:262] == b"ustar":
        return (
            "an archive, or PyTorch's form before 2016, which only runs as a program",
            "unpack it, or write it anew with a PyTorch that you trust: torch.save(state_dict)",
        )
    return "of no known kind", ANOTHER
