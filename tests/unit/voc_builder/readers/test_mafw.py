import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data import mafw as fake
from fake_data.films import write_film

from fer_det.core.expression import Expression
from fer_det.core.sample import Clip, Sample
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.mafw import Options, read


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def test_seven_of_eleven_expressions(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path, frames="even", count=2)
    first = samples[0]
    assert first.picture.name == "data/frames/00001/0002.png"
    assert (first.labels, first.framing) == ((Expression.ANGER,), "photo")
    assert (first.group, first.clip) == ("00001", Clip("00001", 2))
    assert Counter(each.split for each in samples) == {"train": 14, "test": 14}


def test_the_others_are_left_out_by_name(tmp_path: Path) -> None:
    fake.write(tmp_path)
    reasons = Counter(each.left_out for each in read(tmp_path, Options()) if each.left_out)
    dropped = {"anxiety": 2, "helplessness": 2, "disappointment": 2}
    assert reasons == {**dropped, "contempt": 2}
    assert (
        Counter(each.labels[0] for each in samples_of(tmp_path, contempt="keep"))[
            Expression.CONTEMPT
        ]
        == 2
    )


def test_films_alone(tmp_path: Path) -> None:
    fake.write(tmp_path, frames=False)
    (tmp_path / "data" / "clips").mkdir(parents=True)
    frames = [np.full((32, 32, 3), 20 * number, np.uint8) for number in range(6)]
    for name in ("00001", "00102"):
        write_film(tmp_path / "data" / "clips" / f"{name}.mp4", frames)
    samples = samples_of(tmp_path)
    assert [each.picture.name for each in samples if each.picture.exists()] == [
        "data/clips/00001.mp4#3",
        "data/clips/00102.mp4#3",
    ]
    # The others are listed and absent.
    assert len(samples) == 14


def test_lists_that_are_wrong(tmp_path: Path) -> None:
    fake.write(tmp_path)
    lists = tmp_path / "Train & Test Set" / "single" / "no_caption"
    (lists / "set_1" / "test.txt").write_text("00101.mp4 boredom\n")
    with pytest.raises(DatasetFormatError, match="label 'boredom'"):
        samples_of(tmp_path)
    (lists / "set_1" / "test.txt").write_text("../00101.mp4 anger\n")
    with pytest.raises(DatasetFormatError, match="a line such as"):
        samples_of(tmp_path)
    (lists / "set_1" / "test.txt").write_text("00001.mp4 anger\n")
    with pytest.raises(DatasetFormatError, match=r"00001\.mp4 was listed before"):
        samples_of(tmp_path)
    assert samples_of(tmp_path, fold=2)
    shutil.rmtree(lists / "set_1")
    with pytest.raises(DatasetNotFoundError, match=r"lacks train\.txt or test\.txt of set_1"):
        samples_of(tmp_path)
    with pytest.raises(ConfigError, match="fold 0"):
        Options(fold=0)
