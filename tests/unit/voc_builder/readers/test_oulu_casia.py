from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_data import oulu_casia as fake

from fer_det.core.expression import Expression
from fer_det.core.sample import Clip, Sample
from fer_det.errors import ConfigError, DatasetNotFoundError
from voc_builder.readers.oulu_casia import Options, published, read


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def test_the_last_three_frames_of_the_usual_condition(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    assert len(samples) == 3 * 6 * 3
    first = samples[0]
    assert first.sample_id == "oulu_casia_VL_Strong_P001_anger_002"
    assert first.picture.name == "B_OriginalImg/VL/Strong/P001/Anger/002.jpeg"
    assert first.labels == (Expression.ANGER,)
    assert (first.group, first.clip) == ("P001", Clip("VL_Strong_P001_anger", 2))
    assert {each.framing for each in samples} == {"photo"}


def test_first_frames_are_neutral(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path, neutral=True, frames="last1")
    frames = [(each.clip.frame, each.labels[0].label) for each in samples[:2] if each.clip]  # type: ignore[union-attr]
    assert frames == [(0, "neutral"), (4, "anger")]


@pytest.mark.parametrize(
    ("options", "count"),
    [({"camera": "NI"}, 54), ({"light": "Dark"}, 54), ({"light": "all"}, 108)],
)
def test_conditions(tmp_path: Path, options: dict[str, str], count: int) -> None:
    fake.write(tmp_path)
    assert len(samples_of(tmp_path, **options)) == count


def test_crops(tmp_path: Path) -> None:
    fake.write(tmp_path)
    assert {each.framing for each in samples_of(tmp_path, images="cropped")} == {"face_crop"}
    fake.write(tmp_path / "crops", original=False)
    assert {each.framing for each in samples_of(tmp_path / "crops")} == {"face_crop"}


def test_a_condition_that_is_absent(tmp_path: Path) -> None:
    fake.write(tmp_path)
    with pytest.raises(DatasetNotFoundError, match="holds no auto frames of NI Weak"):
        samples_of(tmp_path, camera="NI", light="Weak")


def test_folds(tmp_path: Path) -> None:
    fake.write(tmp_path)
    # P001, P002 and P011 are the first three of those that are there.
    splits = Counter((each.group, each.split) for each in samples_of(tmp_path, test_fold=1))
    assert splits == {("P001", "train"): 18, ("P002", "test"): 18, ("P011", "train"): 18}
    with pytest.raises(ConfigError, match="test_fold 10"):
        Options(test_fold=10)


def test_published_counts() -> None:
    assert published(Options()) == [{"train": 1_440}]
    assert published(Options(frames="last1", neutral=True, light="all")) == [{"train": 2_880}]
