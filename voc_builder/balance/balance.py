"""Write a balanced VOC folder: the training split up-sampled with jittered copies.

Nothing in OUT depends on the number of workers or on interruptions. balance.json comes first and
holds the settings of the folder; the image sets and manifest.jsonl come last, so an unfinished
folder cannot be trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from fer_det.core.picture import read_image_bytes
from fer_det.errors import ConfigError
from fer_det.imaging.decode import decode_rgb8, encode_jpeg
from fer_det.imaging.jitter import apply_colour, apply_rotation
from fer_det.io.files import hold_folder, make_folder, write_together
from fer_det.io.voc import (
    BALANCE_RECORD,
    BUILD_SUMMARY,
    OLD_BUILD_SUMMARY,
    VocFolder,
    read_manifest_rows,
)
from fer_det.io.voc_annotation import VocAnnotation, format_annotation
from fer_det.runtime.pool import available_cores, map_in_processes
from fer_det.runtime.progress import track
from voc_builder.balance.config import BalanceConfig
from voc_builder.balance.plan import (
    BalancePlan,
    PlannedPicture,
    SourcePicture,
    make_plan,
    read_source,
    turn_objects,
)
from voc_builder.build.derived import (
    claim_folder,
    demand_size,
    hash_source,
    is_complete,
    write_if_changed,
    write_index_once,
    write_manifest,
    write_splits,
)

TABLE_NAME = "balance.txt"

_FORMAT = 2
"""Raised whenever the same settings would give other files."""

_Group = tuple[PlannedPicture, ...]
"""The planned pictures of one source, in the plan's order."""

_TOGETHER = 16
"""Pictures that are written together, save where one source has more copies."""


@dataclass(frozen=True)
class BalanceOutcome:
    """The result of a run of the balancer."""

    table: str
    """Training pictures by class, before and after."""
    pictures: int
    """Pictures in the balanced folder."""
    written: int
    """Those of them that this run wrote."""


def balance(config: BalanceConfig) -> BalanceOutcome:
    """Balance `config.data` into `config.out`; pictures that are there already are kept."""
    source = VocFolder(config.data)
    home = source.home
    _refuse_places(config, source, home)
    with source.name_importer():
        pictures, classes = read_source(source), source.classes()
    origins = {row["id"]: row for row in read_manifest_rows(home)}
    plan = make_plan(pictures, classes, config.target, config.jitter, config.seed)
    record = _record(config, source, pictures, plan)
    extra = (TABLE_NAME, BUILD_SUMMARY, OLD_BUILD_SUMMARY)
    with hold_folder(make_folder(config.out)):
        claim_folder(config.out, BALANCE_RECORD, record, config.overwrite, "balanced", extra)
        target = VocFolder.create(config.out)
        written = _write_pictures(config, source, target, plan)
        _write_lists(config.out, source, target, pictures, plan, origins)
    return BalanceOutcome(format_table(plan), len(plan.pictures), written)


