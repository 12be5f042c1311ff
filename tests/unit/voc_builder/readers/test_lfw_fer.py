from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_data import lfw_fer as fake
from fake_data.faces import draw

from fer_det.core.expression import Expression
from fer_det.core.label import LabelDistribution
from fer_det.core.sample import Sample
from fer_det.errors import DatasetNotFoundError
from voc_builder.readers.lfw_fer import Options, read


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return list(read(root, Options(**options)))


def test_a_class_stands_for_its_expressions(tmp_path: Path) -> None:
    fake.write(tmp_path)
    labels = {each.attributes["class"]: each.labels[0] for each in samples_of(tmp_path)}
    negative = (Expression.FEAR, Expression.DISGUST, Expression.SADNESS, Expression.ANGER)
    assert labels == {
        "positive": LabelDistribution({Expression.HAPPINESS: 0.5, Expression.SURPRISE: 0.5}),
        "negative": LabelDistribution(dict.fromkeys(negative, 0.25)),
        "neutral": Expression.NEUTRAL,
    }


@pytest.mark.parametrize(
    ("form", "folder", "framing"),
    [
        ("auto", "LFW-FER", "photo"),
        ("original", "LFW-FER", "photo"),
        ("masked", "M-LFW-FER", "photo"),
        ("face_cut", "LFW-FER_crop", "face_crop"),
    ],
)
def test_forms(tmp_path: Path, form: str, folder: str, framing: str) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path, form=form)
    assert {each.picture.name.split("/")[0] for each in samples} == {folder}
    assert {each.framing for each in samples} == {framing}
    assert len(samples) == 9


def test_a_form_that_is_absent(tmp_path: Path) -> None:
    fake.write(tmp_path, forms=("masked",))
    assert {each.attributes["form"] for each in samples_of(tmp_path)} == {"masked"}
    with pytest.raises(DatasetNotFoundError, match="no pictures of the form face_cut; wanted mask"):
        samples_of(tmp_path, form="face_cut")


def test_persons_are_groups(tmp_path: Path) -> None:
    fake.write(tmp_path)
    assert {each.group for each in samples_of(tmp_path)} == set(fake.PERSONS)


def test_folders_that_name_class_and_direction(tmp_path: Path) -> None:
    for folder in ("test/Positive_left", "test/neutral/center", "train/no_mask/negative"):
        draw(tmp_path / folder / "Zico_0001.jpg", (40, 40), [])
    samples = samples_of(tmp_path)
    assert Counter((each.split, each.attributes["class"]) for each in samples) == {
        ("test", "positive"): 1,
        ("test", "neutral"): 1,
        ("train", "negative"): 1,
    }
    assert {each.attributes["form"] for each in samples} == {"original"}


def test_a_person_in_two_published_splits_is_no_group(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, person in (("train", "Zico"), ("test", "Zico"), ("test", "Ann_Lee")):
        draw(tmp_path / folder / "neutral" / f"{person}_0001.jpg", (40, 40), [])
    assert {each.group for each in samples_of(tmp_path)} == {None, "Ann_Lee"}
    assert "1 persons are in more than one split" in capsys.readouterr().err
