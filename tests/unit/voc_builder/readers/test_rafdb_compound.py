import shutil
from collections import Counter
from pathlib import Path

import pytest
from fake_data import rafdb as fake_basic
from fake_data import rafdb_compound as fake

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.label import COMPOUNDS, LabelDistribution
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.rafdb_compound import Options, read


def samples_of(root: Path) -> list[Sample]:
    return [each for each in read(root, Options()) if each.left_out is None]


def test_names_and_expressions_agree() -> None:
    stems = {"happily": "happiness", "sadly": "sadness", "fearfully": "fear", "angrily": "anger",
             "disgustedly": "disgust", "surprised": "surprise", "disgusted": "disgust",
             "fearful": "fear", "angry": "anger"}  # fmt: skip
    for name, expressions in COMPOUNDS.items():
        assert [stems[word] for word in name.split("_")] == [each.label for each in expressions]


def test_half_and_half(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    assert Counter(each.split for each in samples) == {"train": 11, "test": 3}
    first = samples[0]
    assert first.sample_id == "rafdb_compound_train_0001"
    assert first.labels == (
        LabelDistribution({Expression.HAPPINESS: 0.5, Expression.SURPRISE: 0.5}),
    )
    assert first.faces[0].box == FaceBox(*fake_basic.FACE)
    assert first.attributes == {"compound": "happily surprised"}


def test_basic_beside_it_is_another_part(tmp_path: Path) -> None:
    fake.write(tmp_path)
    fake_basic.write(tmp_path)
    assert len(samples_of(tmp_path)) == 14


def test_the_basic_part_alone_is_refused(tmp_path: Path) -> None:
    fake.write(tmp_path)
    shutil.rmtree(tmp_path / "compound" / "EmoLabel")
    with pytest.raises(DatasetNotFoundError, match=r"list_patition_label.txt is absent"):
        samples_of(tmp_path)


def test_other_labels(tmp_path: Path) -> None:
    fake.write(tmp_path)
    path = tmp_path / "compound" / "EmoLabel" / "list_patition_label.txt"
    path.write_text(path.read_text().replace(" 11\n", " 12\n"))
    with pytest.raises(DatasetFormatError, match="line 11: label '12'; wanted one of 1 to 11"):
        samples_of(tmp_path)
