"""A reader of Torch's serialised objects that knows data only: it makes no class and no function.

The form, little-endian: an object is an int with its type (0 nil, 1 number, 2 string, 3 table,
4 object of a class, 5 boolean; 6 to 8 are functions). Tables and objects carry an int that names
them, and are written once. An object goes on with its version, its class and its content: for a
tensor its axes, strides and offset and the storage, which is an object too; for a storage a count
and the numbers; for a module one table.
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NIL, _NUMBER, _STRING, _TABLE, _OBJECT, _BOOLEAN = range(6)
_FUNCTIONS = (6, 7, 8)
_NUMBERS = {
    "Byte": "<u1",
    "Char": "<i1",
    "Short": "<i2",
    "Int": "<i4",
    "Long": "<i8",
    "Float": "<f4",
    "Double": "<f8",
    "Cuda": "<f4",
}
_TENSOR = re.compile(r"torch\.([A-Z][a-z]+)Tensor")
_STORAGE = re.compile(r"torch\.([A-Z][a-z]+)Storage")
_MODULE = re.compile(r"(nn|cudnn)\.[A-Za-z0-9]+")
_VERSION = re.compile(rb"V \d{1,6}")
MAX_OBJECTS = 100_000
MAX_DEPTH = 64
MAX_STRING = 65_536
MAX_AXES = 32


class BrokenError(Exception):
    """Something that the form does not allow."""


class UnsafeError(Exception):
    """Something that is not plain data."""


@dataclass(frozen=True)
class Module:
    """A module of nn: the name of its class and its table."""

    class_name: str
    entries: dict[Any, Any]


def read_objects(path: Path) -> Any:
    """What a file holds: tables as dicts, modules, arrays over the mapped file, plain values."""
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return _Reader(view).value(MAX_DEPTH)


class _Reader:
    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0
        self._count = 0
        self._known: dict[int, Any] = {}

    def value(self, depth: int) -> Any:
        self._count += 1
        if self._count > MAX_OBJECTS or depth == 0:
            raise BrokenError("more values than a network has")
        kind = self._int()
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            return struct.unpack("<d", self._take(8))[0]
        if kind == _STRING:
            return self._string().decode("utf-8", "replace")
        if kind == _BOOLEAN:
            return bool(self._int())
        if kind in (_TABLE, _OBJECT):
            index = self._int()
            if index in self._known:
                return self._known[index]
            return self._table(index, depth) if kind == _TABLE else self._object(index, depth)
        if kind in _FUNCTIONS:
            raise UnsafeError("a function")
        raise BrokenError(f"a value of unknown kind {kind}")

    def _table(self, index: int, depth: int) -> dict[Any, Any]:
        entries: dict[Any, Any] = {}
        # Known before it is full, since a table may hold itself.
        self._known[index] = entries
        for _ in range(self._int()):
            key, value = self.value(depth - 1), self.value(depth - 1)
            if isinstance(key, (str, float, bool)):
                entries[key] = value
        return entries

    def _object(self, index: int, depth: int) -> Any:
        name = self._string()
        if _VERSION.fullmatch(name):
            name = self._string()
        class_name = name.decode("utf-8", "replace")
        if found := _TENSOR.fullmatch(class_name):
            made: Any = self._tensor(found[1], depth)
        elif found := _STORAGE.fullmatch(class_name):
            made = self._storage(found[1])
        elif _MODULE.fullmatch(class_name):
            made = Module(class_name, {})
            self._known[index] = made
            content = self.value(depth - 1)
            if not isinstance(content, dict):
                raise BrokenError(f"a {class_name} without table")
            made.entries.update(content)
        else:
            raise UnsafeError(f"an object of class {class_name[:60]!r}")
        self._known[index] = made
        return made

    def _tensor(self, kind: str, depth: int) -> NDArray[Any]:
        count = self._int()
        if not 0 <= count <= MAX_AXES:
            raise BrokenError(f"an array of {count} axes")
        sizes = [self._long() for _ in range(count)]
        strides = [self._long() for _ in range(count)]
        begin = self._long() - 1
        storage = self.value(depth - 1)
        if storage is None or not count or 0 in sizes:
            return np.empty(0, _type_of(kind))
        if not isinstance(storage, np.ndarray) or storage.dtype != _type_of(kind):
            raise BrokenError("an array whose numbers are something else")
        if min(sizes) < 0:
            raise BrokenError("an array of negative size")
        size, plain = 1, list[int]()
        for axis in reversed(sizes):
            plain.insert(0, size)
            size *= axis
        # Other strides could make a small file a large array; no network is written so.
        if any(s != p for s, p, axis in zip(strides, plain, sizes, strict=True) if axis != 1):
            raise BrokenError("an array that is not laid out row by row")
        if begin < 0 or begin + size > storage.size:
            raise BrokenError("an array larger than its numbers")
        return storage[begin : begin + size].reshape(sizes)

    def _storage(self, kind: str) -> NDArray[Any]:
        dtype = _type_of(kind)
        count = self._long()
        return np.frombuffer(self._take(count * dtype.itemsize), dtype)

    def _string(self) -> bytes:
        length = self._int()
        if length > MAX_STRING:
            raise BrokenError("a string without end")
        return bytes(self._take(length))

    def _int(self) -> int:
        return int(struct.unpack("<i", self._take(4))[0])

    def _long(self) -> int:
        return int(struct.unpack("<q", self._take(8))[0])

    def _take(self, count: int) -> memoryview:
        if not 0 <= count <= len(self._view) - self._at:
            raise BrokenError("ends within a value")
        self._at += count
        return self._view[self._at - count : self._at]


def _type_of(kind: str) -> np.dtype[Any]:
    if kind not in _NUMBERS:
        raise UnsafeError(f"numbers of kind {kind!r}")
    return np.dtype(_NUMBERS[kind])
