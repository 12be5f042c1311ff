from dataclasses import replace
from typing import Any

from voc_builder.build.manifest import Record
from voc_builder.build.summary import format_report, format_table, summarise

HEADER = {"fingerprint": "f00", "settings": {"boxes": "mtcnn", "rafdb": {"images": "auto"}}}


WRITTEN = Record(
    id="a", dataset="rafdb", source="a.jpg", sha256="0", bytes=3, status="written", reason=None,
    split="train", expression="fear", box_source="mtcnn", picture="copied",
)  # fmt: skip


def record(name: str, split: str, expression: str, **more: Any) -> Record:
    return replace(
        WRITTEN, id=name, source=f"{name}.jpg", split=split, expression=expression, **more
    )


RECORDS = [
    record("a", "train", "fear", ignored=2),
    record("b", "train", "fear", box_source="dataset", picture="encoded"),
    record("c", "train", "anger"),
    record("d", "test", "fear", status="rejected", reason="no face was found", sha256="1"),
    record("e", "test", "anger", status="rejected", reason="the file is absent", sha256=None),
]
SUMMARY = summarise(RECORDS, ["fear", "anger", "neutral"], HEADER, {"rafdb": "basic"})


def test_counts() -> None:
    assert SUMMARY["listed"] == {
        "train": {"fear": 2, "anger": 1, "neutral": 0},
        "test": {"fear": 1, "anger": 1, "neutral": 0},
    }
    assert SUMMARY["written"]["test"] == {"fear": 0, "anger": 0, "neutral": 0}
    assert SUMMARY["rejected"]["test"] == {"fear": 1, "anger": 1, "neutral": 0}
    assert SUMMARY["box_sources"] == {"mtcnn": 2, "dataset": 1}
    assert SUMMARY["pictures"] == {"copied": 2, "encoded": 1}
    assert SUMMARY["ignored_faces"] == 2
    assert SUMMARY["reasons"] == {"no face was found": 1, "the file is absent": 1}
    assert SUMMARY["datasets"]["rafdb"]["absent"] == 1
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
    lines = format_report(SUMMARY).splitlines()
    assert lines[:6] == [
        "Pictures by split and expression: written / listed",
        "",
        "         train   test",
        "fear     2 / 2  0 / 1",
        "anger    1 / 1  0 / 1",
        "neutral  0 / 0  0 / 0",
    ]
    assert "rafdb  basic       5        3         2       1" in lines
    assert "Rejected pictures: 2" in lines
    assert "rafdb/e.jpg  test  anger  the file is absent" in lines
    assert 'boxes        "mtcnn"' in lines


def test_text_without_rejected_pictures() -> None:
    summary = summarise(RECORDS[:3], ["fear", "anger"], HEADER, {"rafdb": "basic"})
    assert format_report(summary).endswith("Rejected pictures: 0\n")


def test_table_aligns_names_left_and_figures_right() -> None:
    assert (
        format_table([["", "n"], ["a", "100"], ["long", "1"]]) == "        n\na     100\nlong    1"
    )
