import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data import dfew as fake
from fake_data.films import write_film

from fer_det.core.expression import Expression
from fer_det.core.sample import Clip, Sample
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.dfew import Options, read


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def test_the_frame_in_the_middle_of_each_clip(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    first = samples[0]
    assert first.sample_id == "dfew_00001_7"
    assert first.picture.name == "Clip/clip_224x224_16f/1/7.jpg"
    assert (first.labels, first.split) == ((Expression.HAPPINESS,), "train")
    assert (first.group, first.clip) == ("00001", Clip("00001", 7))
    assert first.framing == "face_crop"
    assert Counter(each.split for each in samples) == {"train": 5, "test": 2}


def test_frames_are_sorted_by_number(tmp_path: Path) -> None:
    fake.write(tmp_path)
    # By name 10.jpg, 11.jpg and 12.jpg would follow 1.jpg.
    chosen = samples_of(tmp_path, frames="even", count=12)[:12]
    assert [each.clip and each.clip.frame for each in chosen] == list(range(1, 13))


@pytest.mark.parametrize(("fold", "test"), [(1, {"00003", "00006"}), (2, {"00004", "00007"})])
def test_folds(tmp_path: Path, fold: int, test: set[str]) -> None:
    fake.write(tmp_path)
    found = {each.group for each in samples_of(tmp_path, fold=fold) if each.split == "test"}
    assert found == test


def test_a_clip_without_a_single_label_is_left_out(tmp_path: Path) -> None:
    fake.write(tmp_path)
    left_out = [(each.picture.name, each.left_out) for each in read(tmp_path, Options())]
    reason = "a clip without a single label"
    assert [each for each in left_out if each[1]] == [("Clip/clip_224x224_16f/8/1.jpg", reason)]


def test_lists_of_several_labels_are_not_read(tmp_path: Path) -> None:
    fake.write(tmp_path)
    wanted = samples_of(tmp_path)
    for split in ("train", "test"):
        folder = tmp_path / "EmoLabel_DataSplit" / f"{split}(multi-labeled)"
        folder.mkdir()
        (folder / "set_1.csv").write_text("video_name,label\n00008,1\n")
    assert samples_of(tmp_path) == wanted
    for split in ("train", "test"):
        shutil.rmtree(tmp_path / "EmoLabel_DataSplit" / f"{split}(single-labeled)")
    with pytest.raises(DatasetNotFoundError, match="lacks the two lists"):
        samples_of(tmp_path)


def test_a_listed_clip_that_is_absent_is_counted(tmp_path: Path) -> None:
    fake.write(tmp_path)
    shutil.rmtree(tmp_path / "Clip" / "clip_224x224_16f" / "2")
    absent = [each for each in samples_of(tmp_path) if not each.picture.exists()]
    assert [(each.group, each.labels) for each in absent] == [("00002", (Expression.SADNESS,))]


def test_folders_of_five_digits_and_other_forms(tmp_path: Path) -> None:
    fake.write(tmp_path)
    frames = tmp_path / "Clip" / "clip_224x224_16f"
    whole = tmp_path / "Clip" / "clip_224x224"
    for clip in range(1, 8):
        shutil.copytree(frames / str(clip), whole / f"{clip:05d}")
    assert {each.picture.name.split("/")[1] for each in samples_of(tmp_path)} == {
        "clip_224x224_16f"
    }
    shutil.rmtree(frames)
    assert samples_of(tmp_path)[0].picture.name == "Clip/clip_224x224/00001/7.jpg"


def test_films_alone(tmp_path: Path) -> None:
    fake.write(tmp_path)
    shutil.rmtree(tmp_path / "Clip")
    (tmp_path / "Clip" / "original").mkdir(parents=True)
    for clip in range(1, 8):
        levels = [np.full((32, 32, 3), 20 * number, np.uint8) for number in range(6)]
        write_film(tmp_path / "Clip" / "original" / f"{clip}.mp4", levels)
    samples = samples_of(tmp_path)
    assert samples[0].picture.name == "Clip/original/1.mp4#3"
    assert samples[0].framing == "photo"


def test_lists_that_are_wrong(tmp_path: Path) -> None:
    fake.write(tmp_path)
    place = tmp_path / "EmoLabel_DataSplit" / "test(single-labeled)" / "set_1.csv"
    place.write_text("video_name,label\n00003,8\n")
    with pytest.raises(DatasetFormatError, match="label '8'"):
        samples_of(tmp_path)
    place.write_text("video_name,label\n00001,1\n")
    with pytest.raises(DatasetFormatError, match="clip 1 was listed before"):
        samples_of(tmp_path)
    place.unlink()
    with pytest.raises(DatasetNotFoundError, match=r"lacks the two lists set_1\.csv"):
        samples_of(tmp_path)
    with pytest.raises(ConfigError, match="fold 6"):
        Options(fold=6)
