import dataclasses
import json
from pathlib import Path

import pytest

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError
from voc_builder.build.manifest import Record, hash_sample, read_manifest, write_manifest

WRITTEN = Record(
    id="rafdb_train_00001",
    dataset="rafdb",
    source="Image/original/train_00001.jpg",
    sha256="0" * 64,
    bytes=1234,
    status="written",
    reason=None,
    split="train",
    expression="fear",
    box=(1.0, 2.0, 30.5, 40.0),
    box_source="mtcnn",
    score=0.9987,
    ignored=2,
    picture="copied",
    subject="S010",
    attributes={"age": "20-39"},
    sample_hash="abc",
)
REJECTED = Record(
    id="rafdb_train_00002",
    dataset="rafdb",
    source="Image/original/für.jpg",
    sha256=None,
    bytes=None,
    status="rejected",
    reason="the file is absent",
    split="train",
    expression="fear",
)
SAMPLE = Sample("a", "rafdb", Path("/data/a.jpg"), Expression.FEAR, "train")


def test_records_survive_the_file(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.jsonl", [WRITTEN, REJECTED])
    assert read_manifest(tmp_path / "manifest.jsonl") == [WRITTEN, REJECTED]


def test_a_line_is_plain_json(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.jsonl", [WRITTEN])
    values = json.loads((tmp_path / "manifest.jsonl").read_text())
    assert values["box"] == [1.0, 2.0, 30.5, 40.0]
    assert values["status"] == "written"


@pytest.mark.parametrize("line", ["", "{}", "[1]", '{"id": 3', json.dumps({"id": "a", "more": 1})])
def test_a_line_that_is_no_record(tmp_path: Path, line: str) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(f"{WRITTEN.to_line()}\n{line}\n")
    with pytest.raises(DatasetFormatError, match="line 2 is not a manifest's"):
        read_manifest(path)


def test_absent() -> None:
    assert REJECTED.absent
    assert not WRITTEN.absent


class TestHash:
    def test_place_on_the_machine_does_not_count(self) -> None:
        moved = dataclasses.replace(SAMPLE, image_path=Path("/elsewhere/a.jpg"))
        assert hash_sample(moved, "a.jpg") == hash_sample(SAMPLE, "a.jpg")

    @pytest.mark.parametrize(
        "change",
        [
            {"expression": Expression.ANGER},
            {"split": "test"},
            {"framing": "face_crop"},
            {"subject": "S1"},
            {"face_box": FaceBox(0, 0, 1, 1)},
            {"landmarks": ((1.0, 2.0),)},
            {"attributes": {"age": "70+"}},
        ],
    )
    def test_all_that_is_said_counts(self, change: dict[str, object]) -> None:
        changed = dataclasses.replace(SAMPLE, **change)  # type: ignore[arg-type]
        assert hash_sample(changed, "a.jpg") != hash_sample(SAMPLE, "a.jpg")

    def test_source_counts(self) -> None:
        assert hash_sample(SAMPLE, "b.jpg") != hash_sample(SAMPLE, "a.jpg")
