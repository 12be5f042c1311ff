"""Files that are named by an address, such as s3://bucket/a.jpg, read through fsspec."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from fer_det.core.picture import MAX_BYTES
from fer_det.errors import ConfigError, DatasetNotFoundError, FerDetError, ImageError

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_WEB = ("http", "https")
_DENIED = (401, 403)
"""Of HTTP: no right to read."""


@dataclass(frozen=True)
class RemoteFile:
    """A file by its address; nothing is opened before `read`."""

    address: str

    def __str__(self) -> str:
        return self.address

    @property
    def parts(self) -> PurePosixPath:
        """Host or bucket and path, without protocol and query: bucket/folder/a.jpg."""
        protocol, _, rest = self.address.partition("://")
        if protocol.lower() in _WEB:
            split = urlsplit(self.address)
            rest = f"{split.netloc}{split.path}"
        names = [name for name in rest.split("/") if name not in ("", ".", "..")]
        return PurePosixPath(*names or [protocol])

    def read(self) -> bytes:
        """The bytes of the file.

        Raises DatasetNotFoundError where it is absent, ImageError where it cannot be read or has
        more than MAX_BYTES, and what `open_filesystem` raises.
        """
        files, path = open_filesystem(self.address)
        try:
            data = files.cat_file(path, end=MAX_BYTES + 1)
        # Each protocol's package raises errors of its own.
        except Exception as error:
            raise _explained(self.address, error) from error
        if len(data) > MAX_BYTES:
            raise ImageError(
                f"{self.address} has more than {MAX_BYTES:,} bytes",
                "a picture file that is smaller",
                "replace the file or leave it out",
            )
        return bytes(data)


def is_address(name: str) -> bool:
    """True for s3://..., http://... and the like; Path makes one slash of two."""
    return _ADDRESS.match(name) is not None and not os.path.lexists(name)


def demand_local(folder: Path) -> None:
    """Raise DatasetNotFoundError where the folder was given by an address."""
    name = folder.as_posix()
    if is_address(name):
        protocol, _, rest = name.partition(":/")
        raise DatasetNotFoundError(
            f"{protocol}://{rest} is an address",
            "a folder of this machine",
            "mount or copy what is there and name that folder",
        )


def list_folder(address: str) -> Iterator[RemoteFile]:
    """Yield all files below a folder's address, by name; hidden ones are left out.

    Raises DatasetNotFoundError where it holds nothing, ImageError where it cannot be listed, and
    what `open_filesystem` raises.
    """
    files, folder = open_filesystem(address)
    try:
        found = sorted(files.find(folder))
    except Exception as error:
        raise _explained(address, error) from error
    if not found:
        raise DatasetNotFoundError(f"{address} is absent or empty", "a folder", "check the address")
    for path in found:
        if not any(name.startswith(".") for name in path[len(folder.rstrip("/")) :].split("/")):
            yield RemoteFile(files.unstrip_protocol(path))


def demand_protocol(address: str) -> Any:
    """Return fsspec; nothing is opened.

    Raises ConfigError where fsspec, or its package for that protocol, is not installed, and
    ImageError for a protocol that it does not know.
    """
    try:
        import fsspec
    except ImportError as error:
        raise _not_installed(address, "install fsspec") from error
    protocol = address.partition(":")[0].lower()
    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        raise _not_installed(address, str(error)) from error
    except ValueError as error:
        raise ImageError(
            f"{protocol}:// of {address} is no protocol of fsspec; record or download it first",
            "s3://, gs://, https:// or another of its protocols",
            "name the file",
        ) from error
    return fsspec


def open_filesystem(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the address as a path in it.

    Raises what `demand_protocol` raises, and ImageError where its package refuses the address.
    """
    try:
        files, path = demand_protocol(address).url_to_fs(address)
    except FerDetError:
        raise
    # Such as absent credentials.
    except Exception as error:
        raise _explained(address, error) from error
    return files, str(path)


def _not_installed(address: str, reason: str) -> ConfigError:
    return ConfigError(
        f"{address} needs a package that is absent ({reason})",
        "fsspec with its package for that protocol",
        "pip install 'fer_det[remote]' for s3, gs and https, or the package that is named",
    )


def _explained(address: str, error: Exception) -> FerDetError:
    """The error of a protocol's package as ours."""
    status = getattr(error, "status", None)
    if isinstance(error, FileNotFoundError):
        return DatasetNotFoundError(f"{address} is absent", "a file", "check the address")
    if isinstance(error, PermissionError) or status in _DENIED:
        return ImageError(
            f"{address} may not be read", "the right to read it", "check the credentials"
        )
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return ImageError(
        f"{address} could not be read ({reason})", "a file that can be read", "try again"
    )
