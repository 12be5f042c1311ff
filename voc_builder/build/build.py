"""The converter: raw data sets in, one VOC folder out, with a record of every picture."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from fer_det.core.label import LabelDistribution
from fer_det.core.sample import SPLITS, Sample
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from fer_det.faces.detector import FaceDetector
from fer_det.io.files import make_folder, sweep_temporaries
from fer_det.io.journal import open_journal
from fer_det.io.voc import BUILD_SUMMARY, INDEX, MANIFEST, VocFolder
from fer_det.io.voc_annotation import check_image_id
from fer_det.io.voc_index import write_index
from fer_det.runtime.pool import open_pool
from fer_det.runtime.progress import track
from voc_builder.build.config import BoxChoice, BuildConfig, Source
from voc_builder.build.contact_sheet import CONTACT_SHEET_NAME, write_contact_sheet
from voc_builder.build.convert import ConverterPlan, WorkItem, convert_batches, load_mtcnn
from voc_builder.build.records import Record, write_manifest
from voc_builder.build.resume import (
    JOURNAL_NAME,
    OtherBuildError,
    find_outdated,
    read_previous,
    remove_build,
)
from voc_builder.build.split import assign_splits
from voc_builder.build.summary import (
    SUMMARY_TEXT,
    Found,
    format_outcome,
    summarise,
    write_summary,
)
from voc_builder.readers import READERS

VERSION = 2
"""Of the format of a build; a build of another version is not continued."""
BATCH = 32
"""Pictures that a worker takes at a time, and that are done again after a kill."""
UNSEARCHED_BATCH = 512
"""The same where no face detector is run, and the files are small."""


@dataclass(frozen=True)
class Listing:
    """All pictures that the data sets list, in their order, and the counts of each data set."""

    items: tuple[WorkItem, ...]
    found: tuple[Found, ...]


def build(
    config: BuildConfig,
    sources: Sequence[Source],
    load_detector: Callable[[], FaceDetector] = load_mtcnn,
) -> dict[str, Any]:
    """Write the VOC folder, or the missing part of it, and return the summary's figures.

    load_detector: called at most once in each worker process, so it must be a module's own
    function. Raises the FerDetError that describes a fault of the data sets or the output, and
    WorkerError where a worker process dies; what was done till then is kept. Raises
    DatasetNotFoundError, after all else is written, where listed pictures are absent.
    """
    _refuse_inside(config.out, sources)
    listing = list_pictures(config, sources)
    items = listing.items
    header = make_header(config, sources)
    previous, outdated = _look_back(config, items, header)
    _warn_absent(items, previous)
    if not outdated and _is_complete(config, items):
        print(f"{config.out} is up to date: nothing was written")
        summary = summarise(_final_records(items, previous), _classes(items), header, listing.found)
        _refuse_incomplete(summary, config)
        return summary
    shared = (config.out / JOURNAL_NAME, *(source.root for source in sources))
    with (
        open_pool(config, config.workers, shared) as pool,
        open_journal(make_folder(config.out) / JOURNAL_NAME, header) as journal,
    ):
        for each in listing.found:
            print(each.describe())
        sweep_temporaries(config.out)
        VocFolder.create(config.out)
        plan = ConverterPlan(config.out, config.coarse_first, load_detector)
        batches = _batches(items, outdated)

        def convert() -> Iterator[Record]:
            for done in convert_batches(plan, batches, pool):
                journal.append([record.to_json() for record in done])
                yield from done

        records = dict(previous)
        done_before = len(items) - len(outdated)
        for record in track(convert(), len(items), "faces", "pictures", done_before):
            records[record.id] = record
        # All work is done: what a lost process or node has left belongs to nobody.
        sweep_temporaries(config.out, stale_seconds=0)
        summary = _finish(config, listing, records, header)
        (config.out / JOURNAL_NAME).unlink()
    print(format_outcome(summary, config.out))
    _refuse_incomplete(summary, config)
    return summary


def _refuse_inside(out: Path, sources: Sequence[Source]) -> None:
    """The next build would take the written files for pictures of the data set."""
    for source in sources:
        if out.resolve().is_relative_to(source.root.resolve()):
            raise ConfigError(
                f"--out {out} is in the data set's folder {source.root}",
                "a folder outside of what is read",
                "choose another --out",
            )


def list_pictures(config: BuildConfig, sources: Sequence[Source]) -> Listing:
    """Read the data sets and choose the splits of their pictures.

    Raises DatasetFormatError where an id occurs twice or cannot be a file's name, and
    DatasetNotFoundError where no picture is left.
    """
    samples: list[Sample] = []
    found: list[Found] = []
    for source in sources:
        reader = READERS[source.name]
        own = list(reader.read(source.root, source.options))
        published = reader.published(source.options)
        found.append(Found.of(source.name, reader.TITLE, source.root, own, source.made, published))
        samples += [replace(each, made=source.made) for each in own if each.left_out is None]
    # Ids that differ in case only would be one file on many systems.
    counts = Counter(check_image_id(sample.sample_id).lower() for sample in samples)
    twice = [each.sample_id for each in samples if counts[each.sample_id.lower()] > 1]
    if twice:
        raise DatasetFormatError(
            f"{sum(count - 1 for count in counts.values())} pictures have the same id as another,"
            f" the first is {twice[0]}",
            "file names that distinguish the pictures",
            "rename the pictures or correct the data set's lists",
        )
    if not samples:
        raise DatasetNotFoundError(
            "no picture is left to convert", "a data set with labels", "change the options"
        )
    splits = assign_splits(samples, config.val_fraction, config.seed)
    boxes = {source.name: boxes_for(config, source) for source in sources}
    items = [
        WorkItem(sample, splits[sample.sample_id], boxes[sample.dataset]) for sample in samples
    ]
    return Listing(tuple(items), tuple(found))


def boxes_for(config: BuildConfig, source: Source) -> BoxChoice:
    """Which boxes the faces of a data set get: as configured, or what suits the data set."""
    suited: BoxChoice = getattr(READERS[source.name], "BOXES", "mtcnn")
    return config.boxes or suited


def make_header(config: BuildConfig, sources: Sequence[Source]) -> dict[str, Any]:
    """The settings that decide what is written, and their fingerprint."""
    boxes = {source.name: boxes_for(config, source) for source in sources}
    same = len(set(boxes.values())) == 1
    each = [f"{name} {choice}" for name, choice in boxes.items()]
    settings = {
        "version": VERSION,
        "boxes": boxes[sources[0].name] if same else ", ".join(each),
        "val_fraction": config.val_fraction,
        "seed": config.seed,
        "coarse_first": config.coarse_first,
        **{source.name: asdict(source.options) for source in sources},
    }
    text = json.dumps(settings, sort_keys=True)
    return {"fingerprint": hashlib.sha256(text.encode()).hexdigest(), "settings": settings}


def _look_back(
    config: BuildConfig, items: Sequence[WorkItem], header: Mapping[str, Any]
) -> tuple[dict[str, Record], set[str]]:
    """(records of an earlier run, ids of what is still to be done)."""
    try:
        previous = read_previous(config.out, header)
        return previous, find_outdated(items, previous, config.out)
    except (OtherBuildError, DatasetFormatError):
        if not config.overwrite:
            raise
        remove_build(config.out)
        return {}, {item.sample.sample_id for item in items}


def _warn_absent(items: Sequence[WorkItem], previous: Mapping[str, Record]) -> None:
    for name in dict.fromkeys(item.sample.dataset for item in items):
        own = [item.sample for item in items if item.sample.dataset == name]
        absent = [
            sample.picture
            for sample in own
            if not _is_written(previous, sample.sample_id) and not sample.picture.exists()
        ]
        if absent:
            first = getattr(absent[0], "path", absent[0].name)
            print(
                f"warning: {name}: {len(absent)} of {len(own)} listed pictures are absent,"
                f" the first is {first}; the others are converted",
                file=sys.stderr,
            )


def _is_written(records: Mapping[str, Record], sample_id: str) -> bool:
    return sample_id in records and records[sample_id].status == "written"


def _is_complete(config: BuildConfig, items: Sequence[WorkItem]) -> bool:
    """Whether a run has come to its end and all that it wrote last exists."""
    if (config.out / JOURNAL_NAME).exists():
        return False
    folder = VocFolder.create(config.out)
    names = (MANIFEST, INDEX, SUMMARY_TEXT, BUILD_SUMMARY, CONTACT_SHEET_NAME)
    paths = [folder.label_map_path, *(config.out / name for name in names)]
    paths += [folder.image_set_path(split) for split in _image_sets(items)]
    return all(path.is_file() for path in paths)


def _batches(items: Sequence[WorkItem], outdated: Collection[str]) -> list[list[WorkItem]]:
    """The items to do, cut at places that depend on the whole list only.

    So a build that was killed gives the detector the same pictures together as one that was not,
    and gets the same numbers to the last digit.
    """
    size = BATCH if any(item.needs_detector for item in items) else UNSEARCHED_BATCH
    chunks = (items[start : start + size] for start in range(0, len(items), size))
    batches = ([item for item in chunk if item.sample.sample_id in outdated] for chunk in chunks)
    return [batch for batch in batches if batch]


def _finish(
    config: BuildConfig,
    listing: Listing,
    records: Mapping[str, Record],
    header: Mapping[str, Any],
) -> dict[str, Any]:
    """Write what describes all pictures: image sets, manifest, index, contact sheet, summary."""
    out, items = config.out, listing.items
    folder = VocFolder.create(out)
    final = _final_records(items, records)
    classes = _classes(items)
    ids = {
        split: [each.id for each in final if each.status == "written" and each.split in members]
        for split, members in _image_sets(items).items()
    }
    shown = {each.id: {face.expression for face in each.written_faces} for each in final}
    folder.write_label_map(classes)
    folder.write_image_sets(ids, shown)
    write_manifest(out / MANIFEST, final)
    write_index(folder, lambda listed: track(listed, len(listed), "index", "pictures"))
    pictures = {item.sample.sample_id: item.sample.picture for item in items}
    write_contact_sheet(out / CONTACT_SHEET_NAME, folder, final, classes, pictures)
    summary = summarise(final, classes, header, listing.found)
    write_summary(out, summary)
    return summary


def _final_records(items: Sequence[WorkItem], records: Mapping[str, Record]) -> list[Record]:
    """In the order of the list, with the splits of today's list: it may have grown since."""
    return [replace(records[item.sample.sample_id], split=item.split) for item in items]