def format_table(plan: BalancePlan) -> str:
    """The table of training pictures by class, before and after, ending with a newline."""
    rows = [(row.label, row.before, row.after) for row in plan.counts]
    if plan.unlabelled:
        rows.append(("(no labelled face)", plan.unlabelled, plan.unlabelled))
    rows.append(("total", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    width = max(len(row[0]) for row in rows)
    lines = [f"{'train':<{width}}  {'before':>7}  {'after':>7}  {'copies':>7}  {'times':>6}"]
    for name, before, after in rows:
        times = f"{after / before:.2f}" if before else "-"
        lines.append(f"{name:<{width}}  {before:>7}  {after:>7}  {after - before:>7}  {times:>6}")
    return "\n".join(lines) + "\n"


def _refuse_places(config: BalanceConfig, source: VocFolder, home: Path) -> None:
    root, out = source.root.resolve(), config.out.resolve()
    if out in (config.data.resolve(), home, root, root.parent):
        raise ConfigError(
            f"--out {config.out} is the folder to balance",
            "another folder for the balanced pictures",
            "choose another --out",
        )
    if (home / BALANCE_RECORD).is_file():
        raise ConfigError(
            f"--data {config.data} is balanced already",
            "pictures that are not copies of copies",
            "give --data the folder from which it was made",
        )


def _record(
    config: BalanceConfig, source: VocFolder, pictures: list[SourcePicture], plan: BalancePlan
) -> dict[str, Any]:
    """All that decides the folder's contents, and its counts."""
    settings = {
        "format": _FORMAT,
        "target": config.target,
        "seed": config.seed,
        "jitter": asdict(config.jitter),
        "source": hash_source(source, ((each.split, each.annotation) for each in pictures)),
    }
    after = {row.label: {"before": row.before, "after": row.after} for row in plan.counts}
    return {"settings": settings, "train": after, "unlabelled": plan.unlabelled}


def _write_pictures(
    config: BalanceConfig, source: VocFolder, target: VocFolder, plan: BalancePlan
) -> int:
    """Write the pictures that are not there yet; return how many."""
    missing = [each for each in plan.pictures if not is_complete(target, each.image_id)]
    # A source's pictures follow each other in the plan; together they read and decode it once.
    groups = [tuple(group) for _, group in groupby(missing, key=lambda item: item.source_id)]
    work = partial(_write_groups, source, target)
    workers = available_cores() if config.workers is None else config.workers
    finished = map_in_processes(work, list(_batches(groups)), workers, chunk=1)
    each = (None for count in finished for _ in range(count))
    total = len(plan.pictures)
    for _ in track(each, total, "balance", "pictures", start=total - len(missing)):
        pass
    return len(missing)


def _batches(groups: Iterable[_Group]) -> Iterator[list[_Group]]:
    """Groups whose pictures are written together, _TOGETHER of them or a few more."""
    batch: list[_Group] = []
    for group in groups:
        batch.append(group)
        if sum(map(len, batch)) >= _TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def _write_groups(source: VocFolder, target: VocFolder, groups: list[_Group]) -> int:
    """Write the pictures of some groups together; return how many."""
    files: dict[Path, bytes] = {}
    for group in groups:
        files |= _make_files(source, target, group)
    write_together(files)
    return sum(map(len, groups))


def _make_files(source: VocFolder, target: VocFolder, pictures: _Group) -> dict[Path, bytes]:
    """The files of an original, some of its copies, or both."""
    source_id = pictures[0].source_id
    image_path, annotation_path = source.image_path(source_id), source.annotation_path(source_id)
    data = read_image_bytes(image_path)
    copies = [picture for picture in pictures if picture.draw is not None]
    files: dict[Path, bytes] = {}
    if len(copies) < len(pictures):
        files[target.image_path(source_id)] = data
        files[target.annotation_path(source_id)] = annotation_path.read_bytes()
    if not copies:
        return files
    annotation = source.read(source_id)
    pixels = decode_rgb8(data, str(image_path)).pixels
    demand_size(pixels, (annotation.width, annotation.height), annotation_path)
    for picture in copies:
        assert picture.draw is not None
        jittered = apply_rotation(apply_colour(pixels, picture.draw), picture.draw.degrees)
        turned = VocAnnotation(
            image_id=picture.image_id,
            width=annotation.width,
            height=annotation.height,
            objects=turn_objects(annotation, picture.draw.degrees),
            database=annotation.database,
        )
        files[target.image_path(picture.image_id)] = encode_jpeg(jittered)
        files[target.annotation_path(picture.image_id)] = format_annotation(turned).encode()
    return files


def _write_lists(
    out: Path,
    source: VocFolder,
    target: VocFolder,
    pictures: list[SourcePicture],
    plan: BalancePlan,
    origins: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write all that makes the folder complete, manifest and index last; nothing that is there."""
    classes = source.classes()
    ids_by_split: dict[str, list[str]] = {}
    for planned in plan.pictures:
        ids_by_split.setdefault(planned.split, []).append(planned.image_id)
    source_labels = {picture.image_id: set(picture.annotation.labels) for picture in pictures}
    labels = {planned.image_id: source_labels[planned.source_id] for planned in plan.pictures}
    write_splits(target, classes, ids_by_split, labels)
    write_if_changed(out / TABLE_NAME, format_table(plan).encode())
    for name in (BUILD_SUMMARY, OLD_BUILD_SUMMARY):
        if (source.home / name).is_file():
            # The evaluator reads from it how many pictures were listed and how many rejected.
            write_if_changed(out / name, (source.home / name).read_bytes())
    write_manifest(
        out,
        [_manifest_row(planned, origins.get(planned.source_id, {})) for planned in plan.pictures],
    )
    write_index_once(target, [picture.image_id for picture in plan.pictures])


def _manifest_row(picture: PlannedPicture, origin: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a picture; origin: the source's row in the source's manifest."""
    return {
        "id": picture.image_id,
        "source": picture.source_id,
        "copy": picture.copy,
        "split": picture.split,
        "expression": picture.label,
        "dataset": origin.get("dataset"),
        "group": origin.get("group"),
        "clip": origin.get("clip"),
        "frame": origin.get("frame"),
        "jitter": asdict(picture.draw) if picture.draw else None,
    }
