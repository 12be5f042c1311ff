"""The questions that every registered reader answers; its fake data has the reader's name."""

import dataclasses
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from fer_det.core.expression import BACKGROUND, Expression
from fer_det.core.sample import Sample
from fer_det.errors import DatasetNotFoundError, FerDetError
from voc_builder.readers import READERS, Reader


@pytest.fixture(params=READERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def reader(name: str) -> Reader:
    return READERS[name]


@pytest.fixture
def fake_data(name: str) -> ModuleType:
    return import_module(f"fake_data.{name}")


@pytest.fixture
def samples(reader: Reader, fake_data: ModuleType, tmp_path: Path) -> list[Sample]:
    fake_data.write(tmp_path)
    return list(reader.read(tmp_path, reader.Options()))


def test_it_finds_pictures_that_are_there(samples: list[Sample]) -> None:
    assert samples
    assert all(sample.image_path.is_file() for sample in samples)


def test_ids_are_unique_and_can_be_file_names(samples: list[Sample], name: str) -> None:
    ids = [sample.sample_id for sample in samples]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(rf"{name}_[A-Za-z0-9_-]+", each) for each in ids)


def test_ids_differ_where_case_is_not_told_apart(samples: list[Sample]) -> None:
    assert len({sample.sample_id.lower() for sample in samples}) == len(samples)


def test_samples_name_their_reader(samples: list[Sample], name: str) -> None:
    assert {sample.dataset for sample in samples} == {name}


def test_order_is_always_the_same(samples: list[Sample], reader: Reader, tmp_path: Path) -> None:
    assert list(reader.read(tmp_path, reader.Options())) == samples


def test_expressions_splits_and_framings_are_known(samples: list[Sample]) -> None:
    for sample in samples:
        assert isinstance(sample.expression, Expression)
        assert sample.expression != BACKGROUND
        assert sample.split in ("train", "test")
        assert sample.framing in ("photo", "face_crop")


def test_pictures_lie_below_the_root(samples: list[Sample], tmp_path: Path) -> None:
    for sample in samples:
        assert sample.image_path.is_relative_to(tmp_path)
        assert ".." not in sample.image_path.parts


def test_attributes_are_text(samples: list[Sample]) -> None:
    for sample in samples:
        assert all(
            isinstance(key, str) and isinstance(value, str)
            for key, value in sample.attributes.items()
        )


def test_no_subject_is_in_two_splits(samples: list[Sample]) -> None:
    splits: dict[str, set[str]] = {}
    for sample in samples:
        if sample.subject is not None:
            splits.setdefault(sample.subject, set()).add(sample.split)
    assert all(len(each) == 1 for each in splits.values())


def test_an_absent_picture_is_yielded_all_the_same(
    samples: list[Sample], reader: Reader, fake_data: ModuleType, tmp_path: Path
) -> None:
    if not getattr(fake_data, "LISTED", True):
        pytest.skip("the data set has no list: its files' names say all there is")
    # The last sample of a sequence or a list, whose name the label itself tells.
    samples[-1].image_path.unlink()
    again = [sample.sample_id for sample in reader.read(tmp_path, reader.Options())]
    assert samples[-1].sample_id in again


def test_a_missing_root_is_not_found(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError) as caught:
        list(reader.read(tmp_path / "nowhere", reader.Options()))
    assert f"{tmp_path / 'nowhere'} is absent" in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_a_root_that_is_a_file_is_one_line(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetNotFoundError, match="is not a folder"):
        list(reader.read(tmp_path / "file", reader.Options()))


@pytest.mark.parametrize("inside", [None, ".DS_Store", "holiday.jpg", "photos/"])
def test_a_folder_of_something_else_is_one_line(
    reader: Reader, tmp_path: Path, inside: str | None
) -> None:
    if inside is not None:
        place = tmp_path / inside
        place.mkdir() if inside.endswith("/") else place.write_bytes(b"")
    with pytest.raises(FerDetError) as caught:
        list(reader.read(tmp_path, reader.Options()))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_are_a_frozen_dataclass_with_defaults(reader: Reader) -> None:
    options = reader.Options()
    assert dataclasses.is_dataclass(options)
    assert reader.Options.__dataclass_params__.frozen
    assert reader.Options.__doc__


def test_title_is_said(reader: Reader) -> None:
    assert reader.TITLE
