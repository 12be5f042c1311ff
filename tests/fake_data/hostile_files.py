"""Model files that want to run code, to fill the memory, or to be taken for what they are not.

Each is a checkpoint or a weights file by its name and its beginning, and none may be opened.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from fer_det.config.model import to_plain
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.weights.storage import FORMAT, content_hash


class Call:
    """Unpickled by an unwary loader, it calls a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._what = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self._what


def content(**changes: Any) -> dict[str, Any]:
    """A small checkpoint's content, changed and rightly hashed."""
    plain = {
        "format": FORMAT,
        "tensors": {"w": torch.ones(2)},
        "config": to_plain(Config()),
        "classes": ["fear"],
        "info": {},
        "training": None,
        **changes,
    }
    plain = {name: value for name, value in plain.items() if value is not ...}
    return {**plain, "sha256": content_hash(plain)}


def saved(what: object, **how: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(what, buffer, **how)
    return buffer.getvalue()


def checkpoints(proof: Path) -> dict[str, bytes]:
    """Hostile .pth files by name; those that run code would make the folder `proof`."""
    import os

    whole = saved(content())
    make = Call(os.mkdir, str(proof))
    nested: Any = 1
    for _ in range(100):
        nested = [nested]
    config = to_plain(Config())
    return {
        "code in a zip": saved({**content(), "info": make}),
        "code in an old pickle": saved({"tensors": make}, _use_new_zipfile_serialization=False),
        "bare pickle": pickle.dumps(make),
        "code by the name of a tensor": saved({"format": FORMAT, "tensors": {"w": make}}),
        "eval": pickle.dumps(Call(eval, f"__import__('os').mkdir({str(proof)!r})")),
        "compressed to a thousandth": _repacked(whole, zipfile.ZIP_DEFLATED, 20_000_000),
        "entry twice": _with_entry(whole, "archive/data.pkl", pickle.dumps(make)),
        "path that climbs": _with_entry(whole, "../../../../tmp/climbed", b"x" * 10),
        "one number, a trillion times": saved(
            _hashed_wrong(tensors={"w": torch.ones(1).expand(10**6, 10**6)})
        ),
        "nested 100 levels deep": saved(_hashed_wrong(info={"a": nested})),
        "no model": saved(content(tensors=...)),
        "model of words": saved(content(tensors={"w": "one"})),
        "model that is a list": saved(content(tensors=[1, 2])),
        "config that is a number": saved(content(config=3)),
        "config with words for numbers": saved(content(config={**config, "input_size": "224"})),
        "config with a bool for a size": saved(content(config={**config, "head_width": True})),
        "config with two colours": saved(content(config={**config, "image_mean": [0.5, 0.5]})),
        "classes that are numbers": saved(content(classes=[1, 2])),
        "info that is a list": saved(content(info=[])),
        "sparse tensor": saved(_hashed_wrong(tensors={"w": torch.ones(2).to_sparse()})),
    }


def weights_files() -> dict[str, bytes]:
    """Hostile .safetensors files by name."""
    one = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    return {
        "header of all memory": struct.pack("<Q", 2**63) + b"{}",
        "header longer than the file": struct.pack("<Q", 10**8) + b"{}",
        "header that is no JSON": _safetensors(b"\0" * 64),
        "header that is a list": _safetensors(b"[1]"),
        "tensor beyond the end": _safetensors({"w": {**one, "data_offsets": [0, 4_000_000]}}),
        "tensors that overlap": _safetensors({"a": one, "b": one}, b"\0" * 4),
        "shape of a trillion": _safetensors({"w": {**one, "shape": [10**12]}}, b"\0" * 4),
        "shape below zero": _safetensors({"w": {**one, "shape": [-1]}}, b"\0" * 4),
        "type that nobody knows": _safetensors({"w": {**one, "dtype": "CODE"}}, b"\0" * 4),
        "brackets without end": _safetensors(b"[" * 100_000),
        "empty": b"",
    }


def _hashed_wrong(**changes: Any) -> dict[str, Any]:
    """Content that is refused before its hash is looked at, which would cost too much to make."""
    return {**content(), **changes}


def _safetensors(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _repacked(archive: bytes, how: int, zeros: int) -> bytes:
    """The same archive, packed, with an entry of so many zeros."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(buffer, "w", how) as target,
    ):
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
        target.writestr("archive/data/99", bytes(zeros))
    return buffer.getvalue()


def _with_entry(archive: bytes, name: str, data: bytes) -> bytes:
    import warnings

    buffer = io.BytesIO(archive)
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as target:
        warnings.simplefilter("ignore")
        target.writestr(name, data)
    return buffer.getvalue()
