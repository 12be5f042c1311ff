"""index.parquet: the annotations of a whole VOC folder in one file, a row a face.

A million XML files take minutes to read, the index seconds. The image sets decide what is in a
split, and the XML files what is true: an index that they contradict is not used. The file's own
time is that of the newest file it was made from, so that any later change is newer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.core.picture import read_image_bytes
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from fer_det.io.files import atomic_path
from fer_det.io.voc import INDEX, SPLITS, VocFolder, iter_manifest_rows
from fer_det.io.voc_annotation import VocAnnotation
from fer_det.io.voc_columns import AnnotationColumns, LandmarkColumns
from fer_det.io.voc_shards import ShardedSplit

FORMAT = b"fer_det index 1"
SEEN_AT_START = 20_000
"""In splits of up to this number of pictures every file is looked at before the index is used. In
larger ones the two folders are, and each file when its picture is opened."""

_ROWS_AT_A_TIME = 65_536
_PER_PICTURE = ("width", "height", "depth", "annotation_bytes", "picture_bytes")

Shown = Callable[[Sequence[tuple[str, str]]], Iterable[tuple[str, str]]]


class StaleIndexError(DatasetFormatError):
    """An index that the folder's other files contradict."""


@dataclass(frozen=True)
class IndexedFiles:
    """What the index states of a picture's files, to be compared when the picture is opened."""

    annotation: Path
    annotation_bytes: int
    picture: Path
    picture_bytes: int
    newest: int
    """The index's time in nanoseconds; the annotation is not younger."""

    def change(self) -> str | None:
        """What has changed since the index was made, None where nothing has."""
        try:
            annotation = self.annotation.stat()
            if annotation.st_size != self.annotation_bytes or annotation.st_mtime_ns > self.newest:
                return f"{self.annotation.name} has changed"
            if self.picture.stat().st_size != self.picture_bytes:
                return f"{self.picture.name} has changed"
        except FileNotFoundError as error:
            return f"{Path(error.filename).name} is absent"
        return None

    def demand_unchanged(self) -> None:
        """Raise StaleIndexError where a file has changed: its label may be another by now."""
        if change := self.change():
            home = VocFolder(self.annotation.parents[1]).home
            raise _stale(home, f"{change} since it was made")

    def read(self) -> bytes:
        """The bytes of the picture's file; raises as `demand_unchanged` and read_image_bytes."""
        self.demand_unchanged()
        return read_image_bytes(self.picture)


@dataclass(frozen=True)
class IndexedSplit:
    """What the index states of the files of some pictures, in the order they were asked for."""

    folder: VocFolder
    ids: NDArray[np.bytes_]
    """[P]."""
    annotation_bytes: NDArray[np.int64]
    picture_bytes: NDArray[np.int64]
    """[P] each, the sizes of the files."""
    newest: int
    """See IndexedFiles."""

    def files(self, place: int) -> IndexedFiles:
        """The files of a picture."""
        image_id = self.ids[place].decode()
        return IndexedFiles(
            self.folder.annotation_path(image_id),
            int(self.annotation_bytes[place]),
            self.folder.image_path(image_id),
            int(self.picture_bytes[place]),
            self.newest,
        )


def write_index(folder: VocFolder, show: Shown = iter) -> tuple[int, int]:
    """Read all annotations of the image sets and write the index; -> (faces, pictures) in it.

    show: given the pictures as (split, id), yields them and may show how many are done. Raises what
    VocFolder.read raises, DatasetNotFoundError for an absent picture, and OutputError.
    """
    origins = picture_origins(folder.home)
    newest = max(_stat(folder.root / name).st_mtime_ns for name in ("Annotations", "JPEGImages"))
    faces = pictures = 0
    with atomic_path(folder.home / INDEX) as path:
        with open_rows(path, index_schema()) as add:
            for split, image_id in show(listed_pictures(folder)):
                before = _stat(folder.annotation_path(image_id))
                newest = max(newest, before.st_mtime_ns)
                annotation = folder.read(image_id)
                size = _stat(folder.image_path(image_id)).st_size
                origin = origins.get(image_id, {})
                columns = picture_columns(annotation, split, before.st_size, size, origin)
                add(face_rows(annotation, columns))
                faces += len(annotation.objects)
                pictures += 1
        os.utime(path, ns=(newest, newest))
    return faces, pictures


@contextmanager
def open_rows(path: Path, schema: Any) -> Iterator[Callable[[Iterable[Mapping[str, Any]]], None]]:
    """Open an index to write; yield a function that adds rows to it."""
    import pyarrow.parquet

    rows: list[Mapping[str, Any]] = []
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:

        def add(more: Iterable[Mapping[str, Any]]) -> None:
            rows.extend(more)
            if len(rows) >= _ROWS_AT_A_TIME:
                flush()

        def flush() -> None:
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
            rows.clear()

        yield add
        flush()


