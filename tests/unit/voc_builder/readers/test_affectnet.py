from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data import affectnet as fake

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError
from voc_builder.readers.affectnet import EXPRESSIONS, Options, published, read


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def test_codes_are_the_authors() -> None:
    assert [EXPRESSIONS[code].label for code in range(8)] == [
        "neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt",
    ]  # fmt: skip


class TestLists:
    @pytest.mark.parametrize("header", [True, False])
    def test_first_picture(self, tmp_path: Path, header: bool) -> None:
        fake.write(tmp_path, header=header)
        first = samples_of(tmp_path)[0]
        assert first.sample_id == "affectnet_train-0-training00"
        assert first.picture.name == "Manually_Annotated_Images/0/training00.jpg"
        assert first.labels == (Expression.NEUTRAL,)
        assert first.faces[0].box == FaceBox(*fake.FACE)
        assert first.framing == "photo"

    def test_labels_without_an_expression_are_left_out(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        reasons = Counter(each.left_out for each in read(tmp_path, Options()))
        assert reasons == {None: 17, "contempt": 1, "none": 1, "uncertain": 1, "non-face": 1}
        assert len(samples_of(tmp_path, contempt="keep")) == 18

    def test_validation(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        assert Counter(each.split for each in samples_of(tmp_path)) == {"train": 10, "val": 7}
        splits = Counter(each.split for each in samples_of(tmp_path, validation="test"))
        assert splits == {"train": 10, "test": 7}

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            (",0,0.5,", ",11,0.5,", "line 2: expression '11'"),
            ("0/training00.jpg", "../x.jpg", r"line 2: path '\.\./x.jpg'"),
            (",40,50,", ",0,50,", "line 2: box .* has no area"),
            ("expression", "label", "has the columns"),
        ],
    )
    def test_broken(self, tmp_path: Path, old: str, new: str, told: str) -> None:
        fake.write(tmp_path)
        path = tmp_path / "Manually_Annotated_file_lists" / "training.csv"
        path.write_text(path.read_text().replace(old, new, 1))
        with pytest.raises(DatasetFormatError, match=told):
            samples_of(tmp_path)


class TestAnnotations:
    def test_labels_are_read(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "annotations")
        samples = samples_of(tmp_path)
        assert Counter(each.split for each in samples) == {"train": 10, "val": 7}
        by_name = {each.picture.name: each for each in samples}
        picture = by_name["train_set/images/4.jpg"]
        assert picture.labels == (Expression.FEAR,)
        assert (picture.framing, picture.faces[0].box) == ("face_crop", None)
        assert by_name["val_set/images/4.jpg"].split == "val"

    @pytest.mark.parametrize("value", ["11", "happy", ""])
    def test_broken(self, tmp_path: Path, value: str) -> None:
        fake.write(tmp_path, "annotations")
        np.save(tmp_path / "train_set" / "annotations" / "3_exp.npy", np.array(value))
        with pytest.raises(DatasetFormatError, match=r"3_exp.npy holds .*wanted a label from 0"):
            samples_of(tmp_path)

    def test_no_array(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "annotations")
        (tmp_path / "train_set" / "annotations" / "3_exp.npy").write_bytes(b"")
        with pytest.raises(DatasetFormatError, match=r"3_exp.npy could not be read"):
            samples_of(tmp_path)


def test_published_counts() -> None:
    assert published(Options(contempt="keep")) == [{"train": 287_651, "val": 4_000}]
    assert published(Options(validation="test")) == [{"train": 283_901, "test": 3_500}]
