from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data import tfd as fake
from fake_data.fer2013 import picture_of

from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import ConfigError, DatasetFormatError
from voc_builder.readers import tfd
from voc_builder.readers.tfd import Options, read

pytest.importorskip("scipy")


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    tfd._load.cache_clear()


def test_labelled_faces_alone(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    assert Counter(each.split for each in samples) == {"train": 7, "val": 7, "test": 7}
    assert [each.labels[0] for each in samples[:7]] == [
        Expression.ANGER, Expression.DISGUST, Expression.FEAR, Expression.HAPPINESS,
        Expression.SADNESS, Expression.SURPRISE, Expression.NEUTRAL,
    ]  # fmt: skip
    assert [each.group for each in samples[:3]] == [None, "1", "2"]
    assert samples[8].picture.name == "TFD_48x48.mat#8"
    assert picture_of(samples[8].open()) == fake.pixels()[8].ravel().tolist()


def test_folds(tmp_path: Path) -> None:
    fake.write(tmp_path)
    assert samples_of(tmp_path)[0].split == "train"
    assert samples_of(tmp_path, fold=2)[7].split == "train"
    with pytest.raises(ConfigError, match="fold 6"):
        Options(fold=6)


def test_both_sizes_are_one_data_set(tmp_path: Path) -> None:
    fake.write(tmp_path)
    fake.write(tmp_path, side=96)
    left_out = [each for each in read(tmp_path, Options()) if each.left_out]
    assert [(each.picture.name, each.left_out) for each in left_out] == [
        ("TFD_96x96.mat", "the same as TFD_48x48.mat")
    ]


@pytest.mark.parametrize("broken", ["text", "shape"])
def test_broken_file(tmp_path: Path, broken: str) -> None:
    from scipy.io import savemat

    if broken == "text":
        (tmp_path / "TFD_48x48.mat").write_text("MATLAB")
    else:
        arrays = {name: np.zeros((3, 3)) for name in ("images", "labs_ex", "labs_id", "folds")}
        savemat(tmp_path / "TFD_48x48.mat", arrays)
    with pytest.raises(DatasetFormatError, match=r"could not be read|holds images of shape"):
        samples_of(tmp_path)
