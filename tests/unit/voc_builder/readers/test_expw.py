from pathlib import Path
from typing import Any

import pytest
from fake_data import expw as fake

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Face, Sample
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.expw import Options, read

FIRST, SECOND = (FaceBox(*edges) for edges in fake.FACES)


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def test_several_faces_a_picture(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    assert len(samples) == fake.PICTURES
    assert samples[1] == Sample(
        sample_id="expw_scene_1",
        dataset="expw",
        picture=PictureFile(tmp_path, "image/origin/scene_1.jpg"),
        faces=(Face(Expression.DISGUST, FIRST), Face(Expression.SADNESS, SECOND)),
        split="train",
    )
    # Its row is in the list twice.
    assert samples[0].faces == (Face(Expression.ANGER, FIRST),)


def test_a_face_with_two_labels_is_ignored(tmp_path: Path) -> None:
    fake.write(tmp_path)
    with (tmp_path / "label.lst").open("a") as file:
        file.write(fake.line(1, 0, 6))
    assert samples_of(tmp_path)[1].faces == (Face(None, FIRST), Face(Expression.SADNESS, SECOND))


def test_uncertain_faces_are_ignored(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path, min_confidence=30)
    assert samples[1].faces == (Face(Expression.DISGUST, FIRST), Face(None, SECOND))
    left_out = [each.left_out for each in read(tmp_path, Options(min_confidence=90))]
    assert left_out == ["no labelled face"] * fake.PICTURES
    with pytest.raises(ConfigError, match="min_confidence"):
        Options(min_confidence=101)


def test_pictures_that_are_in_no_row(tmp_path: Path) -> None:
    fake.write(tmp_path)
    lines = (tmp_path / "label.lst").read_text().splitlines()
    (tmp_path / "label.lst").write_text("\n".join(lines[3:]))
    left_out = [each.picture.name for each in read(tmp_path, Options()) if each.left_out]
    assert left_out == ["image/origin/scene_1.jpg"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("a.jpg 0 1 2 3", "line 1: .*8 columns"),
        ("a.jpg 0 20 50 90 70 61 7", "line 1: label '7'"),
        ("a.jpg 0 20 90 50 70 61 3", "line 1: .*left < right"),
        ("a.jpg 0 20 50 x 70 61 3", "line 1: .*a box and a confidence"),
        ("../a.jpg 0 20 50 90 70 61 3", r"line 1: name '\.\./a.jpg'"),
    ],
)
def test_broken_rows(tmp_path: Path, line: str, told: str) -> None:
    fake.write(tmp_path)
    text = (tmp_path / "label.lst").read_text()
    (tmp_path / "label.lst").write_text(f"{line}\n{text}")
    with pytest.raises(DatasetFormatError, match=told):
        samples_of(tmp_path)


def test_no_list_and_no_picture(tmp_path: Path) -> None:
    fake.write(tmp_path)
    for path in (tmp_path / "image" / "origin").iterdir():
        path.rename(path.with_name(f"other {path.name}"))
    with pytest.raises(DatasetNotFoundError, match="none of the 7 listed pictures"):
        samples_of(tmp_path)
    (tmp_path / "label.lst").unlink()
    with pytest.raises(DatasetNotFoundError, match=r"holds no label.lst; it holds image/"):
        samples_of(tmp_path)
