"""Recognise what a file of weights is by its content, so that an error can name it and the remedy.

Only the beginning of a file, the index of an archive and the names in it are read. Pickles are
disassembled, not loaded, so nothing in a file is ever run. Needs no torch.
"""

from __future__ import annotations

import codecs
import io
import json
import pickletools
import re
import shlex
import struct
import zipfile
import zlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from fer_det.errors import WeightsError, WeightsNotFoundError
from fer_det.weights.formats.classifiers import find_classifier_format
from fer_det.weights.formats.layers import CONVOLUTIONS
from fer_det.weights.formats.published import WEIGHT_FORMATS, Reader

Kind = Literal["own", "published", "other"]
"""Written by fer_det; readable by convert-weights; neither."""

KNOWN_FILES = "weights/README.md lists the known ones"

_MODEL_SUFFIXES = (".pth", ".safetensors", ".onnx", ".tflite")
_HEAD_BYTES = 4096
_LOOKED_AT = 1 << 20
"""Bytes that are searched for names of layers, and unpacked at most."""
_MAX_INDEX = 32 << 20
"""Bytes of a pickle or a header of safetensors that are read at most."""
_OWN_FORMAT = re.compile(r"fer_det [a-z ]{1,40} \d{1,4}")
_ANOTHER = f"name another file; fer-det convert-weights reads published ones, {KNOWN_FILES}"
_DOWNLOAD = "download it again, in a browser"
_SAVE_TENSORS = (
    "save its tensors where you trust it: torch.save(model.state_dict(), 'new.pth'); "
    "docs/other_models.md shows how in a sandbox"
)
_TENSOR_CLASSES = re.compile(
    r"torch\.\w+|torch\.(_utils|storage|_tensor|nn\.parameter)\..*|collections\.OrderedDict"
)
"""Classes that a state dict consists of."""

_ARCHIVES = {
    b"\x1f\x8b": ("a gzip archive", "tar -xzf"),
    b"BZh": ("a bzip2 archive", "tar -xjf"),
    b"\xfd7zXZ\x00": ("an xz archive", "tar -xJf"),
    b"\x28\xb5\x2f\xfd": ("a zstd archive", "tar --zstd -xf"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "7z x"),
    b"Rar!": ("a RAR archive", "unrar x"),
}
_MAGICS = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"GGUF": "a GGUF file of a language model",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}


@dataclass(frozen=True)
class RecognisedFile:
    """What a file is."""

    path: Path
    kind: Kind
    description: str
    """Continues the sentence "PATH is ..."."""
    remedy: str
    """What to do where a file of fer_det was wanted."""
    reader: Reader | None = None
    """The module of fer_det.weights.formats that may read it."""

    def error(self, wanted: str) -> WeightsError:
        """The error for a file that cannot be used."""
        return WeightsError(f"{self.path} is {self.description}", wanted, self.remedy)


def recognise_weights(path: Path) -> RecognisedFile:
    """Say what kind of file this is, by its content and never by its name.

    Raises WeightsNotFoundError where there is no file, and WeightsError where it cannot be read.
    """
    if not path.is_file():
        raise not_a_file(path)
    try:
        with path.open("rb") as file:
            return _recognise(path, file)
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read ({error.strerror or error})",
            "a readable file",
            "check its permissions",
        ) from error


def refuse_foreign(path: Path, wanted: str) -> RecognisedFile:
    """Recognise a file that fer_det must have written.

    Raises WeightsNotFoundError, and WeightsError that says what the file is and what to do.
    """
    recognised = recognise_weights(path)
    if recognised.kind != "own":
        raise recognised.error(wanted)
    return recognised


def not_a_file(path: Path) -> WeightsNotFoundError:
    """Return the error for a path without a regular file: absent, a folder, a URL, a pipe."""
    wanted = "a file of weights"
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(path)):
        remedy = "download it and name the file; only fer-det fetch-weights uses the network"
        return WeightsNotFoundError(f"{path} is a URL", wanted, remedy)
    if path.is_dir():
        names = {each.name for suffix in _MODEL_SUFFIXES for each in path.glob(f"*{suffix}")}
        first = "best.pth" if "best.pth" in names else min(names, default=None)
        remedy = f"name a file in it, such as {path / first}" if first else "name a model file"
        found = "is a folder" if first else "is a folder without a model file"
        return WeightsNotFoundError(f"{path} {found}", wanted, remedy)
    if path.is_symlink():
        return WeightsNotFoundError(
            f"{path} is a link to a file that is absent", wanted, "name another file"
        )
    found = "is no regular file" if path.exists() else "is absent"
    return WeightsNotFoundError(f"{path} {found}", wanted, "name another file")


