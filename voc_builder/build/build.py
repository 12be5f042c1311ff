"""The converter: raw data sets in, one VOC folder out, with an account of every picture."""

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
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from fer_det.faces.detector import FaceDetector
from fer_det.io.files import make_folder, sweep_temporaries
from fer_det.io.voc import BUILD_REPORT, MANIFEST, VocFolder, check_image_id
from fer_det.runtime.pool import available_cores
from fer_det.runtime.progress import track
from voc_builder.build.contact_sheet import CONTACT_SHEET_NAME, write_contact_sheet
from voc_builder.build.convert import BoxChoice, WorkItem
from voc_builder.build.journal import JOURNAL_NAME, open_journal
from voc_builder.build.made_faces import is_made
from voc_builder.build.manifest import Record, write_manifest
from voc_builder.build.previous import OtherBuildError, find_outdated, read_previous, remove_build
from voc_builder.build.split import SPLITS, assign_splits
from voc_builder.build.summary import REPORT_TEXT, format_outcome, summarise, write_report
from voc_builder.build.workers import ConverterPlan, convert_batches, load_mtcnn
from voc_builder.readers import READERS

VERSION = 1
"""Of what a build writes; a build of another version is not gone on with."""
BATCH = 32
"""Pictures that a worker takes at a time, and that a kill makes it do again."""


@dataclass(frozen=True)
class BuildConfig:
    """Turn raw data sets into one Pascal VOC folder of face boxes with expression labels.

    A build that was killed goes on where it was when the same command is given again.
    """

    out: Path = Path("data/voc")
    """Folder to write: VOCdevkit/VOC2007, manifest.jsonl, report.txt, report.json and a sheet."""
    boxes: BoxChoice = "mtcnn"
    """Whose box the labelled face gets: MTCNN's at the data set's own, or the data set's itself."""
    val_fraction: float = 0.1
    """Share of each class's training pictures kept apart for validation, by subject if known."""
    seed: int = 0
    """Which pictures, of the many possible draws, become the validation split."""
    workers: int | None = None
    """Worker processes; null: one a core, 0 or 1: all is done in the main process."""
    coarse_first: bool = False
    """Look for the largest face only, faster; fewer other faces are then marked as ignore."""
    allow_missing: bool = False
    """End with success although pictures that a data set lists are absent."""
    overwrite: bool = False
    """Replace a build of other settings or other data; one of the same is gone on with."""

    def __post_init__(self) -> None:
        if not 0 <= self.val_fraction < 1:
            raise ConfigError(
                f"val_fraction {self.val_fraction}", "a share from 0 up to 1", "try 0.1"
            )
        if self.workers is not None and self.workers < 0:
            raise ConfigError(f"workers {self.workers}", "0 or more", "leave it out")


@dataclass(frozen=True)
class Source:
    """A raw data set: its reader's name, its folder, and how to read it."""

    name: str
    root: Path
    options: Any
    """The reader's Options."""

    @property
    def made(self) -> bool:
        """Whether its faces are made ones, in that data set's layout."""
        return is_made(self.root)


def build(
    config: BuildConfig,
    sources: Sequence[Source],
    load_detector: Callable[[], FaceDetector] = load_mtcnn,
) -> dict[str, Any]:
    """Write the VOC folder, or what is missing of it, and return the report's figures.

    load_detector: called once in each worker process, so it must be a module's own function.
    Raises the FerDetError that says what is wrong with the data sets or the output, and
    WorkerError where a worker process dies; what was done till then is kept. Raises
    DatasetNotFoundError, after all else is written, where listed pictures are absent.
    """
    items = list_items(config, sources)
    header = make_header(config, sources)
    previous, outdated = _look_back(config, items, header)
    _warn_absent(items, previous)
    if not outdated and _is_complete(config.out, items):
        print(f"{config.out} is up to date: nothing was written")
        summary = _summarise(_final_records(items, previous), items, sources, header)
        _refuse_incomplete(summary, config)
        return summary
    make_folder(config.out)
    with open_journal(config.out / JOURNAL_NAME, header) as journal:
        sweep_temporaries(config.out)
        VocFolder.create(config.out)
        plan = ConverterPlan(config.out, config.boxes, config.coarse_first, load_detector)
        batches = _batches(items, outdated)
        workers = available_cores() if config.workers is None else config.workers

        def convert() -> Iterator[Record]:
            for done in convert_batches(plan, batches, workers):
                journal.append(done)
                yield from done

        records = dict(previous)
        begun = len(items) - len(outdated)
        for record in track(convert(), len(items), "faces", "pictures", begun):
            records[record.id] = record
        summary = _finish(config.out, items, records, sources, header)
        (config.out / JOURNAL_NAME).unlink()
    print(format_outcome(summary, config.out))
    _refuse_incomplete(summary, config)
    return summary


