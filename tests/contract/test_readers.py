"""The questions that every registered reader answers; its fake data has the reader's name."""

import dataclasses
import pickle
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fake_data.faces import draw

from fer_det.core.expression import BACKGROUND, Expression
from fer_det.core.label import LabelDistribution, expression_of
from fer_det.core.picture import PictureFile
from fer_det.core.sample import IN_ALL, SPLITS, Sample
from fer_det.errors import DatasetNotFoundError, FerDetError
from fer_det.imaging.decode import decode_rgb8
from voc_builder.readers import READERS, Reader

LITTER = (".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg", ".gitkeep", "__MACOSX/._b.png")


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
def root(fake_data: ModuleType, tmp_path: Path) -> Path:
    fake_data.write(tmp_path / "raw")
    return tmp_path / "raw"


def options_of(reader: Reader) -> Any:
    """The defaults, with what the data set cannot be read without."""
    (name,) = (name for name, each in READERS.items() if each is reader)
    return reader.Options(**getattr(import_module(f"fake_data.{name}"), "OPTIONS", {}))


def read(reader: Reader, root: Path) -> list[Sample]:
    """All samples that are to be converted."""
    return [each for each in reader.read(root, options_of(reader)) if each.left_out is None]


@pytest.fixture
def samples(reader: Reader, root: Path) -> list[Sample]:
    return read(reader, root)


def folders_with_pictures(root: Path, samples: list[Sample]) -> set[Path]:
    return {
        sample.picture.path.parent if isinstance(sample.picture, PictureFile) else root
        for sample in samples
    }


def test_it_finds_pictures_that_can_be_decoded(samples: list[Sample]) -> None:
    assert samples
    for sample in samples:
        assert sample.picture.exists()
        assert sample.picture.fingerprint()
    assert decode_rgb8(samples[0].open(), samples[0].picture.name).pixels.shape[2] == 3


def test_ids_are_unique_and_can_be_file_names(samples: list[Sample], name: str) -> None:
    ids = [sample.sample_id for sample in samples]
    # On many systems names that differ in case only are one file.
    assert len({each.lower() for each in ids}) == len(ids)
    assert all(re.fullmatch(rf"{name}_[A-Za-z0-9_-]+", each) for each in ids)


def test_samples_name_their_reader(samples: list[Sample], name: str) -> None:
    assert {sample.dataset for sample in samples} == {name}


def test_order_is_always_the_same(samples: list[Sample], reader: Reader, root: Path) -> None:
    assert read(reader, root) == samples


def test_labels_splits_and_framings_are_known(samples: list[Sample]) -> None:
    for sample in samples:
        assert sample.labels
        for label in sample.labels:
            assert isinstance(label, (Expression, LabelDistribution))
            assert expression_of(label) != BACKGROUND
        assert sample.split in SPLITS
        assert sample.framing in ("photo", "face_crop")


def test_pictures_are_named_from_the_root(samples: list[Sample], root: Path) -> None:
    for sample in samples:
        assert not sample.picture.name.startswith("/")
        assert ".." not in sample.picture.name.split("/")
        assert str(root) not in sample.picture.name
    assert len({sample.picture.name for sample in samples}) == len(samples)


def test_attributes_are_text(samples: list[Sample]) -> None:
    for sample in samples:
        assert all(
            isinstance(key, str) and isinstance(value, str)
            for key, value in sample.attributes.items()
        )


def test_no_group_is_in_two_splits(samples: list[Sample]) -> None:
    splits: dict[str, set[str]] = {}
    for sample in samples:
        if sample.group is not None:
            splits.setdefault(sample.group, set()).add(sample.split)
    assert all(len(each) == 1 for each in splits.values())


def test_samples_travel_to_another_process(samples: list[Sample]) -> None:
    assert pickle.loads(pickle.dumps(samples)) == samples


def test_left_out_samples_have_a_reason_and_no_label(reader: Reader, root: Path) -> None:
    for sample in reader.read(root, options_of(reader)):
        assert bool(sample.labels) == (sample.left_out is None)
        assert sample.left_out != ""


def test_an_absent_picture_is_yielded_all_the_same(
    samples: list[Sample], reader: Reader, fake_data: ModuleType, root: Path
) -> None:
    if not getattr(fake_data, "LISTED", True):
        pytest.skip("the data set has no list: its files' names hold the labels")
    # The last sample of a sequence or a list, whose name the label itself holds.
    picture = samples[-1].picture
    assert isinstance(picture, PictureFile)
    picture.path.unlink()
    assert samples[-1].sample_id in [each.sample_id for each in read(reader, root)]


