"""Checkpoints that describe themselves, appear whole, and notice a flipped bit."""

from __future__ import annotations

import hashlib
import sys
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from fer_det.config.training import ModelConfig, from_plain, to_plain
from fer_det.errors import WeightsError, WeightsNotFoundError
from fer_det.evaluation.calibration import UNCHANGED
from fer_det.io.files import atomic_writer

FORMAT = "fer_det checkpoint 1"

TEMPERATURE = "temperature"
"""Where `info` keeps what the logits of the expressions are divided by."""

_ARCHIVE_BEGINS = b"PK\x03\x04"
_DEEPEST = 50
"""Levels of dicts and lists; ours have six."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights and all that is needed to use them, or to go on training them."""

    model: Mapping[str, Tensor]
    """State dict."""
    config: ModelConfig
    """Builds the network that fits the state dict; holds input size and normalisation."""
    classes: tuple[str, ...]
    """Names of the labels 1, 2, ..."""
    info: Mapping[str, Any] = field(default_factory=dict)
    """Plain values: how it was trained, on what, how it was chosen and how it scored."""
    training: Mapping[str, Any] | None = None
    """Optimiser state and position, in checkpoints that training can go on from."""

    @property
    def temperature(self) -> float:
        """Fitted on the validation split; 1 where none was. See fer_det.evaluation.calibration.apply_temperature."""
        return float(self.info.get(TEMPERATURE, UNCHANGED))


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all; the same content always gives the same bytes.

    Tensors are the same where their memory layouts are, too.
    """
    content = {
        "format": FORMAT,
        "model": dict(checkpoint.model),
        "config": to_plain(checkpoint.config),
        "classes": list(checkpoint.classes),
        "info": dict(checkpoint.info),
        "training": None if checkpoint.training is None else dict(checkpoint.training),
    }
    content["sha256"] = content_hash(content)
    with atomic_writer(path) as file:
        _save(content, file)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU and check its hash; nothing in it can run code.

    Raises WeightsNotFoundError and WeightsError.
    """
    wanted = "a checkpoint written by fer_det (best.pth or last.pth)"
    remedy = "choose another file or train again"
    if not path.is_file():
        raise WeightsNotFoundError(f"{path} is absent", wanted, "train one, or name another file")
    try:
        _refuse_packed(path)
        with warnings.catch_warnings():
            # Of torch to whoever wrote the file; what is wrong with it is told below.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    # A flipped byte makes torch's reader stumble over anything; all of it means "broken".
    except Exception as error:
        raise WeightsError(f"{path} is {_what_is_wrong(path)}", wanted, remedy) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise WeightsError(f"{path} holds something else", f"{wanted}: {FORMAT!r}", remedy)
    try:
        _refuse_stretched(content, path.stat().st_size)
        digest = content.pop("sha256", None)
        unchanged = digest == content_hash(content)
    except (ValueError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path} holds more than it can ({error})", wanted, remedy) from error
    if not unchanged:
        raise WeightsError(f"{path} has changed since it was written", wanted, remedy)
    try:
        return _checkpoint_of(content)
    except (KeyError, TypeError, AttributeError) as error:
        told = f"{path} lacks a part, or has it in another form ({error})"
        raise WeightsError(told, wanted, remedy) from error


def content_hash(content: Any) -> str:
    """sha256 over nested dicts, lists, plain values and tensors, whatever their order of keys."""
    digest = hashlib.sha256()
    _feed(digest, content)
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _save(content: Any, file: BinaryIO) -> None:
    try:
        torch.save(_canonical(content), file)
    except RuntimeError as error:
        # Torch stumbles over its unfinished archive and hides that the disk is full.
        if isinstance(error.__context__, OSError):
            raise error.__context__ from error
        raise


def _canonical(content: Any) -> Any:
    """The same content with equal strings as one object, and every container on its own.

    Pickle writes an object that it has met before as a reference to it, so the bytes would tell
    whether a string was read from a file or stands in the program.
    """
    if isinstance(content, Mapping):
        return {_canonical(key): _canonical(entry) for key, entry in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_canonical(entry) for entry in content)
    return sys.intern(content) if type(content) is str else content


def _checkpoint_of(content: Mapping[str, Any]) -> Checkpoint:
    """Raises KeyError and TypeError: a hash proves that nothing changed, not who wrote it."""
    _demand_type("model", content["model"], dict)
    for name, tensor in content["model"].items():
        _demand_type(f"model's {name}", tensor, Tensor)
    _demand_type("config", content["config"], dict)
    for entry in fields(ModelConfig):
        if entry.name in content["config"]:
            _demand_like(f"config's {entry.name}", content["config"][entry.name], entry.default)
    _demand_type("classes", content["classes"], list)
    for name in content["classes"]:
        _demand_type("class", name, str)
    _demand_type("info", content["info"], dict)
    if content["training"] is not None:
        _demand_type("training", content["training"], dict)
    return Checkpoint(
        model=content["model"],
        config=from_plain(ModelConfig, content["config"]),
        classes=tuple(content["classes"]),
        info=content["info"],
        training=content["training"],
    )


def _demand_like(what: str, value: Any, default: Any) -> None:
    if isinstance(default, tuple):
        _demand_type(what, value, list)
        if len(value) != len(default) or not all(type(each) is float for each in value):
            raise TypeError(f"{what} is not {len(default)} numbers")
    elif default is None:
        # Such a setting is a number of something, or off.
        if value is not None:
            _demand_type(what, value, int)
    elif not (type(default) is float and type(value) is int):
        _demand_type(what, value, type(default))


def _demand_type(what: str, value: Any, kind: type) -> None:
    # A bool is an int to isinstance, and no number of pixels.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{what} is a {type(value).__name__}, not a {kind.__name__}")


def _refuse_packed(path: Path) -> None:
    """ValueError for an archive that would grow when it is read; torch packs nothing."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ValueError("compressed entries")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise ValueError("entries that share their bytes")


def _refuse_stretched(content: Any, most: int, depth: int = 0) -> None:
    """ValueError for a tensor that has more bytes than its file: one number, a million times."""
    if depth > _DEEPEST:
        raise ValueError(f"more than {_DEEPEST} levels")
    if isinstance(content, Tensor):
        if content.layout is not torch.strided or content.is_meta or content.is_quantized:
            raise ValueError("a tensor that is not plain")
        if content.numel() * content.element_size() > most:
            raise ValueError(f"a tensor of {content.numel():,} numbers")
        return
    entries: Iterable[Any] = ()
    if isinstance(content, Mapping):
        entries = content.values()
    elif isinstance(content, (list, tuple)):
        entries = content
    for entry in entries:
        _refuse_stretched(entry, most, depth + 1)


def _what_is_wrong(path: Path) -> str:
    try:
        with path.open("rb") as file:
            is_archive = file.read(len(_ARCHIVE_BEGINS)) == _ARCHIVE_BEGINS
    except OSError as error:
        return f"not readable ({error.strerror})"
    return "truncated or broken" if is_archive else "no PyTorch archive"


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
        # Any memory layout, read as the plain row-major bytes.
        plain = content.detach().cpu().contiguous().reshape(-1)
        digest.update(plain.view(torch.uint8).numpy() if plain.numel() else b"")
    else:
        digest.update(f"{type(content).__name__}{content!r};".encode())
