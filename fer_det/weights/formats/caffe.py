"""Reader of Caffe's .caffemodel files, such as VGG_FACE.caffemodel.

A file is a protobuf message, NetParameter, of which only the fields that hold weights are read. It
is mapped into memory, and arrays are views of it, so a length or a count in the file allocates
nothing. Field numbers are those of caffe.proto: NetParameter.layers = 2 (V1LayerParameter, with
name = 4 and blobs = 6), NetParameter.layer = 100 (LayerParameter, with name = 1 and blobs = 7),
BlobProto.num, channels, height, width = 1 ... 4, data = 5, shape = 7, double_data = 8. A blob is
OIHW, and fc6 reads C, H, W.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.weights.formats.layers import StoredLayer, StoredWeights, broken_file

_KIND = "Caffe model"
_NAME_AND_BLOBS = {2: (4, 6), 100: (1, 7)}
"""Field of NetParameter that holds a layer -> the layer's fields with its name and its blobs."""
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
MAX_FIELDS = 10_000
MAX_AXES = 32
MAX_NAME_BYTES = 1000


class _BrokenError(Exception):
    """A message that breaks protobuf's rules or Caffe's."""


@dataclass(frozen=True)
class _Field:
    number: int
    wire: int
    value: int
    """The number, in a field that is a varint."""
    content: memoryview
    """The bytes, in any other field."""


def read(path: Path) -> StoredWeights:
    """Read the layers that have two blobs, weight and bias.

    Raises WeightsError for a broken file.
    """
    try:
        with path.open("rb") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return StoredWeights(tuple(_Message(view).layers()))
    except (_BrokenError, ValueError, OSError) as error:
        raise broken_file(path, _KIND, error) from error


class _Message:
    """One pass over a NetParameter, which counts the fields that it reads."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._count = 0

    def layers(self) -> Iterator[StoredLayer]:
        for field in self._fields_of(self._view):
            if field.number in _NAME_AND_BLOBS and field.wire == _BYTES:
                layer = self._layer(field.content, *_NAME_AND_BLOBS[field.number])
                if layer is not None:
                    yield layer

    def _layer(self, message: memoryview, name_at: int, blobs_at: int) -> StoredLayer | None:
        name, blobs = "", []
        for field in self._fields_of(message):
            if field.number == name_at and field.wire == _BYTES:
                if len(field.content) > MAX_NAME_BYTES:
                    raise _BrokenError("a name that is too long")
                name = bytes(field.content).decode("utf-8", "replace")
            elif field.number == blobs_at and field.wire == _BYTES:
                blobs.append(self._blob(field.content))
        if len(blobs) != 2:
            return None
        return StoredLayer(name, blobs[0], blobs[1].reshape(-1))

    def _blob(self, message: memoryview) -> NDArray[Any]:
        axes = {1: 0, 2: 0, 3: 0, 4: 0}
        shape: list[int] | None = None
        pieces: list[NDArray[Any]] = []
        for field in self._fields_of(message):
            if field.number in axes and field.wire == _VARINT:
                axes[field.number] = field.value
            elif field.number == 7 and field.wire == _BYTES:
                shape = self._shape(field.content)
            elif field.number in (5, 8):
                if field.wire != _BYTES:
                    raise _BrokenError("numbers that are not packed")
                pieces.append(np.frombuffer(field.content, "<f4" if field.number == 5 else "<f8"))
        if shape is None:
            # Before 2015: always four axes; those that a matrix lacks are 1 and stand first.
            shape = list(axes.values())
            if shape[:2] == [1, 1]:
                shape = shape[2:]
        numbers = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, "<f4"), *pieces])
        return numbers.reshape(_checked(shape, numbers.size))

    def _shape(self, message: memoryview) -> list[int]:
        shape: list[int] = []
        for field in self._fields_of(message):
            if field.number == 1 and field.wire == _VARINT:
                shape.append(field.value)
            elif field.number == 1 and field.wire == _BYTES:
                at = 0
                while at < len(field.content) and len(shape) <= MAX_AXES:
                    value, at = _varint(field.content, at)
                    shape.append(value)
        return shape

    def _fields_of(self, message: memoryview) -> Iterator[_Field]:
        at, end = 0, len(message)
        while at < end:
            self._count += 1
            if self._count > MAX_FIELDS:
                raise _BrokenError(f"more than {MAX_FIELDS:,} fields")
            tag, at = _varint(message, at)
            number, wire = tag >> 3, tag & 7
            value, length = 0, 0
            if wire == _VARINT:
                value, at = _varint(message, at)
            elif wire == _BYTES:
                length, at = _varint(message, at)
            elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
                length = 8 if wire == _EIGHT_BYTES else 4
            else:
                raise _BrokenError(f"a field of unknown kind {wire}")
            if length > end - at:
                raise _BrokenError("ends within a field")
            yield _Field(number, wire, value, message[at : at + length])
            at += length


def _checked(shape: list[int], size: int) -> tuple[int, ...]:
    """`shape` as a tuple; _BrokenError unless an array of `size` numbers can have it."""
    count = 1
    for axis in shape[:MAX_AXES]:
        count *= axis
    if len(shape) > MAX_AXES or count != size:
        raise _BrokenError(f"{size:,} numbers in an array that states another size")
    return tuple(shape)


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    """Read a number of up to ten bytes of seven bits each -> (the number, the place after it)."""
    value = 0
    for place in range(10):
        if at >= len(view):
            raise _BrokenError("ends within a number")
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at
    raise _BrokenError("a number that is too long")
