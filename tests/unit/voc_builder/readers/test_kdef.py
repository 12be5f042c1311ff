from collections import Counter
from pathlib import Path

import pytest
from fake_data import kdef as fake

from fer_det.core.expression import Expression
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Face, Sample
from voc_builder.readers.kdef import Options, published, read


def used(samples: list[Sample]) -> list[Sample]:
    return [each for each in samples if each.left_out is None]


def samples_of(root: Path, angles: str = "frontal") -> list[Sample]:
    return list(read(root, Options(angles=angles)))  # type: ignore[arg-type]


def test_first_picture(tmp_path: Path) -> None:
    fake.write(tmp_path)
    assert used(samples_of(tmp_path))[0] == Sample(
        sample_id="kdef_AF01AFS",
        dataset="kdef",
        picture=PictureFile(tmp_path, "KDEF/AF01/AF01AFS.jpg"),
        # The leading AF is session A, female; the second one means afraid.
        faces=(Face(Expression.FEAR),),
        split="train",
        group="F01",
        attributes={"session": "A", "angle": "S"},
    )


def test_sessions_are_of_one_person(tmp_path: Path) -> None:
    fake.write(tmp_path)
    groups = Counter(each.group for each in used(samples_of(tmp_path)))
    assert groups == {"F01": 14, "M02": 14}


@pytest.mark.parametrize(("angles", "count"), [("frontal", 28), ("half", 84), ("all", 140)])
def test_angles(tmp_path: Path, angles: str, count: int) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path, angles)
    assert len(used(samples)) == count
    assert len(samples) == 140
    assert published(Options(angles=angles)) == [  # type: ignore[arg-type]
        {"train": count * 35}
    ]
