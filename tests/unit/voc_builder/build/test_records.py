import dataclasses
import json
from pathlib import Path

import pytest

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.label import LabelDistribution
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Clip, Face, Sample
from fer_det.errors import DatasetFormatError
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import VocAnnotation, VocObject
from voc_builder.build.records import (
    FaceRecord,
    Record,
    hash_sample,
    probabilities_by_name,
    read_manifest,
    write_manifest,
)

WRITTEN = Record(
    id="rafdb_train_00001",
    dataset="rafdb",
    source="Image/original/train_00001.jpg",
    sha256="0" * 64,
    fingerprint="1234 bytes",
    status="written",
    reason=None,
    split="train",
    faces=(
        FaceRecord("fear", None, (1.0, 2.0, 30.5, 40.0), "mtcnn", 0.9987),
        FaceRecord("anger", {"anger": 0.75, "fear": 0.25}, reason="outside"),
    ),
    ignored=2,
    picture="copied",
    group="S010",
    clip="S010_001",
    frame=11,
    attributes={"age": "20-39"},
    sample_hash="abc",
)
REJECTED = Record(
    id="rafdb_train_00002",
    dataset="rafdb",
    source="Image/original/für.jpg",
    sha256=None,
    fingerprint=None,
    status="rejected",
    reason="the file is absent",
    split="train",
    faces=(FaceRecord("fear"),),
)
SAMPLE = Sample(
    "a", "rafdb", PictureFile(Path("/data"), "a.jpg"), (Face(Expression.FEAR),), "train"
)
VOTES = LabelDistribution({Expression.FEAR: 0.75, Expression.ANGER: 0.25})


def test_records_survive_the_file(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.jsonl", [WRITTEN, REJECTED])
    assert read_manifest(tmp_path / "manifest.jsonl") == [WRITTEN, REJECTED]


def test_a_line_is_plain_json(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.jsonl", [WRITTEN])
    values = json.loads((tmp_path / "manifest.jsonl").read_text())
    assert values["faces"][0]["box"] == [1.0, 2.0, 30.5, 40.0]
    assert values["faces"][1]["probabilities"] == {"anger": 0.75, "fear": 0.25}
    assert values["status"] == "written"


@pytest.mark.parametrize("line", ["", "{}", "[1]", '{"id": 3', json.dumps({"id": "a", "more": 1})])
def test_a_line_that_is_no_record(tmp_path: Path, line: str) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(f"{WRITTEN.to_line()}\n{line}\n")
    with pytest.raises(DatasetFormatError, match="line 2 is not a row of a manifest"):
        read_manifest(path)


def test_absent() -> None:
    assert REJECTED.absent
    assert not WRITTEN.absent


class TestHash:
    def test_place_on_the_machine_does_not_count(self) -> None:
        moved = dataclasses.replace(SAMPLE, picture=PictureFile(Path("/elsewhere"), "a.jpg"))
        assert hash_sample(moved) == hash_sample(SAMPLE)

    @pytest.mark.parametrize(
        "change",
        [
            {"faces": (Face(Expression.ANGER),)},
            {"faces": (Face(VOTES),)},
            {"faces": (Face(Expression.FEAR), Face(None))},
            {"split": "test"},
            {"framing": "face_crop"},
            {"group": "S1"},
            {"clip": Clip("S1_1", 4)},
            {"faces": (Face(Expression.FEAR, FaceBox(0, 0, 1, 1)),)},
            {"faces": (Face(Expression.FEAR, None, ((1.0, 2.0),)),)},
            {"picture": PictureFile(Path("/data"), "b.jpg")},
            {"attributes": {"age": "70+"}},
        ],
    )
    def test_all_that_is_stated_counts(self, change: dict[str, object]) -> None:
        changed = dataclasses.replace(SAMPLE, **change)  # type: ignore[arg-type]
        assert hash_sample(changed) != hash_sample(SAMPLE)


def test_probabilities_that_round_to_nothing_are_left_out(tmp_path: Path) -> None:
    """As of a table with another model's probabilities."""
    label = LabelDistribution(
        {Expression.FEAR: 1e-7, Expression.ANGER: 0.3 - 1e-7} | {Expression.SADNESS: 0.7}
    )
    shares = probabilities_by_name(label)
    assert shares == {"anger": 0.3, "sadness": 0.7}
    folder = VocFolder.create(tmp_path)
    face = VocObject("sadness", FaceBox(1, 1, 5, 5), shares)
    folder.write(VocAnnotation("a", 9, 9, (face,)))
    assert folder.read("a").objects == (face,)
