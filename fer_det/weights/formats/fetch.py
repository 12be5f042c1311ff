"""A public file brought from the network into a folder: whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_det.errors import OutputError, WeightsError, WeightsNotFoundError
from fer_det.io.files import atomic_writer, make_folder
from fer_det.runtime.progress import track
from fer_det.weights.formats.public_files import PublicFile

PART_SUFFIX = ".part"
MOST_BYTES = 2**31
"""No public file is so large."""
_CHUNK = 1 << 20


def fetch(file: PublicFile, folder: Path, timeout: float) -> Path:
    """The file's place in `folder`; it is downloaded unless it lies there.

    A download that was cut off is kept and goes on the next time. Raises WeightsNotFoundError
    without a network, OutputError, and WeightsError for a file that is another than it should be.
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
    """The weights themselves: out of the archive, for as long as the block lasts, or `path`."""
    if file.member is None:
        yield path
        return
    place = path.with_name(file.member.rpartition("/")[2])
    try:
        with tarfile.open(path, "r:gz") as archive:
            # One entry by its name, copied as bytes: no path of the archive is ever followed.
            entry = archive.getmember(file.member)
            source = archive.extractfile(entry) if entry.isfile() else None
            if source is None or entry.size > MOST_BYTES:
                raise KeyError(file.member)
            with atomic_writer(place) as target:
                shutil.copyfileobj(source, target, _CHUNK)
    except OutputError:
        raise
    except (tarfile.TarError, KeyError, EOFError, OSError, zlib.error) as error:
        raise WeightsError(
            f"{path} is broken or holds no {file.member}",
            f"the archive from {file.url}",
            "delete it and type the same command again",
        ) from error
    try:
        yield place
    finally:
        place.unlink(missing_ok=True)


def _download(file: PublicFile, part: Path, path: Path, timeout: float) -> None:
    """Append what is missing to `part`."""
    there = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(
        file.url, headers={"Range": f"bytes={there}-"} if there else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            if answer.headers.get_content_type() == "text/html":
                raise _absent(file, path, "a web page was answered")
            if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                there = 0
            length = int(answer.headers.get("Content-Length") or 0)
            _append(answer, part, there, length)
    except urllib.error.HTTPError as error:
        # What is here is already all, or more than, the server has.
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return
        raise _absent(file, path, f"{error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ValueError) as error:
        raise _absent(file, path, getattr(error, "reason", error)) from error
    except ConnectionError as error:
        raise _absent(file, path, error) from error
    if length and part.stat().st_size < there + length:
        raise _absent(file, path, "the network broke off; typed again, it goes on from there")


def _append(answer: http.client.HTTPResponse, part: Path, there: int, length: int) -> None:
    pieces = iter(lambda: answer.read(_CHUNK), b"")
    try:
        with part.open("ab" if there else "wb") as target:
            total = -(-length // _CHUNK)
            for piece in track(pieces, total=total, title="download", unit="MB"):
                target.write(piece)
                if target.tell() > MOST_BYTES:
                    raise OSError("larger than any known file")
    except (TimeoutError, ConnectionError, http.client.HTTPException):
        raise
    except OSError as error:
        raise OutputError(
            f"{part} could not be written ({error.strerror or error})",
            "a folder with room that may be written",
            "free some space or choose another --folder",
        ) from error


def _check(file: PublicFile, path: Path, part: Path | None) -> None:
    """Raise WeightsError where size or md5 are others; a part that cannot be right is deleted."""
    if (size := path.stat().st_size) < file.least_bytes:
        found, wanted = f"has {size:,} bytes", f"at least {file.least_bytes:,}"
    elif file.md5 is not None and (digest := _md5(path)) != file.md5:
        found, wanted = f"has the md5 {digest}", file.md5
    else:
        return
    if part is not None:
        part.unlink()
    remedy = "delete it and type the same command again" if part is None else "try another --file"
    raise WeightsError(f"{path} from {file.url} {found}", wanted, remedy)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _absent(file: PublicFile, path: Path, why: object) -> WeightsNotFoundError:
    return WeightsNotFoundError(
        f"{file.url} could not be fetched ({why})",
        f"a network, or that file put at {path} by hand",
        "put it there and type the same command again",
    )
