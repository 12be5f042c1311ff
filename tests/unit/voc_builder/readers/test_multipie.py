from collections import Counter
from pathlib import Path
from typing import Any

from fake_data import multipie as fake

from fer_det.core.sample import Sample
from voc_builder.readers.multipie import Options, published, read


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def test_recordings(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path, flash="07")
    counts = Counter(each.labels[0].label for each in samples)  # type: ignore[union-attr]
    assert counts == {"neutral": 10, "happiness": 4, "surprise": 2, "disgust": 2}
    assert samples[0].sample_id == "multipie_001_01_01_051_07"
    assert samples[0].group == "001"
    assert samples[0].attributes == {"session": "01", "camera": "051", "flash": "07"}


def test_what_is_left_out(tmp_path: Path) -> None:
    fake.write(tmp_path)
    reasons = Counter(each.left_out for each in read(tmp_path, Options(flash="05")))
    assert reasons == {
        None: 18,
        "another camera": 44,
        "another flash": 22,
        "squint": 2,
        "scream": 2,
    }
    assert len(samples_of(tmp_path, cameras="all")) == 4 * 18


def test_nothing_is_published() -> None:
    assert not published(Options())
