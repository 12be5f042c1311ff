"""A VOC folder's pictures and annotations in tar files, for training from few large files.

The layout is WebDataset's: the members ID.jpg and ID.json of a picture follow each other. Beside
the tar files are the lists, the label map and the records of the VOC folder, and an index with the
place of each picture, so that any one is read at once. `shard_writer` makes such folders.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tarfile import BLOCKSIZE

import numpy as np
from numpy.typing import NDArray

from fer_det.errors import DatasetFormatError, DatasetNotFoundError

_NAME, _SIZE = slice(0, 100), slice(124, 136)
"""Fields of a member's header in a tar file: its name, and its size in octal digits."""


@dataclass(frozen=True)
class ShardMember:
    """A picture in a tar file."""

    shard: Path
    image_id: str
    offset: int
    """Where its bytes begin; its header is the block before."""
    size: int

    def read(self) -> bytes:
        """The bytes of the picture's file.

        Raises DatasetNotFoundError where there is no tar file, and DatasetFormatError where another
        member is in its place.
        """
        try:
            with self.shard.open("rb") as file:
                file.seek(self.offset - BLOCKSIZE)
                block = file.read(BLOCKSIZE + self.size)
        except FileNotFoundError as error:
            raise DatasetNotFoundError(
                f"{self.shard} is absent", "all files of the shards", "copy the folder again"
            ) from error
        name = block[_NAME].rstrip(b"\0")
        size = block[_SIZE].rstrip(b" \0")
        wanted = f"{self.image_id}.jpg".encode()[:100], f"{self.size:011o}".encode()
        if (name, size) != wanted or len(block) != BLOCKSIZE + self.size:
            raise DatasetFormatError(
                f"{self.shard} does not hold {self.image_id}.jpg at byte {self.offset}",
                "the tar files that the index beside them was made with",
                "make the folder again with: fer-det shard",
            )
        return block[BLOCKSIZE:]


@dataclass(frozen=True)
class ShardedSplit:
    """Where some pictures are, in the order they were asked for."""

    folder: Path
    ids: NDArray[np.bytes_]
    """[P]."""
    shards: tuple[str, ...]
    """Names of the tar files."""
    shard: NDArray[np.int32]
    """[P], indices into `shards`."""
    offsets: NDArray[np.int64]
    picture_bytes: NDArray[np.int64]
    """[P] each."""

    def files(self, place: int) -> ShardMember:
        """The place of a picture."""
        return ShardMember(
            self.folder / self.shards[self.shard[place]],
            self.ids[place].decode(),
            int(self.offsets[place]),
            int(self.picture_bytes[place]),
        )

    def demand_present(self) -> None:
        """Raise DatasetNotFoundError where a tar file is absent."""
        for number in np.unique(self.shard).tolist():
            path = self.folder / self.shards[number]
            if not path.is_file():
                raise DatasetNotFoundError(
                    f"{path} is absent", "all files of the shards", "copy the folder again"
                )