def _recognise(path: Path, file: BinaryIO) -> RecognisedFile:
    head = file.read(_HEAD_BYTES)
    look = _Look(path, file, head)
    for test in (
        _empty,
        _torch7,
        _zip_archive,
        _pickle,
        _hdf5,
        _matlab,
        _text,
        _safetensors,
        _onnx,
        _packed,
        _magic,
        _caffe,
    ):
        if (found := test(look)) is not None:
            return found
    return look.other("of no known kind")


@dataclass(frozen=True)
class _Look:
    """An open file and its first bytes."""

    path: Path
    file: BinaryIO
    head: bytes

    def own(self, file_format: str) -> RecognisedFile:
        description = f"a file of fer_det ({file_format!r})"
        remedy = "give it to --init or --weights as it is"
        return RecognisedFile(self.path, "own", description, remedy)

    def published(self, name: str) -> RecognisedFile:
        (found,) = (each for each in WEIGHT_FORMATS if each.name == name)
        return self.convertible(found.title, found.reader)

    def convertible(self, title: str, reader: Reader) -> RecognisedFile:
        command = f"fer-det convert-weights {shlex.quote(str(self.path))} --out NAME.safetensors"
        remedy = f"convert it first: {command}"
        return RecognisedFile(self.path, "published", title, remedy, reader)

    def other(
        self, description: str, remedy: str = _ANOTHER, reader: Reader | None = None
    ) -> RecognisedFile:
        return RecognisedFile(self.path, "other", description, remedy, reader)

    def network(self, what: str, layers: Collection[str], reader: Reader | None) -> RecognisedFile:
        """A file of tensors, judged by the names of its layers."""
        if classifier := find_classifier_format(layers):
            return self.convertible(classifier.title, "pytorch")
        if reader == "pytorch" and {"conv1_1", "conv5_3"} <= set(layers):
            return self.published("vgg_face_dag")
        is_vgg16 = set(CONVOLUTIONS.values()) == {
            name for name in layers if re.fullmatch(r"features\.\d+", name)
        }
        if reader == "pytorch" and is_vgg16:
            return self.published("imagenet_torchvision")
        if is_vgg16:
            return self.other(
                f"VGG16 in {what}", "take it from: fer-det fetch-weights --file imagenet"
            )
        if not layers:
            return self.other(f"{what} without layers of a network", reader=reader)
        names = ", ".join(_plain(name, 40) for name in list(layers)[:3])
        count = "1 layer" if len(layers) == 1 else f"{len(layers)} layers"
        return self.other(f"{what}: {count} ({names}, ...)", reader=reader)


def _empty(look: _Look) -> RecognisedFile | None:
    if not look.head:
        return look.other("empty", _DOWNLOAD)
    if not any(look.head):
        return look.other(f"a file that begins with {len(look.head):,} zero bytes", _DOWNLOAD)
    return None


