from collections import Counter
from pathlib import Path

import pytest
from fake_data import bu3dfe as fake

from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import ConfigError
from voc_builder.readers.bu3dfe import Options, published, read


def samples_of(root: Path, min_level: int = 1) -> list[Sample]:
    return [each for each in read(root, Options(min_level=min_level)) if each.left_out is None]


def test_names(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    first = samples[0]
    assert first.sample_id == "bu3dfe_F0001_AN01WH_F2D"
    assert (first.labels, first.group) == ((Expression.ANGER,), "F0001")
    assert first.attributes == {"level": "1", "kind": "WH"}
    assert Counter(each.group for each in samples) == {"F0001": 25, "M0002": 25}


def test_levels(tmp_path: Path) -> None:
    fake.write(tmp_path)
    strong = samples_of(tmp_path, 3)
    # Neutral has no level.
    assert Counter(each.attributes["level"] for each in strong) == {"3": 12, "4": 12, "0": 2}
    reasons = Counter(each.left_out for each in read(tmp_path, Options(min_level=3)))
    assert reasons == {None: 26, "level 1": 12, "level 2": 12, "a texture of the 3D model": 1}
    with pytest.raises(ConfigError, match="min_level 0"):
        Options(min_level=0)


def test_published_counts() -> None:
    assert published(Options()) == [{"train": 2_500}]
    assert published(Options(min_level=3)) == [{"train": 1_300}]