def _image_sets(items: Sequence[WorkItem]) -> dict[str, tuple[str, ...]]:
    """The image sets that are not empty by the lists, each with its splits."""
    present = {item.split for item in items}
    sets: dict[str, tuple[str, ...]] = {split: (split,) for split in SPLITS}
    sets["trainval"] = ("train", "val")
    return {name: members for name, members in sets.items() if present.intersection(members)}


def _classes(items: Sequence[WorkItem]) -> list[str]:
    """RAF-DB's seven, and contempt where a label gives it a probability."""
    present = {
        expression
        for item in items
        for label in item.sample.labels
        for expression in (
            label.probabilities if isinstance(label, LabelDistribution) else (label,)
        )
    }
    return [each.label for each in Expression if each in BASIC_EXPRESSIONS or each in present]


def _refuse_incomplete(summary: Mapping[str, Any], config: BuildConfig) -> None:
    absent = sum(each["absent"] for each in summary["datasets"].values())
    listed = sum(each["listed"] for each in summary["datasets"].values())
    if not summary["pictures"]:
        reasons = ", ".join(f"{count} {reason}" for reason, count in summary["reasons"].items())
        raise DatasetNotFoundError(
            f"none of {listed} pictures could be written ({reasons})",
            "pictures with faces",
            f"see {config.out / SUMMARY_TEXT}",
        )
    if absent and not config.allow_missing:
        raise DatasetNotFoundError(
            f"{absent} of {listed} listed pictures are absent (all others are converted)",
            "every picture that the lists name",
            "complete the copy and type the same command again, or add --allow_missing",
        )
