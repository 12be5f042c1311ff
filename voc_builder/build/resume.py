"""A build that goes on where an earlier run ended: what that run has done and left behind."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_det.core.picture import PictureSource
from fer_det.errors import FerDetError, OutputError
from fer_det.io.files import hold_folder
from fer_det.io.journal import describe_differences, read_header, read_parts
from fer_det.io.voc import (
    BALANCE_RECORD,
    BUILD_SUMMARY,
    DEVKIT,
    INDEX,
    MANIFEST,
    OLD_BUILD_SUMMARY,
    VocFolder,
)
from voc_builder.build.contact_sheet import CONTACT_SHEET_NAME
from voc_builder.build.convert import WorkItem
from voc_builder.build.records import Record, hash_sample, read_manifest
from voc_builder.build.summary import MADE_BY, SUMMARY_TEXT

JOURNAL_NAME = ".build_journal.jsonl"
"""Holds a line with the records of each batch, written after its pictures."""

_OLD_FILES = (OLD_BUILD_SUMMARY, "report.txt")
"""Files of builds of earlier versions."""
_REMEDY = "choose another --out, or replace the folder's contents with --overwrite"
_FOREIGN_REMEDY = "choose another --out"


class OtherBuildError(OutputError):
    """The output holds a build, but not the one that is wanted."""


def read_previous(out: Path, header: Mapping[str, Any]) -> dict[str, Record]:
    """The records of an earlier run with the same settings, by id; none where there was none.

    Raises OtherBuildError where `out` holds a build with other settings, and OutputError where it
    holds a VOC folder or a summary that is not a build's.
    """
    if (out / BALANCE_RECORD).is_file():
        raise OutputError(
            f"{out} was made by the balancer", "a new or empty folder", _FOREIGN_REMEDY
        )
    summaries = [
        summary
        for name in (BUILD_SUMMARY, OLD_BUILD_SUMMARY)
        if (summary := _read_summary(out / name)) is not None
    ]
    if not summaries and not (out / JOURNAL_NAME).is_file():
        if any(path.is_file() for path in (out / DEVKIT).rglob("*")):
            raise OutputError(
                f"{out / DEVKIT} was not made by this command",
                "a new or empty folder",
                _FOREIGN_REMEDY,
            )
        return {}
    for summary in summaries:
        _refuse_other(out, summary, header)
    # The summary comes last, so only a user can have removed the manifest: all is done again.
    found = read_manifest(out / MANIFEST) if summaries and (out / MANIFEST).is_file() else []
    if (out / JOURNAL_NAME).is_file():
        journal = out / JOURNAL_NAME
        _refuse_other(out, read_header(journal, "build the folder again with --overwrite"), header)
        found += [record for batch in read_parts(journal) for record in _read_batch(batch)]
    return {record.id: record for record in found}


def find_outdated(items: Sequence[WorkItem], previous: Mapping[str, Record], out: Path) -> set[str]:
    """Ids of the items that have to be done: new ones, and those whose circumstances changed.

    A rejected picture is tried again when its source has changed; a written one only where its
    output is gone. Raises OtherBuildError where the earlier run had pictures that are no longer
    listed, or wrote some about which the data set now states something else.
    """
    if not previous:
        return {item.sample.sample_id for item in items}
    hashes = {item.sample.sample_id: hash_sample(item.sample) for item in items}
    fingerprints = {item.sample.sample_id: item.sample.picture.fingerprint() for item in items}
    others = [
        name
        for name, record in previous.items()
        if name not in hashes
        # A rejected picture may have lacked its annotation too, and has no files to lose.
        or (
            record.status == "written"
            and (
                record.sample_hash != hashes[name]
                or fingerprints[name] not in (None, record.fingerprint)
            )
        )
    ]
    if others:
        raise OtherBuildError(
            f"{out} holds a build of other data, in which {len(others)} of these pictures were"
            f" different or absent (the first is {others[0]})",
            "the data of the first run, complete or not",
            _REMEDY,
        )
    folder = VocFolder.create(out)
    return {
        item.sample.sample_id
        for item in items
        if not _is_done(
            previous.get(item.sample.sample_id), item, hashes[item.sample.sample_id], folder
        )
    }


def remove_build(out: Path) -> None:
    """Remove all that a build writes, and last the file that shows that it was one.

    Raises OutputError, and removes nothing, while another process builds there.
    """
    with hold_folder(out):
        for name in ("Annotations", "JPEGImages", "ImageSets"):
            shutil.rmtree(out / DEVKIT / name, ignore_errors=True)
        names = (
            CONTACT_SHEET_NAME,
            MANIFEST,
            INDEX,
            SUMMARY_TEXT,
            JOURNAL_NAME,
            *_OLD_FILES,
            BUILD_SUMMARY,
        )
        for path in (out / DEVKIT / "labelmap.txt", *(out / name for name in names)):
            path.unlink(missing_ok=True)


def _read_batch(batch: Any) -> list[Record]:
    """No record of a batch that another version has written."""
    try:
        return [Record.from_json(values) for values in batch]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _read_summary(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        if summary["made_by"] == MADE_BY:
            return dict(summary)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise OutputError(f"{path} is not a build's summary", "a new or empty folder", _FOREIGN_REMEDY)


def _refuse_other(out: Path, found: Mapping[str, Any], header: Mapping[str, Any]) -> None:
    if found.get("fingerprint") != header["fingerprint"]:
        ours, theirs = header.get("settings", {}), found.get("settings", {})
        raise OtherBuildError(
            f"{out} holds a build with {describe_differences(theirs, ours)}",
            describe_differences(ours, theirs),
            _REMEDY,
        )


def _is_done(record: Record | None, item: WorkItem, sample_hash: str, folder: VocFolder) -> bool:
    if record is None:
        return False
    if record.status == "written":
        files = (folder.image_path(record.id), folder.annotation_path(record.id))
        return all(path.is_file() for path in files)
    return record.sample_hash == sample_hash and record.sha256 == _sha256(item.sample.picture)


def _sha256(picture: PictureSource) -> str | None:
    try:
        return hashlib.sha256(picture.read()).hexdigest()
    except (FileNotFoundError, FerDetError):
        return None