def _text(look: _Look) -> RecognisedFile | None:
    """Everything that a person could read: pointers, web pages, answers of servers."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        # The last character of a longer file may be cut.
        text = decoder.decode(look.head, final=len(look.head) < _HEAD_BYTES)
    except UnicodeDecodeError:
        return None
    if not all(letter.isprintable() or letter.isspace() for letter in text):
        return None
    if text.startswith("version https://git-lfs.github.com/spec/"):
        size = re.search(r"^size (\d{1,20})$", text, re.MULTILINE)
        stands = f" for a file of {int(size[1]):,} bytes" if size else ""
        return look.other(f"a Git LFS pointer{stands}, not the file itself", "run: git lfs pull")
    if text.startswith("/annex/objects/"):
        return look.other("a git-annex pointer, not the file itself", "run: git annex get")
    if re.match(r"\s*<(!doctype\s+html|html)", text, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        named = f' with the title "{_plain(title[1], 60)}"' if title else ""
        return look.other(f"a web page{named}", _DOWNLOAD)
    return look.other(f'a text file that begins "{_plain(text, 40)}"')


def _zip_archive(look: _Look) -> RecognisedFile | None:
    if not look.head.startswith((b"PK\3\4", b"PK\5\6")):
        return None
    try:
        with zipfile.ZipFile(look.file) as archive:
            names = archive.namelist()
            index = [name for name in names if re.fullmatch(r"[^/]*/data\.pkl", name)]
            if any(name.endswith("/constants.pkl") for name in names):
                return look.other("a TorchScript program", _SAVE_TENSORS)
            if index:
                with archive.open(index[0]) as entry:
                    return _pickled(look, entry.read(_MAX_INDEX), "a PyTorch file")
    except (zipfile.BadZipFile, RuntimeError, zlib.error, EOFError, ValueError) as error:
        kind = "a truncated or broken ZIP archive, the kind of file that PyTorch writes"
        return look.other(f"{kind} ({_plain(str(error), 60)})", "download it or copy it again")
    if any(name.endswith(".npy") for name in names):
        return look.other("a NumPy archive (.npz)")
    if "model.weights.h5" in names:
        return look.other("a Keras 3 model (.keras)")
    inside = ", ".join(_plain(name, 40) for name in names[:3])
    return look.other(f"a ZIP archive ({inside or 'empty'})", "unpack it and name the file in it")


def _pickle(look: _Look) -> RecognisedFile | None:
    if look.head[0] != 0x80 or look.head[1:2] not in (b"\2", b"\3", b"\4", b"\5"):
        return None
    look.file.seek(0)
    return _pickled(look, look.file.read(_MAX_INDEX), "a pickle")


def _pickled(look: _Look, data: bytes, what: str) -> RecognisedFile:
    """Judge pickles by the classes and the strings in them."""
    strings: dict[str, None] = {}
    classes: dict[str, None] = {}
    _disassemble(data, strings, classes)
    if own := next((text for text in strings if _OWN_FORMAT.fullmatch(text)), None):
        return look.own(own)
    if any(name.startswith("torch") for name in classes):
        what = "a PyTorch file"
    foreign = [name for name in classes if not _TENSOR_CLASSES.fullmatch(name)]
    if foreign:
        named = _plain(foreign[0], 80)
        code = f"{what} with an object of {named}, which would run code when it is read"
        return look.other(code, _SAVE_TENSORS)
    layers = [text.removesuffix(".weight") for text in strings if text.endswith(".weight")]
    if not layers and what == "a pickle":
        return look.other("a pickle without tensors", reader="pytorch")
    if any(name in strings for name in ("state_dict", "model_state_dict", "optimizer")):
        what += " with the training state of another program"
    return look.network(what, layers, "pytorch")


def _disassemble(data: bytes, strings: dict[str, None], classes: dict[str, None]) -> None:
    """Collect the strings and the classes that pickles name; nothing is loaded."""
    stream = io.BytesIO(data)
    recent: list[str] = []
    # PyTorch before 1.6 wrote five pickles: three of a header, the content, and names of storages.
    with suppress(Exception):
        for _ in range(5):
            for opcode, argument, _ in pickletools.genops(stream):
                if opcode.name == "GLOBAL":
                    classes[str(argument).replace(" ", ".")] = None
                elif opcode.name == "STACK_GLOBAL":
                    classes[".".join(recent[-2:])] = None
                elif isinstance(argument, str) and "UNICODE" in opcode.name:
                    strings[argument] = None
                    recent = [*recent[-1:], argument]


def _hdf5(look: _Look) -> RecognisedFile | None:
    if look.head.startswith(b"MATLAB 7.3"):
        return look.other(
            "a MATLAB file of version 7.3",
            "save it as version 7, in MATLAB: save('new.mat', '-struct', 'net', '-v7')",
        )
    if not look.head.startswith(b"\x89HDF\r\n\x1a\n"):
        return None
    look.file.seek(0)
    ends = look.file.read(_LOOKED_AT)
    look.file.seek(max(0, look.path.stat().st_size - _LOOKED_AT))
    ends += look.file.read(_LOOKED_AT)
    if b"conv1_1" in ends and b"conv5_3" in ends:
        return look.published("vgg_face_rcmalli")
    if re.search(rb"conv(olution)?2d_16\b", ends) and not re.search(rb"2d_17\b", ends):
        return look.published("vgg_face_deepface")
    return look.other("an HDF5 file, as Keras writes them, of another network", reader="keras")


def _matlab(look: _Look) -> RecognisedFile | None:
    if not look.head.startswith(b"MATLAB 5.0 MAT-file"):
        return None
    order = "<" if look.head[126:128] == b"IM" else ">"
    place = 128
    for _ in range(20):
        look.file.seek(place)
        tag = look.file.read(8)
        if len(tag) < 8:
            break
        kind, length = struct.unpack(f"{order}II", tag)
        data = look.file.read(min(length, _LOOKED_AT))
        if kind == 15:
            with suppress(zlib.error):
                data = zlib.decompressobj().decompress(data, _LOOKED_AT)
        if any("conv1_1".encode(code) in data for code in ("ascii", "utf-16-le", "utf-16-be")):
            return look.published("vgg_face_matconvnet")
        place += 8 + length
    return look.other("a MATLAB file of another network", reader="matlab")


def _safetensors(look: _Look) -> RecognisedFile | None:
    if look.head[8:9] != b"{":
        return None
    (length,) = struct.unpack("<Q", look.head[:8])
    if length > min(_MAX_INDEX, look.path.stat().st_size - 8):
        return look.other("a truncated or broken safetensors file", "download it or copy it again")
    look.file.seek(8)
    try:
        header = json.loads(look.file.read(length))
        metadata = header.pop("__metadata__", {})
        layers = [str(name).removesuffix(".weight") for name in header]
        own = metadata.get("format", "")
    except (ValueError, AttributeError, TypeError, RecursionError):
        return look.other("a broken safetensors file", "download it or copy it again")
    if isinstance(own, str) and _OWN_FORMAT.fullmatch(own):
        return look.own(own)
    return look.network("a safetensors file of another project", layers, None)


def _onnx(look: _Look) -> RecognisedFile | None:
    """ModelProto: ir_version = 1, a small number, then the producer, the graph or the opsets."""
    head = look.head
    if head[0] != 0x08 or not 0 < head[1] < 32 or head[2:3] not in (b"\x12", b"\x3a", b"\x42"):
        return None
    producer = (
        f" of {_plain(head[4 : 4 + head[3]].decode('latin-1'), 40)}" if head[2] == 0x12 else ""
    )
    return look.other(f"an ONNX model{producer}", "name the best.pth that it was exported from")


def _torch7(look: _Look) -> RecognisedFile | None:
    """An object or a table, in binary or in text, of a class of Torch."""
    begins = look.head.startswith((b"\4\0\0\0", b"\3\0\0\0", b"4\n", b"3\n"))
    if not begins or not re.search(rb"(nn|cudnn|torch)\.[A-Z]", look.head):
        return None
    return look.other(
        "a Torch7 file (.t7), which is not read",
        "take the same weights for PyTorch, vgg_face_dag.pth: fer-det fetch-weights --file pytorch",
    )


def _packed(look: _Look) -> RecognisedFile | None:
    for magic, (what, command) in _ARCHIVES.items():
        if look.head.startswith(magic):
            unpack = f"unpack it and name the file in it: {command} {shlex.quote(str(look.path))}"
            return look.other(what, unpack)
    if look.head[257:262] != b"ustar":
        return None
    first = _plain(look.head[:100].rstrip(b"\0").decode("latin-1"), 40)
    if first in ("sys_info", "pickle", "tensors", "storages"):
        return look.other("a PyTorch file of before 2016, which would run code", _SAVE_TENSORS)
    unpack = f"tar -xf {shlex.quote(str(look.path))}"
    return look.other(
        f"a tar archive ({first}, ...)", f"unpack it and name the file in it: {unpack}"
    )


def _magic(look: _Look) -> RecognisedFile | None:
    if look.head[4:8] == b"TFL3":
        return look.other("a LiteRT (TensorFlow Lite) model")
    for magic, what in _MAGICS.items():
        if look.head.startswith(magic):
            return look.other(what)
    return None


def _caffe(look: _Look) -> RecognisedFile | None:
    """NetParameter begins with its name or a layer; protobuf itself has no magic bytes."""
    if not look.head.startswith((b"\x0a", b"\x12", b"\xa2\x06")):
        return None
    look.file.seek(0)
    if b"conv1_1" in look.file.read(_LOOKED_AT):
        return look.published("vgg_face_caffe")
    return look.other("a protobuf file, as Caffe writes them, of another network", reader="caffe")


def _plain(text: str, length: int) -> str:
    """Text of a file, safe to print: one line of printable characters, cut to a length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= length else f"{line[: length - 3]}..."