def list_items(config: BuildConfig, sources: Sequence[Source]) -> list[WorkItem]:
    """All pictures that the data sets list, in their order, with their splits.

    Raises DatasetFormatError where an id comes twice or cannot be a file's name.
    """
    listed = [
        (replace(sample, made=source.made), sample.image_path.relative_to(source.root).as_posix())
        for source in sources
        for sample in READERS[source.name].read(source.root, source.options)
    ]
    counts = Counter(check_image_id(sample.sample_id) for sample, _ in listed)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DatasetFormatError(
            f"{len(twice)} pictures have the same id as another, the first is {twice[0]}",
            "file names that tell the pictures apart",
            "rename the pictures or correct the data set's lists",
        )
    if not listed:
        raise DatasetNotFoundError(
            "no picture is left to convert", "a data set with labels", "change the options"
        )
    splits = assign_splits([sample for sample, _ in listed], config.val_fraction, config.seed)
    return [WorkItem(sample, source, splits[sample.sample_id]) for sample, source in listed]


def make_header(config: BuildConfig, sources: Sequence[Source]) -> dict[str, Any]:
    """The settings that decide what is written, and their fingerprint."""
    settings = {
        "version": VERSION,
        "boxes": config.boxes,
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
            sample.image_path
            for sample in own
            if not _is_written(previous, sample.sample_id) and not sample.image_path.is_file()
        ]
        if absent:
            print(
                f"warning: {name}: {len(absent)} of {len(own)} listed pictures are absent,"
                f" the first is {absent[0]}; the others are converted",
                file=sys.stderr,
            )


def _is_written(records: Mapping[str, Record], sample_id: str) -> bool:
    return sample_id in records and records[sample_id].status == "written"


def _is_complete(out: Path, items: Sequence[WorkItem]) -> bool:
    """Whether a run has come to its end and all that it wrote last is there."""
    if (out / JOURNAL_NAME).exists():
        return False
    folder = VocFolder.create(out)
    names = (MANIFEST, REPORT_TEXT, BUILD_REPORT, CONTACT_SHEET_NAME)
    paths = [folder.label_map_path, *(out / name for name in names)]
    paths += [folder.image_set_path(split) for split in _image_sets(items)]
    return all(path.is_file() for path in paths)


def _batches(items: Sequence[WorkItem], outdated: Collection[str]) -> list[list[WorkItem]]:
    """The items to do, cut at places that hang on the whole list.

    So a build that was killed asks the detector for the same pictures together as one that was
    not, and gets the same numbers to the last digit.
    """
    chunks = (items[start : start + BATCH] for start in range(0, len(items), BATCH))
    batches = ([item for item in chunk if item.sample.sample_id in outdated] for chunk in chunks)
    return [batch for batch in batches if batch]


def _finish(
    out: Path,
    items: Sequence[WorkItem],
    records: Mapping[str, Record],
    sources: Sequence[Source],
    header: Mapping[str, Any],
) -> dict[str, Any]:
    """Write what sums the pictures up: image sets, manifest, contact sheet, report."""
    folder = VocFolder.create(out)
    final = _final_records(items, records)
    classes = _classes(items)
    ids = {
        split: [each.id for each in final if each.status == "written" and each.split in members]
        for split, members in _image_sets(items).items()
    }
    folder.write_label_map(classes)
    folder.write_image_sets(ids, {each.id: [each.expression] for each in final})
    write_manifest(out / MANIFEST, final)
    roots = {source.name: source.root for source in sources}
    write_contact_sheet(out / CONTACT_SHEET_NAME, folder, final, classes, roots)
    summary = _summarise(final, items, sources, header)
    write_report(out, summary)
    return summary


def _final_records(items: Sequence[WorkItem], records: Mapping[str, Record]) -> list[Record]:
    """In the order of the list, with the splits of today's list: it may have grown since."""
    return [replace(records[item.sample.sample_id], split=item.split) for item in items]


def _image_sets(items: Sequence[WorkItem]) -> dict[str, tuple[str, ...]]:
    """The image sets that are not empty by the lists, each with the splits it is made of."""
    present = {item.split for item in items}
    sets = {**{split: (split,) for split in SPLITS}, "trainval": ("train", "val")}
    return {name: members for name, members in sets.items() if present.intersection(members)}


def _classes(items: Sequence[WorkItem]) -> list[str]:
    """RAF-DB's seven, and contempt where a data set has kept it."""
    present = {item.sample.expression for item in items}
    return [each.label for each in Expression if each in BASIC_EXPRESSIONS or each in present]


def _summarise(
    records: Sequence[Record],
    items: Sequence[WorkItem],
    sources: Sequence[Source],
    header: Mapping[str, Any],
) -> dict[str, Any]:
    roots = {source.name: source.root.resolve().name for source in sources}
    made = [source.name for source in sources if source.made]
    return summarise(records, _classes(items), header, roots, made)


def _refuse_incomplete(summary: Mapping[str, Any], config: BuildConfig) -> None:
    absent = sum(each["absent"] for each in summary["datasets"].values())
    listed = sum(each["listed"] for each in summary["datasets"].values())
    if not summary["pictures"]:
        raise DatasetNotFoundError(
            f"none of {listed} pictures could be written",
            "pictures with faces",
            f"see the reasons in {config.out / REPORT_TEXT}",
        )
    if absent and not config.allow_missing:
        raise DatasetNotFoundError(
            f"{absent} of {listed} listed pictures are absent (all the others are dealt with)",
            "every picture that the lists name",
            "complete the copy and type the same command again, or add --allow_missing",
        )
