"""The two kinds of model file as bytes: .pth, read and written by torch, and .safetensors.

Both hold one dict with the keys format, tensors, config, classes, info and training, of tensors and
plain values, and a sha256 over it. Nothing in a file can run code or take more memory than the
file's size, and the same content gives the same bytes. What the values mean is in model_file.py.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fer_det.errors import WeightsError
from fer_det.io.files import atomic_writer, make_folder
from fer_det.weights.recognise import refuse_foreign

FORMAT = "fer_det model 1"
OLD_CHECKPOINT, OLD_WEIGHTS = "fer_det checkpoint 1", "fer_det weights 1"
"""Formats of older versions, which can still be read."""

WANTED = "a model file written by fer_det"
REMEDY = "copy it again, or name another file"
NEWER_VERSION = "use the version of fer_det that wrote it, or a newer one"

_ARCHIVE_MAGIC = b"PK\x03\x04"
_MAX_DEPTH = 50
"""Levels of nested dicts and lists; ours have six."""
_TYPE_NAMES = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.bool: "BOOL",
}
"""Types that a safetensors file of ours can hold, and their names there."""


def read_content(path: Path) -> dict[str, Any]:
    """Read the content of a model file, whose kind is recognised by its bytes, not by its name.

    Tensors come onto the CPU. Raises WeightsNotFoundError, and WeightsError for a file that is
    broken, changed, unsafe or of another kind, which is then named.
    """
    refuse_foreign(path, WANTED)
    with path.open("rb") as file:
        # Those of PyTorch begin with the mark of a ZIP archive, the others with their length.
        is_archive = file.read(len(_ARCHIVE_MAGIC)) == _ARCHIVE_MAGIC
    return _read_archive(path) if is_archive else _read_safetensors(path)


def write_content(path: Path, content: Mapping[str, Any]) -> None:
    """Write a model file whole or not at all, by its suffix; raises OutputError."""
    make_folder(path.parent)
    with atomic_writer(path) as file:
        if path.suffix == ".safetensors":
            _write_safetensors(content, file)
        else:
            _write_archive({**content, "sha256": content_hash(content)}, file)


def refusal(path: Path, problem: str) -> WeightsError:
    """Return the error for a file that cannot be used."""
    return WeightsError(f"{path} {problem}", WANTED, REMEDY)


def _other_version(path: Path, version: Any) -> WeightsError:
    found = f"{path} is a file of another version of fer_det ({version!r})"
    return WeightsError(found, f"{FORMAT!r}", NEWER_VERSION)


def content_hash(content: Any) -> str:
    """Return the sha256 of nested dicts, lists, plain values and tensors, in any order of keys."""
    digest = hashlib.sha256()
    _feed(digest, content)
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_archive(path: Path) -> dict[str, Any]:
    """Read a .pth file: the content that was written, checked against its hash."""
    try:
        _refuse_packed(path)
        with warnings.catch_warnings():
            # torch's warnings are for whoever wrote the file.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    # A changed byte can make torch's reader raise anything.
    except Exception as error:
        raise refusal(path, "is truncated or broken") from error
    version = content.get("format") if isinstance(content, dict) else None
    if version not in (FORMAT, OLD_CHECKPOINT):
        raise _other_version(path, version)
    try:
        _refuse_oversized(content, path.stat().st_size)
        digest = content.pop("sha256", None)
        unchanged = digest == content_hash(content)
    except (ValueError, TypeError, RuntimeError) as error:
        raise refusal(path, f"holds more than its size allows ({error})") from error
    if not unchanged:
        raise refusal(path, "has changed since it was written")
    if version == OLD_CHECKPOINT:
        content["tensors"] = content.pop("model")
    return dict(content)


def _read_safetensors(path: Path) -> dict[str, Any]:
    """Read a .safetensors file, as `_read_archive`."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise refusal(path, f"is truncated or broken ({error})") from error
    version = metadata.pop("format", None)
    if version == OLD_WEIGHTS:
        return _from_old_weights(path, metadata, tensors)
    if version != FORMAT:
        raise _other_version(path, version)
    try:
        parts = {name: json.loads(metadata[name]) for name in ("config", "classes", "info")}
    except (KeyError, ValueError, RecursionError) as error:
        raise refusal(path, f"has no readable description ({error!r})") from error
    content = {"format": version, "tensors": tensors, **parts, "training": None}
    if metadata.get("sha256") != content_hash(content):
        raise refusal(path, "has changed since it was written")
    return content


