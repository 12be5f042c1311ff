"""Download a published file of weights: complete and checked, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fer_det.config.weights import PublicName
from fer_det.errors import OutputError, WeightsError, WeightsNotFoundError
from fer_det.io.files import atomic_writer, make_folder
from fer_det.runtime.progress import track
from fer_det.weights.formats.layers import CONVOLUTIONS, count_parameters, weight_shapes

PART_SUFFIX = ".part"
MAX_BYTES = 2**31
"""Every published file is smaller."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class PublicFile:
    """One file to download."""

    url: str
    parameters: int
    member: str | None = None
    """Name of the weights inside the archive, where the file is one."""
    md5: str | None = None
    """Of the downloaded file, where its maker or a mirror publishes one."""
    min_bytes: int = 0
    """A smaller file cannot hold the parameters."""

    @property
    def file_name(self) -> str:
        """The name under which the download is kept."""
        return self.url.rpartition("/")[2]


_OXFORD = "https://www.robots.ox.ac.uk/~vgg/software/vgg_face/src"
_SHAPES = weight_shapes(width=64, head=4096, classes=2622)
VGG_FACE_PARAMETERS = count_parameters(_SHAPES)
BACKBONE_PARAMETERS = count_parameters({name: _SHAPES[name] for name in CONVOLUTIONS})
IMAGENET_PARAMETERS = count_parameters(weight_shapes(width=64, head=4096, classes=1000))

PUBLIC_FILES: Mapping[PublicName, PublicFile] = {
    "caffe": PublicFile(
        f"{_OXFORD}/vgg_face_caffe.tar.gz",
        VGG_FACE_PARAMETERS,
        member="vgg_face_caffe/VGG_FACE.caffemodel",
        # Published in bob.bio.face of the Idiap institute, which downloads the same archive.
        md5="ee707ac6e890bc148cb155adeaad12be",
    ),
    "matconvnet": PublicFile(
        "https://www.vlfeat.org/matconvnet/models/vgg-face.mat",
        VGG_FACE_PARAMETERS,
        # Published in MatConvNet's own table of checksums.
        md5="3d6cd504bf9c98af4a561aad059565d1",
    ),
    "pytorch": PublicFile(
        "https://www.robots.ox.ac.uk/~albanie/models/pytorch-mcn/vgg_face_dag.pth",
        VGG_FACE_PARAMETERS,
        min_bytes=4 * VGG_FACE_PARAMETERS,
    ),
    "keras": PublicFile(
        "https://github.com/rcmalli/keras-vggface/releases/download/v2.0/"
        "rcmalli_vggface_tf_vgg16.h5",
        VGG_FACE_PARAMETERS,
        min_bytes=4 * VGG_FACE_PARAMETERS,
    ),
    "keras_notop": PublicFile(
        "https://github.com/rcmalli/keras-vggface/releases/download/v2.0/"
        "rcmalli_vggface_tf_notop_vgg16.h5",
        BACKBONE_PARAMETERS,
        min_bytes=4 * BACKBONE_PARAMETERS,
    ),
    "deepface": PublicFile(
        "https://github.com/serengil/deepface_models/releases/download/v1.0/vgg_face_weights.h5",
        VGG_FACE_PARAMETERS,
        min_bytes=4 * VGG_FACE_PARAMETERS,
    ),
    "imagenet": PublicFile(
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        IMAGENET_PARAMETERS,
        min_bytes=4 * IMAGENET_PARAMETERS,
    ),
}


def fetch(file: PublicFile, folder: Path, timeout: float) -> Path:
    """Download a file into `folder`, unless it is there already, and return its path.

    A download that broke off is kept and continued the next time. Raises WeightsNotFoundError
    without a network, OutputError, and WeightsError for a file of another size or md5.
    """
    path = folder / file.file_name
    if not path.is_file():
        part = make_folder(folder) / f"{file.file_name}{PART_SUFFIX}"
        _download(file, part, path, timeout)
        _check(file, part, part)
        part.replace(path)
    else:
        _check(file, path, None)
    return path


@contextmanager
def unpacked(file: PublicFile, path: Path) -> Iterator[Path]:
    """The weights themselves: unpacked from the archive while the block runs, or `path`."""
    if file.member is None:
        yield path
        return
    place = path.with_name(file.member.rpartition("/")[2])
    try:
        with tarfile.open(path, "r:gz") as archive:
            # One entry, copied as bytes; no path of the archive is used.
            entry = archive.getmember(file.member)
            source = archive.extractfile(entry) if entry.isfile() else None
            if source is None or entry.size > MAX_BYTES:
                raise KeyError(file.member)
            with atomic_writer(place) as target:
                shutil.copyfileobj(source, target, _CHUNK)
    except OutputError:
        raise
    except (tarfile.TarError, KeyError, EOFError, OSError, zlib.error) as error:
        raise WeightsError(
            f"{path} is broken or holds no {file.member}",
            f"the archive from {file.url}",
            "delete it and give the same command again",
        ) from error
    try:
        yield place
    finally:
        place.unlink(missing_ok=True)


def _download(file: PublicFile, part: Path, path: Path, timeout: float) -> None:
    """Append the bytes that are missing to `part`."""
    present = part.stat().st_size if part.is_file() else 0
    headers = {"Range": f"bytes={present}-"} if present else {}
    request = urllib.request.Request(file.url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            if answer.headers.get_content_type() == "text/html":
                raise _not_fetched(file, path, "the server answered with a web page")
            if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                present = 0
            length = int(answer.headers.get("Content-Length") or 0)
            _append(answer, part, present, length)
    except urllib.error.HTTPError as error:
        # The server has no more bytes than are here already.
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return
        raise _not_fetched(file, path, f"{error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ValueError) as error:
        raise _not_fetched(file, path, getattr(error, "reason", error)) from error
    except ConnectionError as error:
        raise _not_fetched(file, path, error) from error
    if length and part.stat().st_size < present + length:
        reason = "the download broke off; the same command continues it"
        raise _not_fetched(file, path, reason)


def _append(answer: http.client.HTTPResponse, part: Path, present: int, length: int) -> None:
    pieces = iter(lambda: answer.read(_CHUNK), b"")
    try:
        with part.open("ab" if present else "wb") as target:
            total = -(-length // _CHUNK)
            for piece in track(pieces, total=total, title="download", unit="MB"):
                target.write(piece)
                if target.tell() > MAX_BYTES:
                    raise OSError("larger than every published file")
    except (TimeoutError, ConnectionError, http.client.HTTPException):
        raise
    except OSError as error:
        raise OutputError(
            f"{part} could not be written ({error.strerror or error})",
            "a writable folder with enough space",
            "free some space or choose another --folder",
        ) from error


def _check(file: PublicFile, path: Path, part: Path | None) -> None:
    """Raise WeightsError for another size or md5; a finished download is then deleted."""
    if (size := path.stat().st_size) < file.min_bytes:
        found, wanted = f"has {size:,} bytes", f"at least {file.min_bytes:,}"
    elif file.md5 is not None and (digest := _md5(path)) != file.md5:
        found, wanted = f"has the md5 {digest}", file.md5
    else:
        return
    if part is not None:
        part.unlink()
    remedy = "delete it and give the same command again" if part is None else "try another --file"
    raise WeightsError(f"{path} from {file.url} {found}", wanted, remedy)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _not_fetched(file: PublicFile, path: Path, reason: object) -> WeightsNotFoundError:
    return WeightsNotFoundError(
        f"{file.url} could not be downloaded ({reason})",
        f"a network, or that file at {path}",
        "put it there and give the same command again",
    )
