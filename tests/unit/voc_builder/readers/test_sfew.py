from collections import Counter
from pathlib import Path

import pytest
from fake_data import sfew as fake
from fake_data.faces import draw

from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.sfew import Options, read


def samples_of(root: Path, images: str = "auto") -> list[Sample]:
    samples = read(root, Options(images=images))  # type: ignore[arg-type]
    return [each for each in samples if each.left_out is None]


def test_aligned_crops(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    assert Counter((each.split, each.group) for each in samples) == {
        ("train", "Airheads"): 7,
        ("train", "Juno"): 7,
        ("val", "Hangover"): 7,
    }
    assert samples[0].sample_id == (
        "sfew_Train-Train_Aligned_Faces-Angry-Airheads_000519240_00000005"
    )
    assert samples[0].labels == (Expression.ANGER,)
    assert {each.framing for each in samples} == {"face_crop"}


def test_whole_stills(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path, "original")
    assert {each.framing for each in samples} == {"photo"}
    assert len(samples) == 21
    fake.write(tmp_path / "stills", aligned=False)
    assert len(samples_of(tmp_path / "stills")) == 21
    fake.write(tmp_path / "crops", original=False)
    with pytest.raises(DatasetNotFoundError, match="holds no original pictures"):
        samples_of(tmp_path / "crops", "original")


def test_the_new_validation_folder(tmp_path: Path) -> None:
    fake.write(tmp_path)
    folder = tmp_path / "Val" / "Val_Aligned_Faces"
    folder.rename(folder.with_name("Val_Aligned_Faces_new"))
    assert Counter(each.split for each in samples_of(tmp_path)) == {"train": 14, "val": 7}


def test_the_test_split_has_no_labels(tmp_path: Path) -> None:
    fake.write(tmp_path)
    left_out = [each for each in read(tmp_path, Options()) if each.left_out]
    assert [(each.left_out, each.split) for each in left_out] == [("no label", "test")]


def test_an_unlabelled_picture_elsewhere_is_refused(tmp_path: Path) -> None:
    fake.write(tmp_path)
    draw(tmp_path / "Train" / "Train_Aligned_Faces" / "Gloomy" / "a_1_2.png", (72, 90), [])
    with pytest.raises(DatasetFormatError, match=r"a_1_2.png is in no folder named after an exp"):
        samples_of(tmp_path)


def test_no_split_folder(tmp_path: Path) -> None:
    fake.write(tmp_path)
    with pytest.raises(DatasetFormatError, match="is in no folder named Train or Val"):
        samples_of(tmp_path / "Train" / "Train_Aligned_Faces")


def test_a_film_in_both_splits_is_no_group(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.write(tmp_path)
    folder = tmp_path / "Val" / "Val_Aligned_Faces" / "Sad"
    draw(folder / "Juno_000000099_00000005.png", (72, 90), [])
    samples = samples_of(tmp_path)
    assert {each.group for each in samples} == {"Airheads", "Hangover", None}
    assert {each.attributes["film"] for each in samples} == {"Airheads", "Hangover", "Juno"}
    assert "1 films are in more than one split" in capsys.readouterr().err
