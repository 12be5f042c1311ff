from collections import Counter
from pathlib import Path

import pytest
from fake_data import jaffe as fake

from fer_det.core.expression import Expression
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Face, Sample
from fer_det.errors import DatasetFormatError
from voc_builder.readers.jaffe import Options, published, read


def test_first_picture(tmp_path: Path) -> None:
    fake.write(tmp_path)
    assert next(read(tmp_path, Options())) == Sample(
        sample_id="jaffe_KA-AN1-1",
        dataset="jaffe",
        picture=PictureFile(tmp_path, "jaffe/KA.AN1.1.tiff"),
        faces=(Face(Expression.ANGER),),
        split="train",
        group="KA",
    )


def test_codes_are_the_read_mes(tmp_path: Path) -> None:
    fake.write(tmp_path)
    labels = [each.faces[0].label for each in read(tmp_path, Options())][:7]
    assert [label.label for label in labels if isinstance(label, Expression)] == [
        "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".tif", ".jpg", ".PNG"])
def test_converted_copies(tmp_path: Path, suffix: str) -> None:
    fake.write(tmp_path, suffix)
    assert len(list(read(tmp_path, Options()))) == 21


def test_one_subject_for_the_test_split(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = read(tmp_path, Options(test_subject="kl"))
    assert Counter((each.group, each.split) for each in samples) == {
        ("KA", "train"): 7,
        ("KL", "test"): 7,
        ("NM", "train"): 7,
    }
    with pytest.raises(DatasetFormatError, match=r"test_subject XX has no picture .*one of KA, KL"):
        list(read(tmp_path, Options(test_subject="XX")))


def test_published_count() -> None:
    assert published(Options()) == [{"train": 213}]
    assert not published(Options(test_subject="KA"))
