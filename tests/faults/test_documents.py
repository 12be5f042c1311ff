"""Generated annotations, lists and records: read as what they are, or refused in one line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_data import rafdb
from fake_data.amounts import amount, tell
from fake_data.documents import (
    ESCAPES,
    JSON_VALUES,
    NUMBERS,
    PROLOGUES,
    annotations,
    damaged,
    lists,
)
from fake_data.voc_tree import write_voc_tree
from fake_data.watch import watching
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fer_det.checks.folder import check_folder
from fer_det.config.check import CheckConfig
from fer_det.engine.run_folder import read_log
from fer_det.errors import AnnotationError, FerDetError
from fer_det.io.journal import read_header, read_parts
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import VocAnnotation, read_annotation
from voc_builder.build.records import Record, read_manifest
from voc_builder.readers.rafdb import Options, read

SHORT, FULL = 60, 10_000
generated = settings(
    max_examples=amount(SHORT, FULL),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
some = settings(generated, max_examples=amount(20, 1000))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(scope="module")
def raw(place: Path) -> Path:
    rafdb.write(place / "raw", train=2, test=1)
    return place / "raw"


def result(work: Callable[[], Any]) -> Any:
    """What the work gives, or the FerDetError in its stead; anything else is a crash."""
    try:
        return work()
    except FerDetError as error:
        refusal = error
    assert "\n" not in str(refusal)
    return refusal


class TestAnnotation:
    @generated
    @given(data=annotations())
    def test_is_trustworthy_or_refused(self, place: Path, data: bytes) -> None:
        path = place / "a.xml"
        path.write_bytes(data)
        with watching() as watched:
            found = result(lambda: read_annotation(path))
        assert watched.opened == [path]
        assert not watched.connected
        if isinstance(found, VocAnnotation):
            assert b"<!DOCTYPE" not in data or b"<!-- <!DOCTYPE" in data
            for face in found.objects:
                edges = face.box.as_tuple()
                assert all(map(math.isfinite, edges))
                assert 0 <= edges[0] < edges[2] <= found.width
                assert 0 <= edges[1] < edges[3] <= found.height
        else:
            assert isinstance(found, AnnotationError)

    @pytest.mark.parametrize("prologue", [p for p in PROLOGUES if p.startswith("<!DOCTYPE")])
    def test_doctype_opens_nothing(self, tmp_path: Path, prologue: str) -> None:
        folder = write_voc_tree(tmp_path, {"train": ["fear"]})
        path = folder.annotation_path("train_0000")
        path.write_text(prologue + path.read_text().replace(">fear<", ">&fear;<"))
        with watching() as watched, pytest.raises(AnnotationError, match=r"DOCTYPE|Entity"):
            folder.read("train_0000")
        assert watched.opened == [path]
        assert not watched.connected


class TestLists:
    @generated
    @given(data=lists(st.sampled_from(["train_0000", "train_0001", *ESCAPES]) | st.text(), 1))
    def test_image_set(self, place: Path, data: bytes) -> None:
        folder = VocFolder.create(place / "voc")
        folder.image_set_path("train").write_bytes(data)
        found = result(lambda: folder.image_ids("train"))
        if isinstance(found, list):
            for name in found:
                assert folder.image_path(name).parent == folder.root / "JPEGImages"
        else:
            assert isinstance(found, FerDetError)

    @generated
    @given(
        data=lists(
            st.sampled_from(["train_00001.jpg", "test_0001.jpg", "train_00002.jpg", *ESCAPES])
            | st.from_regex(r"(train|test)_\d{1,5}\.jpg", fullmatch=True)
            | st.text(max_size=9),
            1,
        )
    )
    def test_rafdb(self, raw: Path, data: bytes) -> None:
        rafdb.list_path(raw).write_bytes(data)
        with watching() as watched:
            found = result(lambda: list(read(raw, Options())))
        assert watched.opened_outside(raw) == []
        if isinstance(found, list):
            folder = raw / "basic" / "Image" / "original"
            assert all(sample.picture.path.parent == folder for sample in found)
            assert len({sample.sample_id for sample in found}) == len(found)

    @some
    @given(
        box=st.lists(NUMBERS, max_size=6).map(" ".join),
        points=st.lists(NUMBERS, max_size=12).map("\n".join),
        label=NUMBERS,
        data=st.data(),
    )
    def test_rafdb_s_boxes_and_points(
        self, raw: Path, box: str, points: str, label: str, data: st.DataObject
    ) -> None:
        rafdb.list_path(raw).write_text(f"train_00001.jpg {label}\n")
        rafdb.box_path(raw, "train_00001").write_bytes(data.draw(damaged(box.encode())))
        rafdb.manual_path(raw, "train_00001").parent.mkdir(exist_ok=True)
        rafdb.manual_path(raw, "train_00001").write_bytes(data.draw(damaged(points.encode())))
        for sample in _samples(result(lambda: list(read(raw, Options())))):
            for face in sample.faces:
                assert 1 <= int(face.label) <= 7
                if face.box is not None:
                    assert face.box.area > 0
                assert all(math.isfinite(value) for point in face.landmarks for value in point)


def _samples(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


class TestRecords:
    """What earlier runs have left, damaged by whatever came since."""

    @some
    @given(value=JSON_VALUES, data=st.data())
    def test_manifest_journal_summary_log(
        self, place: Path, value: Any, data: st.DataObject
    ) -> None:
        line = data.draw(damaged(json.dumps(value).encode()))
        path = place / "records"
        path.write_bytes(line + b"\n")
        records = result(lambda: read_manifest(path))
        assert isinstance(records, FerDetError) or all(isinstance(r, Record) for r in records)
        header = result(lambda: read_header(path, "begin again"))
        assert isinstance(header, (FerDetError, dict))
        assert list(read_parts(path)) == []
        folder = VocFolder.create(place / "voc")
        (folder.home / "summary.json").write_bytes(line)
        assert isinstance(result(folder.build_summary), (dict, FerDetError))
        (place / "log.jsonl").write_bytes(line)
        assert all(isinstance(record, dict) for record in read_log(place))

    @pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 100_000, "\ud800", "\0"])
    def test_endless_and_no_text(self, tmp_path: Path, text: str) -> None:
        data = text.encode("utf-8", errors="surrogatepass")
        folder = VocFolder.create(tmp_path)
        for name in ("summary.json", "manifest.jsonl", "log.jsonl"):
            (folder.home / name).write_bytes(data)
        assert isinstance(result(folder.build_summary), FerDetError)
        assert isinstance(result(lambda: read_manifest(tmp_path / "manifest.jsonl")), FerDetError)
        header = result(lambda: read_header(tmp_path / "summary.json", "begin again"))
        assert isinstance(header, FerDetError)
        assert read_log(tmp_path) == []


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> VocFolder:
    return write_voc_tree(tmp_path_factory.mktemp("tree"), {"train": ["fear"], "val": ["anger"]})


@some
@given(xml=annotations(), train=lists(st.sampled_from(["train_0000", "val_0000", "../a"]), 1))
def test_check_never_stumbles(tree: VocFolder, xml: bytes, train: bytes) -> None:
    tree.annotation_path("train_0000").write_bytes(xml)
    tree.image_set_path("train").write_bytes(train)
    config = CheckConfig(data=tree.home, threads=1)
    assert all("\n" not in str(finding) for finding in check_folder(config).findings)


def test_counts() -> None:
    most, fewer = 3 * amount(SHORT, FULL), 3 * amount(20, 1000)
    tell(f"documents: {most:,} annotations and lists, {fewer:,} others, 0 undeclared exceptions")
