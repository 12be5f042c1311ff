"""Write the pictures and annotations of a VOC folder as tar files; see voc_shards."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from itertools import chain, count, groupby
from pathlib import Path
from typing import Any

from fer_det.core.picture import read_image_bytes
from fer_det.errors import OutputError
from fer_det.io.files import atomic_path, make_folder, sweep_temporaries, write_bytes
from fer_det.io.voc import (
    BALANCE_RECORD,
    BUILD_SUMMARY,
    INDEX,
    MANIFEST,
    OLD_BUILD_SUMMARY,
    VocFolder,
)
from fer_det.io.voc_annotation import VocAnnotation
from fer_det.io.voc_index import (
    Shown,
    face_rows,
    index_schema,
    listed_pictures,
    open_rows,
    picture_columns,
    picture_origins,
    read_annotations,
)

_RECORDS = (MANIFEST, BUILD_SUMMARY, OLD_BUILD_SUMMARY, BALANCE_RECORD)


def write_shards(
    source: VocFolder, out: Path, shard_bytes: int, overwrite: bool = False, show: Shown = iter
) -> tuple[int, int]:
    """Write all pictures of the image sets to tar files in `out`; -> (pictures, tar files).

    shard_bytes: a tar file ends with the picture that reaches this. The same folder always gives
    the same bytes. show: as in voc_index.write_index. Raises what reading the folder raises, and
    OutputError where `out` holds other files.
    """
    _clear(out, overwrite)
    listed = listed_pictures(source)
    annotations, _ = read_annotations(source, [name for _, name in listed], thorough=True)
    origins = picture_origins(source.home)
    shards = 0

    def pictures() -> Iterator[tuple[str, VocAnnotation, bytes, dict[str, Any]]]:
        for (split, name), annotation in zip(show(listed), annotations, strict=True):
            data = read_image_bytes(source.image_path(name))
            yield split, annotation, data, origins.get(name, {})

    with atomic_path(out / INDEX) as index:
        with open_rows(index, index_schema(sharded=True)) as add:
            for split, of_split in groupby(pictures(), key=lambda picture: picture[0]):
                for rows in _write_split(out, split, of_split, shard_bytes):
                    add(rows)
                    shards += 1
        # The index comes last: a folder without it is none of shards.
        _copy_records(source, out)
    return len(listed), shards


def _write_split(
    out: Path,
    split: str,
    pictures: Iterable[tuple[str, VocAnnotation, bytes, dict[str, Any]]],
    shard_bytes: int,
) -> Iterator[list[dict[str, Any]]]:
    """Write the tar files of a split; yield the rows of the index of each."""
    rest = iter(pictures)
    for number in count():
        first = next(rest, None)
        if first is None:
            return
        rows: list[dict[str, Any]] = []
        shard = f"{split}-{number:06d}.tar"
        with atomic_path(out / shard) as path, tarfile.open(path, "w") as tar:
            for _, annotation, data, origin in chain([first], rest):
                text = json.dumps(_to_json(annotation, split, origin)).encode()
                offset = _add(tar, f"{annotation.image_id}.jpg", data)
                _add(tar, f"{annotation.image_id}.json", text)
                columns = picture_columns(annotation, split, len(text), len(data), origin)
                place = {"shard": shard, "offset": offset}
                rows += face_rows(annotation, columns | place)
                if tar.offset >= shard_bytes:
                    break
        yield rows


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> int:
    """Add a member that depends on name and data only; -> where its data begin."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
    blocks = -(-len(data) // tarfile.BLOCKSIZE)
    return tar.offset - blocks * tarfile.BLOCKSIZE


def _to_json(annotation: VocAnnotation, split: str, origin: dict[str, Any]) -> dict[str, Any]:
    faces = [
        {
            "label": face.name,
            "box": face.box.as_tuple(),
            "probabilities": face.probabilities,
            "landmarks": face.landmarks,
        }
        for face in annotation.objects
    ]
    columns = picture_columns(annotation, split, 0, 0, origin)
    names = ("picture", "split", "database", "width", "height", "depth", "group", "clip")
    return {name: columns.get(name) for name in names} | {"faces": faces}


def _clear(out: Path, overwrite: bool) -> None:
    """Make an empty folder of `out`, of which an earlier run may have written a part."""
    own = [*out.glob("*-??????.tar"), *(out / name for name in (INDEX, "labelmap.txt", *_RECORDS))]
    lists = out / "ImageSets"
    foreign = [
        path
        for path in out.glob("*")
        if path not in (*own, lists) and not path.name.startswith(".")
    ]
    if foreign or ((out / INDEX).exists() and not overwrite):
        raise OutputError(
            f"{out} holds {foreign[0].name if foreign else 'shards'}",
            "a new or empty folder",
            "choose another --out" + ("" if foreign else ", or add --overwrite true"),
        )
    sweep_temporaries(make_folder(out))
    for path in (out / INDEX, *own):
        path.unlink(missing_ok=True)
    make_folder(lists / "Main")


def _copy_records(source: VocFolder, out: Path) -> None:
    """Copy lists, label map and what is known of the folder."""
    lists = sorted((source.root / "ImageSets" / "Main").glob("*.txt"))
    for path in lists:
        write_bytes(out / "ImageSets" / "Main" / path.name, path.read_bytes())
    write_bytes(out / "labelmap.txt", source.label_map_path.read_bytes())
    for name in _RECORDS:
        if (source.home / name).is_file():
            write_bytes(out / name, (source.home / name).read_bytes())
