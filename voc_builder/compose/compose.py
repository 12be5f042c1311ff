"""Write a VOC folder of composed pictures.

Nothing in OUT depends on the number of workers or on interruptions; see voc_builder.build.derived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fer_det.errors import ConfigError
from fer_det.imaging.decode import encode_jpeg, load_rgb8
from fer_det.imaging.jitter import jitter_generator
from fer_det.io.files import hold_folder, make_folder, write_together
from fer_det.io.voc import VocFolder, read_manifest_rows
from fer_det.io.voc_annotation import VocAnnotation, format_annotation
from fer_det.runtime.pool import available_cores, map_in_processes
from fer_det.runtime.progress import track
from made_faces.scene.background import draw_background, draw_wall
from made_faces.scene.indoors import draw_room
from made_faces.scene.outdoors import draw_nature, draw_street
from made_faces.scene.photograph import encode_srgb
from voc_builder.build.derived import (
    claim_folder,
    demand_size,
    hash_source,
    is_complete,
    write_index_once,
    write_manifest,
    write_splits,
)
from voc_builder.compose.config import ComposeConfig
from voc_builder.compose.picture import Pixels, compose, sample_size
from voc_builder.compose.plan import (
    PlannedPicture,
    SourceFace,
    SourceRegion,
    SourceSplit,
    faces_of,
    make_plan,
    region_of,
)

COMPOSE_RECORD = "compose.json"
"""The settings, in a folder of composed pictures."""

_FORMAT = 3
"""Raised whenever the same settings would give other files."""
_TOGETHER = 16
"""Pictures that are written together."""
_QUALITY = (60, 96)
"""Of the JPEG files."""
_SHARP = (draw_room, draw_street, draw_nature, draw_wall)


@dataclass(frozen=True)
class ComposeOutcome:
    """The result of a run of the composer."""

    pictures: Mapping[str, int]
    """In the folder, by split."""
    faces: Mapping[str, int]
    """In the folder, by split."""
    written: int
    """Pictures that this run wrote."""


def compose_folder(config: ComposeConfig) -> ComposeOutcome:
    """Compose the faces of `config.data` into `config.out`; pictures that are there are kept."""
    folders = [VocFolder(path) for path in config.data]
    _refuse_places(config, folders)
    classes = _common_classes(config, folders)
    splits, hashes = _read_sources(config, folders)
    plan = make_plan(
        splits,
        config.pictures,
        config.faces,
        config.empty,
        config.originals,
        config.balance,
        config.seed,
    )
    settings = asdict(config)
    for name in ("data", "out", "workers", "overwrite"):
        del settings[name]
    settings["crop_face"] = list(config.crop_face)
    record = {"settings": {"format": _FORMAT, **settings, "sources": hashes}}
    with hold_folder(make_folder(config.out)):
        claim_folder(config.out, COMPOSE_RECORD, record, config.overwrite, "composed", ())
        target = VocFolder.create(config.out)
        written = _write_pictures(config, folders, target, plan)
        return _write_lists(config.out, target, classes, plan, written)


def _refuse_places(config: ComposeConfig, folders: Sequence[VocFolder]) -> None:
    out = config.out.resolve()
    for path, folder in zip(config.data, folders, strict=True):
        root = folder.root.resolve()
        if out in (path.resolve(), folder.home, root, root.parent):
            raise ConfigError(
                f"--out {config.out} is a folder of --data",
                "another folder for the composed pictures",
                "choose another --out",
            )


def _common_classes(config: ComposeConfig, folders: Sequence[VocFolder]) -> tuple[str, ...]:
    classes = folders[0].classes()
    for path, folder in zip(config.data, folders, strict=True):
        if folder.classes() != classes:
            raise ConfigError(
                f"{path} has the classes {', '.join(folder.classes())}",
                f"those of {config.data[0]}: {', '.join(classes)}",
                "give folders with the same classes in the same order",
            )
    return classes


def _read_sources(
    config: ComposeConfig, folders: Sequence[VocFolder]
) -> tuple[dict[str, SourceSplit], list[dict[str, Any]]]:
    """What the folders offer by split, and their hashes."""
    faces: dict[str, list[SourceFace]] = {}
    regions: dict[str, list[SourceRegion]] = {}
    hashes = []
    for number, folder in enumerate(folders):
        rows = {row["id"]: row for row in read_manifest_rows(folder.home)}
        read: list[tuple[str, VocAnnotation]] = []
        with folder.name_importer():
            for split in ("train", "val", "test"):
                if split in folder.splits():
                    read += [(split, folder.read(each)) for each in folder.image_ids(split)]
        hashes.append(hash_source(folder, read))
        for split, annotation in read:
            image_id = annotation.image_id
            row = rows.get(image_id, {})
            dataset = row.get("dataset")
            group, clip = (
                None if row.get(name) is None else f"{dataset}/{row[name]}"
                for name in ("group", "clip")
            )
            faces.setdefault(split, []).extend(
                faces_of(annotation, number, group, clip, dataset, config.crop_face)
            )
            if (edges := region_of(annotation)) is not None:
                size = annotation.width, annotation.height
                regions.setdefault(split, []).append(SourceRegion(number, image_id, size, edges))
    names = [name for name in ("train", "val", "test") if name in faces]
    splits: dict[str, SourceSplit] = {
        name: SourceSplit(tuple(faces[name]), tuple(regions.get(name, ()))) for name in names
    }
    return splits, hashes


def _write_pictures(
    config: ComposeConfig,
    folders: Sequence[VocFolder],
    target: VocFolder,
    plan: Sequence[PlannedPicture],
) -> int:
    """Write the pictures that are not there yet; return how many."""
    missing = [each for each in plan if not is_complete(target, each.image_id)]
    batches = [missing[start : start + _TOGETHER] for start in range(0, len(missing), _TOGETHER)]
    work = partial(_write_batch, tuple(folders), target, config.seed, config.min_face)
    workers = available_cores() if config.workers is None else config.workers
    finished = map_in_processes(work, batches, workers, chunk=1)
    each = (None for count in finished for _ in range(count))
    for _ in track(each, len(plan), "compose", "pictures", start=len(plan) - len(missing)):
        pass
    return len(missing)


def _write_batch(
    folders: Sequence[VocFolder],
    target: VocFolder,
    seed: int,
    min_face: int,
    pictures: Sequence[PlannedPicture],
) -> int:
    files: dict[Path, bytes] = {}
    for planned in pictures:
        data, annotation = _make_picture(folders, planned, seed, min_face)
        files[target.image_path(planned.image_id)] = data
        files[target.annotation_path(planned.image_id)] = format_annotation(annotation).encode()
    write_together(files)
    return len(pictures)


def _make_picture(
    folders: Sequence[VocFolder], planned: PlannedPicture, seed: int, min_face: int
) -> tuple[bytes, VocAnnotation]:
    """The JPEG file of a picture and its annotation."""
    generator = jitter_generator(seed, planned.image_id, 1)
    if planned.original:
        return _copy_picture(folders, planned)
    width, height = sample_size(generator)
    if planned.region is None:
        background = _draw_scene(width, height, generator)
    else:
        flips = generator.random() < 0.5
        background = _photo_background(folders, planned.region, width, height, flips)
    pieces = _draw_scene(width, height, generator)
    faces = [(each, _load(folders[each.folder], each)) for each in planned.faces]
    picture, placed = compose(background, pieces, faces, min_face, generator)
    objects = tuple(face for _, face in placed)
    annotation = VocAnnotation(planned.image_id, width, height, objects, planned.database)
    return encode_jpeg(picture, int(generator.integers(*_QUALITY))), annotation


def _load(folder: VocFolder, source: SourceFace | SourceRegion) -> Pixels:
    """Read a picture; AnnotationError where it has another size than its annotation states."""
    pixels = load_rgb8(folder.image_path(source.image_id))
    demand_size(pixels, source.size, folder.annotation_path(source.image_id))
    return pixels


def _copy_picture(
    folders: Sequence[VocFolder], planned: PlannedPicture
) -> tuple[bytes, VocAnnotation]:
    """The picture of a face, with all its faces."""
    (source,) = planned.faces
    folder = folders[source.folder]
    shown = folder.read(source.image_id)
    objects = (source.face, *source.others)
    annotation = replace(
        shown, image_id=planned.image_id, objects=objects, database=planned.database
    )
    return folder.image_path(source.image_id).read_bytes(), annotation


def _draw_scene(width: int, height: int, generator: np.random.Generator) -> Pixels:
    """A scene without people, half of them in focus."""
    sharp, kind, seed = (
        generator.random(),
        generator.integers(len(_SHARP)),
        generator.integers(2**30),
    )
    if sharp < 0.5:
        light = _SHARP[kind](np.random.default_rng(seed), height, width)
    else:
        light = draw_background(width, height, int(seed))
    return np.asarray(255 * encode_srgb(light.clip(0, 1)), np.uint8)


def _photo_background(
    folders: Sequence[VocFolder], region: SourceRegion, width: int, height: int, flip: bool
) -> Pixels:
    """The middle of a part of a photo, enlarged to the picture."""
    left, top, right, bottom = region.edges
    pixels = _load(folders[region.folder], region)
    part = pixels[top:bottom, left:right]
    # As much of it as has the picture's shape.
    scale = min(part.shape[1] / width, part.shape[0] / height)
    w, h = max(1, int(scale * width)), max(1, int(scale * height))
    x, y = (part.shape[1] - w) // 2, (part.shape[0] - h) // 2
    filter_ = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    found = cv2.resize(part[y : y + h, x : x + w], (width, height), interpolation=filter_)
    return np.ascontiguousarray(found[:, ::-1] if flip else found, np.uint8)


def _write_lists(
    out: Path,
    target: VocFolder,
    classes: Sequence[str],
    plan: Sequence[PlannedPicture],
    written: int,
) -> ComposeOutcome:
    """Write all that makes the folder complete, manifest and index last."""
    annotations = {each.image_id: target.read(each.image_id) for each in plan}
    ids_by_split: dict[str, list[str]] = {}
    for planned in plan:
        ids_by_split.setdefault(planned.split, []).append(planned.image_id)
    labels = {name: set(each.labels) for name, each in annotations.items()}
    write_splits(target, classes, ids_by_split, labels)
    write_manifest(
        out,
        (
            {
                "id": planned.image_id,
                "source": planned.image_id,
                "split": planned.split,
                "dataset": planned.dataset,
                "group": None,
                "faces": [each.image_id for each in planned.faces],
                "groups": sorted({each.group for each in planned.faces if each.group}),
                "clips": sorted({each.clip for each in planned.faces if each.clip}),
            }
            for planned in plan
        ),
    )
    write_index_once(target, [planned.image_id for planned in plan])
    faces: Counter[str] = Counter()
    for planned in plan:
        objects = annotations[planned.image_id].objects
        faces[planned.split] += sum(not each.ignored for each in objects)
    return ComposeOutcome({name: len(ids) for name, ids in ids_by_split.items()}, faces, written)
