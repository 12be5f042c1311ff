"""What an earlier run left in the output: gone on with, refused, or removed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_det.errors import ImageError, OutputError
from fer_det.imaging.decode import read_image_bytes
from fer_det.io.voc import BALANCE_RECORD, BUILD_REPORT, DEVKIT, MANIFEST, VocFolder
from voc_builder.build.contact_sheet import CONTACT_SHEET_NAME
from voc_builder.build.convert import WorkItem
from voc_builder.build.journal import JOURNAL_NAME, read_journal
from voc_builder.build.manifest import Record, hash_sample, read_manifest
from voc_builder.build.summary import MADE_BY, REPORT_TEXT

_REMEDY = "choose another --out, or replace what is there with --overwrite"
_FOREIGN_REMEDY = "choose another --out"


class OtherBuildError(OutputError):
    """The output holds a build, but not the one that is wanted."""


def read_previous(out: Path, header: Mapping[str, Any]) -> dict[str, Record]:
    """The records of an earlier run with the same settings, by id; none where there was none.

    Raises OtherBuildError where `out` holds a build with other settings, and OutputError where it
    holds a VOC folder or a report that is not a build's.
    """
    if (out / BALANCE_RECORD).is_file():
        raise OutputError(
            f"{out} was made by the balancer", "a new or empty folder", _FOREIGN_REMEDY
        )
    records: dict[str, Record] = {}
    headers = []
    report = _read_report(out / BUILD_REPORT)
    if report is not None:
        headers.append(report)
        manifest = out / MANIFEST
        # The report comes last, so only a hand has removed the manifest: all is done anew.
        records = _by_id(read_manifest(manifest)) if manifest.is_file() else {}
    if (out / JOURNAL_NAME).is_file():
        journal_header, done = read_journal(out / JOURNAL_NAME)
        headers.append(journal_header)
        records |= _by_id(done)
    if not headers and any(path.is_file() for path in (out / DEVKIT).rglob("*")):
        raise OutputError(
            f"{out / DEVKIT} was not made by this command", "a new or empty folder", _FOREIGN_REMEDY
        )
    for found in headers:
        if found.get("fingerprint") != header["fingerprint"]:
            raise OtherBuildError(
                f"{out} holds a build with {_differences(found, header)}",
                _differences(header, found),
                _REMEDY,
            )
    return records


def find_outdated(items: Sequence[WorkItem], previous: Mapping[str, Record], out: Path) -> set[str]:
    """Ids of the items that have to be done: new ones, and those whose circumstances changed.

    A rejected picture is tried again when its file has changed; a written one only where its
    output is gone. Raises OtherBuildError where the earlier run had pictures that are no longer
    listed, or wrote some that the data set now says something else of.
    """
    hashes = {item.sample.sample_id: hash_sample(item.sample, item.source) for item in items}
    others = [name for name, record in previous.items() if _is_other(record, hashes.get(name))]
    sizes = {item.sample.sample_id: _size(item.sample.image_path) for item in items}
    others += [
        name
        for name, record in previous.items()
        if record.status == "written" and sizes.get(name) not in (None, record.bytes)
    ]
    if others:
        raise OtherBuildError(
            f"{out} holds a build of other data, in which {len(set(others))} of these pictures were"
            f" not the same or not there (the first is {others[0]})",
            "the data that the build was begun with, completed or not",
            _REMEDY,
        )
    folder = VocFolder.create(out) if previous else None
    return {
        item.sample.sample_id
        for item in items
        if folder is None or not _is_done(previous.get(item.sample.sample_id), item, folder)
    }


def remove_build(out: Path) -> None:
    """Remove all that a build writes, and last what tells that it was one."""
    for name in ("Annotations", "JPEGImages", "ImageSets"):
        shutil.rmtree(out / DEVKIT / name, ignore_errors=True)
    for path in (out / DEVKIT / "labelmap.txt", *_own_files(out)):
        path.unlink(missing_ok=True)


def _own_files(out: Path) -> list[Path]:
    names = (CONTACT_SHEET_NAME, MANIFEST, REPORT_TEXT, JOURNAL_NAME, BUILD_REPORT)
    return [out / name for name in names]


def _read_report(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if report["made_by"] == MADE_BY:
            return dict(report)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise OutputError(f"{path} is not a build's report", "a new or empty folder", _FOREIGN_REMEDY)


def _by_id(records: Sequence[Record]) -> dict[str, Record]:
    return {record.id: record for record in records}


def _differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """The settings of `ours` that `theirs` has otherwise, as 'boxes "mtcnn", seed 0'."""
    settings, other = ours.get("settings", {}), theirs.get("settings", {})
    differing = [name for name in settings if settings[name] != other.get(name)]
    return ", ".join(f"{name} {json.dumps(settings[name])}" for name in differing) or "none of them"


def _is_other(record: Record, sample_hash: str | None) -> bool:
    # A rejected picture may have lacked its annotation too, and has nothing that could be lost.
    changed = record.status == "written" and record.sample_hash != sample_hash
    return sample_hash is None or changed


def _is_done(record: Record | None, item: WorkItem, folder: VocFolder) -> bool:
    if record is None:
        return False
    if record.status == "written":
        files = (folder.image_path(record.id), folder.annotation_path(record.id))
        return all(path.is_file() for path in files)
    same = record.sample_hash == hash_sample(item.sample, item.source)
    return same and record.sha256 == _sha256(item.sample.image_path)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(read_image_bytes(path)).hexdigest()
    except (FileNotFoundError, ImageError):
        return None
