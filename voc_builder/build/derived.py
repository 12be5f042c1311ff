"""VOC folders that a command makes from other VOC folders: claiming, resuming and completing them.

The record of the settings comes first and the lists come last, so that an unfinished folder can
be continued and cannot be trained on.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.errors import AnnotationError, ConfigError, DatasetNotFoundError, OutputError
from fer_det.io.files import TEMPORARY_SUFFIX, sweep_temporaries, write_bytes
from fer_det.io.voc import DEVKIT, INDEX, MANIFEST, VocFolder
from fer_det.io.voc_annotation import VocAnnotation, format_annotation
from fer_det.io.voc_index import StaleIndexError, read_index, write_index
from fer_det.runtime.progress import track


def hash_source(source: VocFolder, pictures: Iterable[tuple[str, VocAnnotation]]) -> dict[str, Any]:
    """The number and a hash of a folder's pictures: lists, annotations and file sizes.

    pictures: split and annotation, in order. Raises DatasetNotFoundError for an absent picture.
    """
    digest = hashlib.sha256(repr(source.classes()).encode())
    count = 0
    for split, annotation in pictures:
        path = source.image_path(annotation.image_id)
        try:
            size = path.stat().st_size
        except OSError as error:
            raise DatasetNotFoundError(
                f"{path} is absent", "a picture for each annotation", "build the folder again"
            ) from error
        digest.update(f"{split} {size} {format_annotation(annotation)}".encode())
        count += 1
    return {"pictures": count, "sha256": digest.hexdigest()}


def claim_folder(
    out: Path,
    name: str,
    record: Mapping[str, Any],
    overwrite: bool,
    done: str,
    extra: Sequence[str],
) -> None:
    """Make `out` a folder of these settings, or refuse it.

    name: of the file that holds the record; record: JSON with `settings`; done: what the command
    does, such as "balanced"; extra: names of further files that it writes beside VOCdevkit.
    """
    path = out / name
    if path.is_file():
        differing = _differing_settings(path, record["settings"])
        if differing and not overwrite:
            raise ConfigError(
                f"{out} was {done} with other settings ({', '.join(differing)})",
                "the same settings, or a new folder",
                "choose another --out, or give --overwrite to replace it",
            )
        if differing:
            _remove_derived(out, name, extra)
    elif any(not entry.name.endswith(TEMPORARY_SUFFIX) for entry in out.iterdir()):
        raise OutputError(
            f"{out} holds files that this command did not write",
            f"an empty folder, or one that it {done}",
            "choose another --out",
        )
    sweep_temporaries(out)
    write_if_changed(path, (json.dumps(record, indent=2) + "\n").encode())


def demand_size(pixels: NDArray[np.uint8], size: tuple[int, int], annotation: Path) -> None:
    """Raise AnnotationError where pixels [H, W, 3] have another (width, height) than `size`.

    annotation: the file that states the size.
    """
    height, width = pixels.shape[:2]
    if (width, height) != size:
        raise AnnotationError(
            f"{annotation} states {size[0]} x {size[1]} pixels, the picture has {width} x {height}",
            "an annotation of the picture as it is shown",
            "correct the size or leave the picture out",
        )


def is_complete(target: VocFolder, image_id: str) -> bool:
    """Whether picture and annotation of that id are there."""
    paths = target.image_path(image_id), target.annotation_path(image_id)
    return all(path.is_file() for path in paths)


def write_splits(
    target: VocFolder,
    classes: Sequence[str],
    ids_by_split: dict[str, list[str]],
    labels: Mapping[str, Iterable[str]],
) -> None:
    """Write the label map and the image sets, trainval too; nothing where all are there."""
    listed = {**ids_by_split, "trainval": ids_by_split["train"] + ids_by_split.get("val", [])}
    lists = [
        target.image_set_path(name)
        for split in listed
        for name in (split, *(f"{label}_{split}" for label in classes))
    ]
    if not all(path.is_file() for path in [target.label_map_path, *lists]):
        target.write_label_map(classes)
        target.write_image_sets(listed, labels)


def write_manifest(out: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the manifest, which comes after the lists."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    write_if_changed(out / MANIFEST, "".join(lines).encode())


def write_index_once(target: VocFolder, ids: Sequence[str]) -> None:
    """Write the index, which comes last, unless there is one of these pictures."""
    try:
        there = read_index(target, ids) is not None
    except StaleIndexError:
        there = False
    if not there:
        write_index(target, lambda listed: track(listed, len(listed), "index", "pictures"))


def write_if_changed(path: Path, data: bytes) -> None:
    """Write a file that is absent or holds something else."""
    if not path.is_file() or path.read_bytes() != data:
        write_bytes(path, data)


def _differing_settings(path: Path, settings: Mapping[str, Any]) -> list[str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["settings"]
        return [name for name in settings if found.get(name) != settings[name]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [f"{path.name} cannot be read"]


def _remove_derived(out: Path, name: str, extra: Sequence[str]) -> None:
    """Delete the command's files and nothing else; its record goes last."""
    for each in (MANIFEST, INDEX, *extra):
        (out / each).unlink(missing_ok=True)
    if (out / DEVKIT).is_dir():
        shutil.rmtree(out / DEVKIT)
    (out / name).unlink()
