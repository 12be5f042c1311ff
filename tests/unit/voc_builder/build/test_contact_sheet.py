from pathlib import Path

import numpy as np
import pytest
from fake_data import voc_tree
from fake_data.faces import draw
from numpy.typing import NDArray

from fer_det.core.picture import PictureFile
from fer_det.imaging.decode import load_rgb8
from fer_det.io.voc import VocFolder
from voc_builder.build.contact_sheet import (
    _DATASET,
    _IGNORED,
    _LABELLED,
    _REJECTED,
    COLUMNS,
    TILE,
    write_contact_sheet,
)
from voc_builder.build.records import FaceRecord, Record


def written(name: str, expression: str, box_source: str = "mtcnn") -> Record:
    face = FaceRecord(expression, None, (20.0, 10.0, 40.0, 36.0), box_source, 0.99)
    return Record(name, "rafdb", f"{name}.jpg", "0", "1 bytes", "written", None, "train", (face,))


def rejected(name: str) -> Record:
    reason = "a reason that is far too long to fit below a picture"
    faces = (FaceRecord("fear"),)
    return Record(name, "rafdb", f"{name}.jpg", "0", "1 bytes", "rejected", reason, "train", faces)


@pytest.fixture
def folder(tmp_path: Path) -> VocFolder:
    return voc_tree.write_voc_tree(tmp_path / "voc", {"train": ["fear"] * 12 + ["anger"] * 2})


RECORDS = [
    *(written(f"train_{n:04d}", "fear", "dataset" if n == 5 else "mtcnn") for n in range(12)),
    *(written(f"train_{n:04d}", "anger") for n in (12, 13)),
]


def sheet(path: Path, folder: VocFolder, records: list[Record]) -> NDArray[np.uint8]:
    pictures = {record.id: PictureFile(path.parent, record.source) for record in records}
    write_contact_sheet(path, folder, records, ["fear", "anger", "neutral"], pictures)
    return load_rgb8(path)


def count(pixels: NDArray[np.uint8], colour: tuple[int, int, int]) -> int:
    near = np.abs(pixels.astype(int) - colour).max(axis=2) < 45
    return int(near.sum())


def test_boxes_are_drawn_by_kind(folder: VocFolder, tmp_path: Path) -> None:
    pixels = sheet(tmp_path / "sheet.jpg", folder, RECORDS)
    assert pixels.shape[1] >= COLUMNS * TILE
    assert count(pixels, _LABELLED) > 500
    # Only the odd ones of these pictures show a bystander.
    alone = sheet(tmp_path / "alone.jpg", folder, RECORDS[2:3])
    watched = sheet(tmp_path / "watched.jpg", folder, RECORDS[3:4])
    assert abs(count(watched, _LABELLED) - count(alone, _LABELLED)) < 40
    assert count(watched, _IGNORED) > count(alone, _IGNORED) + 40
    only_mtcnn = sheet(tmp_path / "other.jpg", folder, RECORDS[:5])
    assert count(only_mtcnn, _DATASET) < count(pixels, _DATASET)


def test_the_same_build_gives_the_same_sheet(folder: VocFolder, tmp_path: Path) -> None:
    sheet(tmp_path / "a.jpg", folder, RECORDS)
    sheet(tmp_path / "b.jpg", folder, RECORDS[::-1])
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


def test_rejected_pictures_are_shown_as_far_as_they_can_be(
    folder: VocFolder, tmp_path: Path
) -> None:
    draw(tmp_path / "seen.jpg", (50, 90), [(1, 1, 40, 80)])
    (tmp_path / "broken.jpg").write_bytes(b"no")
    some = [rejected(name) for name in ("seen", "broken", "absent")]
    without = sheet(tmp_path / "without.jpg", folder, RECORDS)
    with_them = sheet(tmp_path / "with.jpg", folder, RECORDS + some)
    assert with_them.shape[0] > without.shape[0] + TILE
    assert count(with_them, _REJECTED) > count(without, _REJECTED) + 100
    assert count(with_them, (220, 60, 60)) > 500


def test_a_build_of_nothing_still_has_its_sheet(folder: VocFolder, tmp_path: Path) -> None:
    assert sheet(tmp_path / "sheet.jpg", folder, []).size
