import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_data import ferv39k as fake

from fer_det.core.expression import Expression
from fer_det.core.sample import Clip, Sample
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.ferv39k import Options, read


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def test_clips_of_all_scenes(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    first = samples[0]
    assert first.picture.name == "2_ClipsforFaceCrop/Action/Angry/0000/0000_002.jpg"
    assert first.sample_id == "ferv39k_Action_Angry_0000_0000_002"
    assert first.labels == (Expression.ANGER,)
    assert (first.group, first.clip) == ("Action_Angry_0000", Clip("Action_Angry_0000", 2))
    assert first.attributes == {"scene": "Action"}
    assert Counter(each.split for each in samples) == {"train": 7, "test": 7}


def test_a_clip_that_is_absent_and_one_in_no_list(tmp_path: Path) -> None:
    fake.write(tmp_path)
    clips = tmp_path / "2_ClipsforFaceCrop" / "School"
    (clips / "Sad" / "0005").rename(clips / "Sad" / "0099")
    told = list(read(tmp_path, Options()))
    assert [each.clip.id for each in told if each.clip and not each.picture.exists()] == [
        "School_Sad_0005"
    ]
    assert [each.left_out for each in told if each.left_out] == ["a clip in no list"]


def test_lists_that_are_wrong(tmp_path: Path) -> None:
    fake.write(tmp_path)
    place = tmp_path / "4_setups" / "All_scenes" / "test_All.csv"
    place.write_text("School/Sad/0005 Bored\n")
    with pytest.raises(DatasetFormatError, match="label 'Bored'"):
        samples_of(tmp_path)
    place.write_text("School/../0005 Sad\n")
    with pytest.raises(DatasetFormatError, match="a line such as"):
        samples_of(tmp_path)
    place.write_text("Action/Sad/0005 Sad\n")
    with pytest.raises(DatasetFormatError, match="Action/Sad/0005 was listed before"):
        samples_of(tmp_path)
    place.unlink()
    with pytest.raises(DatasetNotFoundError, match=r"lacks train_All\.csv or test_All\.csv"):
        samples_of(tmp_path)


def test_lists_alone(tmp_path: Path) -> None:
    fake.write(tmp_path)
    shutil.rmtree(tmp_path / "2_ClipsforFaceCrop")
    with pytest.raises(DatasetNotFoundError, match="holds the lists and no clips"):
        samples_of(tmp_path)
