from pathlib import Path
from typing import Any

from fer_det.core.expression import Expression
from fer_det.core.picture import PictureFile
from fer_det.core.sample import LEFT_OUT, Face, Sample, Split
from voc_builder.build.records import FaceRecord, Record
from voc_builder.build.summary import Found, format_summary, format_table, summarise

HEADER = {"fingerprint": "f00", "settings": {"boxes": "mtcnn", "rafdb": {"images": "auto"}}}
BOX = (1.0, 2.0, 3.0, 4.0)


def face(expression: str, source: str | None = "mtcnn", **more: Any) -> FaceRecord:
    return FaceRecord(expression, box=BOX if source else None, box_source=source, **more)


def record(name: str, split: str, *faces: FaceRecord, **more: Any) -> Record:
    values: dict[str, Any] = {
        "sha256": "0",
        "fingerprint": "3 bytes",
        "status": "written",
        "reason": None,
        "picture": "copied",
        **more,
    }
    return Record(name, "rafdb", f"{name}.jpg", split=split, faces=faces, **values)


def rejected(name: str, expression: str, reason: str, **more: Any) -> Record:
    faces = face(expression, None)
    return record(name, "test", faces, status="rejected", reason=reason, picture=None, **more)


RECORDS = [
    record("a", "train", face("fear"), face("fear", "dataset"), ignored=2),
    record("b", "train", face("anger", probabilities={"anger": 1.0}), picture="encoded"),
    record("c", "train", face("anger"), face("fear", None, reason="outside")),
    rejected("d", "fear", "no face was found"),
    rejected("e", "anger", "the file is absent", sha256=None),
]
FOUND = Found(
    "rafdb",
    "RAF-DB",
    "basic",
    pictures={"train": 3, "test": 2},
    published={"train": 3, "test": 2},
    left_out={"contempt": 4},
    first_left_out={"contempt": "x/y.jpg"},
)
SUMMARY = summarise(RECORDS, ["fear", "anger", "neutral"], HEADER, [FOUND])


def test_counts_labelled_faces() -> None:
    assert SUMMARY["listed"] == {
        "train": {"fear": 3, "anger": 2, "neutral": 0},
        "test": {"fear": 1, "anger": 1, "neutral": 0},
    }
    assert SUMMARY["written"]["train"] == {"fear": 2, "anger": 2, "neutral": 0}
    assert SUMMARY["written"]["test"] == {"fear": 0, "anger": 0, "neutral": 0}
    assert SUMMARY["rejected"]["train"] == {"fear": 1, "anger": 0, "neutral": 0}
    assert SUMMARY["rejected"]["test"] == {"fear": 1, "anger": 1, "neutral": 0}
    assert SUMMARY["box_sources"] == {"mtcnn": 3, "dataset": 1}
    assert SUMMARY["soft_labels"] == 1


def test_counts_pictures() -> None:
    assert SUMMARY["pictures"] == {"copied": 2, "encoded": 1}
    assert SUMMARY["ignored_faces"] == 2
    assert SUMMARY["reasons"] == {"no face was found": 1, "outside": 1, "the file is absent": 1}
    own = SUMMARY["datasets"]["rafdb"]
    assert (own["listed"], own["written"], own["rejected"], own["absent"]) == (5, 3, 2, 1)
    assert own["left_out"] == {"contempt": 4}
    assert own["published"] == own["found"] == {"train": 3, "test": 2}
    assert SUMMARY["fingerprint"] == "f00"
    assert SUMMARY["settings"] == HEADER["settings"]


def test_rejected_pictures_come_with_their_reasons() -> None:
    assert SUMMARY["rejected_pictures"][0] == {
        "id": "d",
        "source": "rafdb/d.jpg",
        "split": "test",
        "expression": "fear",
        "reason": "no face was found",
    }


def test_text() -> None:
    lines = format_summary(SUMMARY).splitlines()
    assert lines[:6] == [
        "Labelled faces by split and expression: written / listed",
        "",
        "         train   test",
        "fear     2 / 3  0 / 1",
        "anger    2 / 2  0 / 1",
        "neutral  0 / 0  0 / 0",
    ]
    assert "rafdb  basic       5        3         2       1" in lines
    assert "rafdb: contempt  4" in lines
    assert "Rejected pictures: 2" in lines
    assert "rafdb/e.jpg  test  anger  the file is absent" in lines
    assert 'boxes        "mtcnn"' in lines


def test_text_without_rejected_pictures() -> None:
    summary = summarise(RECORDS[:2], ["fear", "anger"], HEADER, [FOUND])
    assert format_summary(summary).endswith("Rejected pictures: 0\n")


def test_table_aligns_names_left_and_figures_right() -> None:
    assert (
        format_table([["", "n"], ["a", "100"], ["long", "1"]]) == "        n\na     100\nlong    1"
    )


class TestFound:
    def found(self, *forms: dict[str, int], made: bool = False) -> Found:
        def sample(number: int, split: Split, left_out: str | None = None) -> Sample:
            picture = PictureFile(Path("root"), f"{number}.jpg")
            attributes = {LEFT_OUT: left_out} if left_out else {}
            faces = () if left_out else (Face(Expression.FEAR),)
            return Sample(f"x_{number}", "x", picture, faces, split, attributes=attributes)

        samples = [sample(1, "train"), sample(2, "train"), sample(3, "test")]
        samples += [sample(4, "train", "contempt"), sample(5, "train", "contempt")]
        return Found.of("x", "X set", Path("root"), samples, made, forms)

    def test_beside_the_nearest_published_form(self) -> None:
        told = self.found({"train": 90}, {"train": 3, "test": 1}).describe().splitlines()
        assert told == [
            "X set: 2 train, 1 test pictures; published: 3 train, 1 test",
            "  left out: 2 (contempt), the first is 4.jpg",
        ]

    def test_as_published(self) -> None:
        told = self.found({"train": 2, "test": 1}).describe().splitlines()
        assert told[0] == "X set: 2 train, 1 test pictures, as published"

    def test_published_without_splits(self) -> None:
        told = self.found({"in all": 5}, {"in all": 9}).describe().splitlines()
        assert told[0] == "X set: 2 train, 1 test pictures; published: 5 in all"
        told = self.found({"in all": 3}).describe().splitlines()
        assert told[0] == "X set: 2 train, 1 test pictures, as published"

    def test_nothing_published(self) -> None:
        assert "published" not in self.found().describe()
        # Made faces only share the layout.
        assert "published" not in self.found({"train": 9}, made=True).describe()