def picture_columns(
    annotation: VocAnnotation,
    split: str,
    annotation_bytes: int,
    picture_bytes: int,
    origin: Mapping[str, str | None],
) -> dict[str, Any]:
    """What all rows of a picture have; the bytes are the sizes of its files."""
    return {
        "picture": annotation.image_id,
        "split": split,
        "database": annotation.database,
        "width": annotation.width,
        "height": annotation.height,
        "depth": annotation.depth,
        "annotation_bytes": annotation_bytes,
        "picture_bytes": picture_bytes,
        **origin,
    }


def face_rows(annotation: VocAnnotation, common: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a picture, a face each; one row without a label where it shows none."""
    rows = []
    for face in annotation.objects:
        box = dict(zip(("x_min", "y_min", "x_max", "y_max"), face.box.as_tuple(), strict=True))
        votes = None if face.probabilities is None else list(face.probabilities.items())
        points = [edge for point in face.landmarks for edge in point]
        rows.append({**common, "label": face.name, **box, "votes": votes, "landmarks": points})
    return rows or [dict(common)]


def read_annotations(
    folder: VocFolder, ids: Sequence[str], thorough: bool = False
) -> tuple[AnnotationColumns, IndexedSplit | ShardedSplit | None]:
    """The annotations of these pictures from the index, else from their XML files.

    thorough: look at every file before the index is used, however many there are. An index that is
    not used is a line on stderr. The second value is None without an index.
    """
    try:
        found = read_index(folder, ids)
        if found is not None:
            demand_unchanged(found[1], len(ids) if thorough else SEEN_AT_START)
            return found
    except StaleIndexError as error:
        if folder.sharded:
            raise
        print(f"warning: {error}; the XML files are read instead", file=sys.stderr, flush=True)
    return AnnotationColumns.of(folder.read(image_id) for image_id in ids), None


def demand_unchanged(split: IndexedSplit | ShardedSplit, at_most: int) -> None:
    """Raise StaleIndexError where a file of a split of `at_most` pictures or fewer has changed.

    Of shards only the files are looked at here; a picture is when it is read.
    """
    if isinstance(split, ShardedSplit):
        split.demand_present()
    elif len(split.ids) <= at_most:
        for place in range(len(split.ids)):
            split.files(place).demand_unchanged()


def read_index(
    folder: VocFolder, ids: Sequence[str]
) -> tuple[AnnotationColumns, IndexedSplit | ShardedSplit] | None:
    """The index's rows of these pictures, None where there is no index.

    Raises StaleIndexError where it cannot be read, files were added or removed since it was made,
    or it lacks a picture.
    """
    path = folder.home / INDEX
    if not path.is_file():
        return None
    import pyarrow.parquet

    newest = path.stat().st_mtime_ns
    for name in () if folder.sharded else ("Annotations", "JPEGImages"):
        if _stat(folder.root / name).st_mtime_ns > newest:
            raise _stale(folder.home, f"files in {name} were added or removed since it was made")
    try:
        metadata = pyarrow.parquet.read_schema(path).metadata or {}
        if metadata.get(b"format") != FORMAT:
            raise _stale(folder.home, "is not an index of this version")
        return _select(folder, ids, newest)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, StaleIndexError):
            raise
        raise _stale(folder.home, "cannot be read") from error


def _select(
    folder: VocFolder, ids: Sequence[str], newest: int
) -> tuple[AnnotationColumns, IndexedSplit | ShardedSplit]:
    """The rows of these pictures, read column by column, so that memory holds few at a time."""
    import pyarrow
    import pyarrow.compute
    import pyarrow.parquet

    def column(name: str) -> Any:
        table = pyarrow.parquet.read_table(folder.home / INDEX, columns=[name])
        return table.unify_dictionaries()[name].combine_chunks()

    names = column("picture").dictionary_encode()
    # The rows of a picture follow each other, so each place in the dictionary is one run.
    runs = names.indices.to_numpy()
    first = np.flatnonzero(np.diff(runs, prepend=-1))
    found = pyarrow.compute.index_in(pyarrow.array(ids, pyarrow.string()), names.dictionary)
    if found.null_count:
        missing = ids[int(pyarrow.compute.index(found.is_null(), True).as_py())]
        raise _stale(folder.home, f"lacks {missing}")
    places = found.to_numpy().astype(np.int64)
    del names, found
    label = column("label")
    # A picture without any face has one row without a label.
    counts = np.diff(first, append=len(runs)) - (label.is_null().to_numpy(False)[first])
    counts = counts[places].astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rows = np.repeat(first[places] - starts[:-1], counts) + np.arange(starts[-1])
    rows_of_faces = pyarrow.array(rows)
    name = label.take(rows_of_faces)
    boxes = np.empty((len(rows), 4))
    for number, edge in enumerate(("x_min", "y_min", "x_max", "y_max")):
        boxes[:, number] = column(edge).to_numpy(zero_copy_only=False)[rows]
    voted, votes = _votes(column("votes").take(rows_of_faces))
    points = column("landmarks").take(rows_of_faces)
    of_pictures = {each: column(each).to_numpy()[first[places]] for each in _PER_PICTURE}
    database = column("database").take(pyarrow.array(first[places]))
    columns = AnnotationColumns(
        ids=np.array(ids, np.bytes_),
        sizes=np.stack([of_pictures[each] for each in _PER_PICTURE[:3]], 1),
        databases=tuple(database.dictionary.to_pylist()),
        database=database.indices.to_numpy(),
        starts=starts,
        names=tuple(name.dictionary.to_pylist()),
        name=name.indices.to_numpy(),
        boxes=boxes,
        voted=voted,
        votes=votes,
        landmarks=LandmarkColumns(
            points.offsets.to_numpy().astype(np.int64) // 2,
            points.flatten().to_numpy().reshape(-1, 2),
        ),
    )
    annotation_bytes, picture_bytes = (of_pictures[each] for each in _PER_PICTURE[3:])
    if not folder.sharded:
        return columns, IndexedSplit(folder, columns.ids, annotation_bytes, picture_bytes, newest)
    shard = column("shard").take(pyarrow.array(first[places]))
    names, numbers = tuple(shard.dictionary.to_pylist()), shard.indices.to_numpy()
    offsets = column("offset").to_numpy()[first[places]]
    sharded = ShardedSplit(folder.home, columns.ids, names, numbers, offsets, picture_bytes)
    return columns, sharded


def _votes(column: Any) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """A column of maps -> (their keys, [F, keys] their values, 0 where a key is absent)."""
    lengths = np.diff(column.offsets.to_numpy())
    keys = column.keys.dictionary_encode()
    votes = np.zeros((len(column), len(keys.dictionary)))
    faces = np.repeat(np.arange(len(column)), lengths)
    votes[faces, keys.indices.to_numpy()] = column.items.to_numpy()
    return tuple(keys.dictionary.to_pylist()), votes


def index_schema(sharded: bool = False) -> Any:
    """The columns of an index and their types, a pyarrow.Schema.

    sharded: with each picture's tar file and the byte where it begins in it.
    """
    import pyarrow as pa

    word = pa.dictionary(pa.int32(), pa.string())
    edges = [(name, pa.float64()) for name in ("x_min", "y_min", "x_max", "y_max")]
    place = [("shard", word), ("offset", pa.int64())] if sharded else []
    return pa.schema(
        [
            ("picture", pa.string()),
            ("split", word),
            ("database", word),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("depth", pa.int32()),
            ("annotation_bytes", pa.int64()),
            ("picture_bytes", pa.int64()),
            ("label", word),
            *edges,
            ("votes", pa.map_(pa.string(), pa.float64())),
            ("landmarks", pa.list_(pa.float64())),
            ("group", word),
            ("clip", word),
            ("sha256", pa.string()),
            *place,
        ],
        {b"format": FORMAT},
    )


def listed_pictures(folder: VocFolder) -> list[tuple[str, str]]:
    """(split, id) of every picture of the image sets, once, trainval's own after train and val."""
    order = sorted(folder.splits(), key=lambda split: (split == "trainval", SPLITS.index(split)))
    split_of: dict[str, str] = {}
    for split in order:
        for image_id in folder.image_ids(split):
            split_of.setdefault(image_id, split)
    return [(split, image_id) for image_id, split in split_of.items()]


def picture_origins(home: Path) -> dict[str, dict[str, str | None]]:
    """Image id -> group, clip and, where the file was copied byte for byte, sha256."""
    return {
        row["id"]: {
            "group": row.get("group"),
            "clip": row.get("clip"),
            "sha256": row.get("sha256") if row.get("picture") == "copied" else None,
        }
        for row in iter_manifest_rows(home)
        if row.get("status") != "rejected"
    }


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError as error:
        raise DatasetNotFoundError(
            f"{path} is absent",
            "a picture and an annotation for each line of the image sets",
            "complete the folder or build it again",
        ) from error


def _stale(home: Path, why: str) -> StaleIndexError:
    return StaleIndexError(
        f"{home / INDEX}: {why}",
        "an index of the folder as it is",
        f"make it again with: fer-det index --data {home}",
    )