def test_litter_changes_nothing(samples: list[Sample], reader: Reader, root: Path) -> None:
    for folder in [root, *[path for path in root.rglob("*") if path.is_dir()]]:
        for litter in LITTER:
            (folder / litter).parent.mkdir(exist_ok=True)
            (folder / litter).write_bytes(b"\0\5\x16\7")
    options = options_of(reader)
    assert list(reader.read(root, options)) == list(reader.read(root, options))
    assert read(reader, root) == samples


def test_no_picture_is_skipped_silently(samples: list[Sample], reader: Reader, root: Path) -> None:
    """A picture that nobody expects is refused, left out with a reason, or read."""
    for folder in folders_with_pictures(root, samples):
        stray = folder / "summer holiday.jpg"
        draw(stray, (40, 30), [])
        try:
            told = [each.picture.name for each in reader.read(root, options_of(reader))]
        except FerDetError as error:
            told = [str(error)]
        assert any("summer holiday" in each for each in told)
        stray.unlink()


def test_one_folder_more_is_understood(
    samples: list[Sample], reader: Reader, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    root.rename(tmp_path / "more" / "data")
    deeper = {each.sample_id: each for each in read(reader, tmp_path / "more")}
    # Ids of data sets without names of their own are made of paths.
    assert len(deeper) == len(samples)
    for first, second in zip(samples, deeper.values(), strict=True):
        assert second.picture.name == f"data/{first.picture.name}"
        assert (first.faces, first.split) == (second.faces, second.split)
        assert first.sample_id in (second.sample_id, second.sample_id.replace("data-", ""))


def test_suffixes_in_capitals_are_understood(
    samples: list[Sample], reader: Reader, root: Path
) -> None:
    for sample in samples:
        if isinstance(sample.picture, PictureFile):
            path = sample.picture.path
            path.rename(path.with_suffix(path.suffix.upper()))
    again = read(reader, root)
    assert [(each.faces, each.split) for each in again] == [
        (each.faces, each.split) for each in samples
    ]
    assert all(each.picture.exists() for each in again)


def test_a_missing_root_is_not_found(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError) as caught:
        read(reader, tmp_path / "nowhere")
    assert f"{tmp_path / 'nowhere'} is absent" in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_a_root_by_address_is_refused(reader: Reader) -> None:
    with pytest.raises(DatasetNotFoundError, match="s3://bucket/a is an address; wanted a folder"):
        read(reader, Path("s3://bucket/a"))


def test_a_root_that_is_a_file_is_one_line(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetNotFoundError, match="is not a folder"):
        read(reader, tmp_path / "file")


@pytest.mark.parametrize("inside", [None, ".DS_Store", "holiday.jpg", "photos/", "data.zip"])
def test_a_folder_of_something_else_is_one_line(
    reader: Reader, tmp_path: Path, inside: str | None
) -> None:
    if inside is not None:
        place = tmp_path / inside
        place.mkdir() if inside.endswith("/") else place.write_bytes(b"")
    with pytest.raises(FerDetError) as caught:
        read(reader, tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    if inside == "data.zip":
        assert "unpack it" in str(caught.value)


def test_options_are_a_frozen_dataclass_with_defaults(reader: Reader) -> None:
    options = reader.Options()
    assert dataclasses.is_dataclass(options)
    assert reader.Options.__dataclass_params__.frozen
    assert reader.Options.__doc__


def test_published_counts_are_by_split(reader: Reader) -> None:
    for form in reader.published(reader.Options()):
        assert set(form) <= set(SPLITS) or set(form) == {IN_ALL}
        assert all(count > 0 for count in form.values())


def test_title_is_given(reader: Reader) -> None:
    assert reader.TITLE


def test_docs_say_what_is_expected_and_name_all_options(name: str, reader: Reader) -> None:
    text = (Path(__file__).parents[2] / "docs" / "data_formats.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
    options = [field.name for field in dataclasses.fields(reader.Options)]
    if name in ("rafdb", "ckplus"):
        assert f"## Read: {reader.TITLE}" in text
        assert all(f"`--{name}_options.{option}`" in text for option in options)
    else:
        assert len(rows) == 1
        assert all(f"`{option}`" in rows[0] for option in options)