def _from_old_weights(
    path: Path, metadata: dict[str, str], tensors: Mapping[str, Tensor]
) -> dict[str, Any]:
    try:
        config = {name: json.loads(metadata.pop(name)) for name in ("image_mean", "image_std")}
        info: dict[str, Any] = {
            name: metadata.pop(name) for name in ("source", "licence", "trained_on")
        }
    except (KeyError, ValueError) as error:
        problem = f"does not describe its source and its input ({error!r})"
        raise refusal(path, problem) from error
    return {
        "format": OLD_WEIGHTS,
        "tensors": dict(tensors),
        "config": {**config, "batch_norm": False},
        "classes": [],
        "info": {**info, "notes": metadata},
    }


def _write_archive(content: Any, file: BinaryIO) -> None:
    try:
        torch.save(_canonical(content), file)
    except RuntimeError as error:
        # torch fails on its unfinished archive and hides that the disk is full.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from error
        raise


def _write_safetensors(content: Mapping[str, Any], file: BinaryIO) -> None:
    """Write 8 bytes with the length of the header, the header as JSON, and the tensors by name.

    The header is filled up with spaces to a multiple of 8. The package safetensors would write the
    metadata in any order.
    """
    assert content["training"] is None, "the state of a training is written as .pth only"
    tensors = {name: content["tensors"][name].contiguous() for name in sorted(content["tensors"])}
    described = {name: _json(content[name]) for name in ("classes", "config", "info")}
    metadata = {**described, "format": FORMAT, "sha256": content_hash(content)}
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.nbytes
        header[name] = {
            "dtype": _TYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = _json(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    # One after the other, since large files have half a gigabyte.
    for tensor in tensors.values():
        file.write(_bytes(tensor))


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def _bytes(tensor: Tensor) -> Any:
    """The values in row-major order, in whatever memory layout the tensor is."""
    plain = tensor.detach().cpu().contiguous().reshape(-1)
    return plain.view(torch.uint8).numpy().data if plain.numel() else b""


def _canonical(content: Any) -> Any:
    """The same content with equal strings as one object, and each container as its own.

    Pickle writes an object that it has met before as a reference, so otherwise the bytes would
    depend on whether a string comes from a file or from the program.
    """
    if isinstance(content, Mapping):
        return {_canonical(key): _canonical(entry) for key, entry in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_canonical(entry) for entry in content)
    return sys.intern(content) if type(content) is str else content


def _refuse_packed(path: Path) -> None:
    """Raise ValueError for an archive that would grow when it is read; torch compresses nothing."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ValueError("compressed entries")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise ValueError("entries that share their bytes")


def _refuse_oversized(content: Any, most: int, depth: int = 0) -> None:
    """Raise ValueError for a tensor with more bytes than its file: one number, a million times."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"more than {_MAX_DEPTH} levels")
    if isinstance(content, Tensor):
        if content.layout is not torch.strided or content.is_meta or content.is_quantized:
            raise ValueError("a tensor that is not dense")
        if content.numel() * content.element_size() > most:
            raise ValueError(f"a tensor of {content.numel():,} numbers")
    for entry in _entries(content):
        _refuse_oversized(entry, most, depth + 1)


def _entries(content: Any) -> Iterable[Any]:
    if isinstance(content, Mapping):
        return content.values()
    return content if isinstance(content, (list, tuple)) else ()


def _feed(digest: Any, content: Any) -> None:
    if isinstance(content, Mapping):
        digest.update(f"{{{len(content)}".encode())
        for key in sorted(content, key=repr):
            digest.update(repr(key).encode())
            _feed(digest, content[key])
    elif isinstance(content, (list, tuple)):
        digest.update(f"[{len(content)}".encode())
        for entry in content:
            _feed(digest, entry)
    elif isinstance(content, Tensor):
        digest.update(f"{content.dtype}{tuple(content.shape)}".encode())
        digest.update(_bytes(content))
    else:
        digest.update(f"{type(content).__name__}{content!r};".encode())
