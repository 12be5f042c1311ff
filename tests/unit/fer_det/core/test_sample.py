import pickle
from pathlib import Path

import pytest

from fer_det.core.expression import Expression
from fer_det.core.label import LabelDistribution
from fer_det.core.picture import PictureFile
from fer_det.core.sample import (
    LEFT_OUT,
    Clip,
    Face,
    Sample,
    database_name,
    names_made_faces,
)
from fer_det.errors import DatasetNotFoundError, ImageError

VOTES = LabelDistribution({Expression.FEAR: 0.25, Expression.ANGER: 0.75})


def sample(root: Path, **more: object) -> Sample:
    faces = (Face(Expression.FEAR), Face(None), Face(VOTES))
    return Sample("films_a", "films", PictureFile(root, "b/a.jpg"), faces, "val", **more)  # type: ignore[arg-type]


class TestPictureFile:
    def test_present(self, tmp_path: Path) -> None:
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "a.jpg").write_bytes(b"12345")
        picture = PictureFile(tmp_path, "b/a.jpg")
        assert (picture.name, picture.path) == ("b/a.jpg", tmp_path / "b" / "a.jpg")
        assert picture.exists()
        assert picture.read() == b"12345" == sample(tmp_path).open()
        assert picture.fingerprint() == "5 bytes"
        assert pickle.loads(pickle.dumps(picture)) == picture

    def test_absent(self, tmp_path: Path) -> None:
        picture = PictureFile(tmp_path, "a.jpg")
        assert not picture.exists()
        assert picture.fingerprint() is None
        with pytest.raises(DatasetNotFoundError, match=r"a\.jpg is absent"):
            picture.read()

    def test_folder(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").mkdir()
        with pytest.raises(ImageError, match="no plain file"):
            PictureFile(tmp_path, "a.jpg").read()


class TestSample:
    def test_labels_are_those_of_labelled_faces(self, tmp_path: Path) -> None:
        assert sample(tmp_path).labels == (Expression.FEAR, VOTES)

    def test_left_out(self, tmp_path: Path) -> None:
        assert sample(tmp_path).left_out is None
        assert sample(tmp_path, attributes={LEFT_OUT: "contempt"}).left_out == "contempt"

    def test_travels_to_another_process(self, tmp_path: Path) -> None:
        one = sample(tmp_path, group="film 1", clip=Clip("c", 3))
        assert pickle.loads(pickle.dumps(one)) == one

    def test_made_pictures_never_have_the_real_name(self, tmp_path: Path) -> None:
        assert sample(tmp_path).database == "films"
        made = sample(tmp_path, made=True).database
        assert made == database_name("films", made=True) != "films"
        assert names_made_faces(f"rafdb, {made}")
        assert not names_made_faces("rafdb")
