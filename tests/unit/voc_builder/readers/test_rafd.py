from pathlib import Path

import pytest
from fake_data import rafd as fake

from fer_det.core.expression import Expression
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Face, Sample
from voc_builder.readers.rafd import Options, published, read


def used(samples: list[Sample]) -> list[Sample]:
    return [each for each in samples if each.left_out is None]


def samples_of(root: Path, **options: str) -> list[Sample]:
    return list(read(root, Options(**options)))  # type: ignore[arg-type]


def test_first_picture(tmp_path: Path) -> None:
    fake.write(tmp_path)
    assert used(samples_of(tmp_path))[0] == Sample(
        sample_id="rafd_Rafd090_01_Caucasian_female_angry_frontal",
        dataset="rafd",
        picture=PictureFile(tmp_path, "Rafd090_01_Caucasian_female_angry_frontal.jpg"),
        faces=(Face(Expression.ANGER),),
        split="train",
        group="01",
        attributes={"camera": "090", "kind": "Caucasian", "sex": "female", "gaze": "frontal"},
    )


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 42),
        ({"contempt": "keep"}, 48),
        ({"gaze": "frontal"}, 14),
        ({"cameras": "half"}, 84),
        ({"cameras": "all", "contempt": "keep"}, 144),
    ],
)
def test_choices(tmp_path: Path, options: dict[str, str], count: int) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path, **options)
    assert len(used(samples)) == count
    assert len(samples) == 144


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"cameras": "all", "contempt": "keep"}, 8_040),
        ({"contempt": "keep"}, 1_608),
        ({"contempt": "keep", "gaze": "frontal"}, 536),
    ],
)
def test_published(options: dict[str, str], count: int) -> None:
    assert published(Options(**options)) == [{"train": count}]  # type: ignore[arg-type]
