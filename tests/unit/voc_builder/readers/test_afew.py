import shutil
from collections import Counter
from pathlib import Path

import pytest
from fake_data import afew as fake

from fer_det.core.expression import Expression
from fer_det.core.sample import Clip, Sample
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.afew import Options, read


def samples_of(root: Path, every: int = 1) -> list[Sample]:
    return [each for each in read(root, Options(every=every)) if each.left_out is None]


def test_frames_by_number(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    assert Counter(each.split for each in samples) == {"train": 77, "val": 66}
    first = samples[: fake.FRAMES]
    assert {each.labels[0] for each in first} == {Expression.ANGER}
    assert [each.clip for each in first] == [
        Clip("train_050046280", number) for number in range(1, fake.FRAMES + 1)
    ]
    assert {each.group for each in first} == {"train_050046280"}


def test_some_frames(tmp_path: Path) -> None:
    fake.write(tmp_path)
    frames = [each.clip.frame for each in samples_of(tmp_path, every=4)[:3] if each.clip]
    assert frames == [1, 5, 9]
    with pytest.raises(ConfigError, match="every 0"):
        Options(every=0)


def test_a_clip_without_frames_is_counted(tmp_path: Path) -> None:
    fake.write(tmp_path)
    left_out = [each for each in read(tmp_path, Options()) if each.left_out]
    assert [(each.picture.name, each.split) for each in left_out] == [
        ("Val_AFEW/Fear/032046280.avi", "val")
    ]


def test_frames_without_a_clip(tmp_path: Path) -> None:
    fake.write(tmp_path)
    (tmp_path / "Train_AFEW" / "Angry" / "050046280.avi").unlink()
    with pytest.raises(DatasetFormatError, match=r"1 folders of aligned frames .* is 050046280"):
        samples_of(tmp_path)


def test_clips_alone(tmp_path: Path) -> None:
    fake.write(tmp_path)
    for split in ("Train", "Val"):
        shutil.rmtree(tmp_path / f"{split}_AFEW" / "AlignedFaces_LBPTOP_Points")
    with pytest.raises(DatasetNotFoundError, match="has clips and none of their aligned frames"):
        samples_of(tmp_path)
