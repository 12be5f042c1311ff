from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_data import fer2013 as fake
from fake_data.real_fer2013 import csv_folder, needs_fer2013

from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError, ImageError
from voc_builder.readers.fer2013 import EXPRESSIONS, Options, published, read
from voc_builder.readers.pixel_table import PixelRow


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def test_codes_are_the_challenges() -> None:
    assert [EXPRESSIONS[code].label for code in range(7)] == [
        "anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral",
    ]  # fmt: skip


class TestTables:
    @pytest.mark.parametrize("form", ["csv", "icml"])
    def test_rows(self, tmp_path: Path, form: str) -> None:
        fake.write(tmp_path, form)  # type: ignore[arg-type]
        samples = samples_of(tmp_path)
        assert Counter(each.split for each in samples) == {"train": 14, "val": 7, "test": 7}
        third = samples[3]
        assert third.sample_id == "fer2013_Training_00003"
        assert third.picture.name.endswith(".csv#3")
        assert third.labels == (Expression.HAPPINESS,)
        assert third.framing == "face_crop"
        assert fake.picture_of(third.open()) == fake.pixels_of(3)
        assert fake.picture_of(samples[-1].open()) == fake.pixels_of(27)

    def test_the_competitions_files(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "competition")
        samples = list(read(tmp_path, Options()))
        assert Counter((each.split, each.left_out) for each in samples) == {
            ("train", None): 14,
            ("train", "no label"): 14,
        }
        assert fake.picture_of(samples[13].open()) == fake.pixels_of(13)

    def test_several_forms_at_once(self, tmp_path: Path) -> None:
        for form in ("icml", "csv", "competition", "folders"):
            fake.write(tmp_path, form)  # type: ignore[arg-type]
        samples = list(read(tmp_path, Options()))
        assert {each.picture.name.partition("#")[0] for each in samples if not each.left_out} == {
            "fer2013.csv"
        }
        left_out = {each.picture.name: each.left_out for each in samples if each.left_out}
        assert left_out == dict.fromkeys(
            ("icml_face_data.csv", "train.csv", "test.csv"), "the same as fer2013.csv"
        )

    @pytest.mark.parametrize("end", ["\r\n", "\n\n"])
    def test_line_ends(self, tmp_path: Path, end: str) -> None:
        fake.write(tmp_path)
        path = tmp_path / "fer2013.csv"
        path.write_bytes(path.read_bytes().replace(b"\n", end.encode()))
        samples = samples_of(tmp_path)
        assert len(samples) == 28
        assert fake.picture_of(samples[27].open()) == fake.pixels_of(27)

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("\n0,", "\n7,", "fer2013.csv#0 has emotion '7' and usage 'Training'"),
            ("\n0,", "\nhappy,", "has emotion 'happy'"),
            (",Training\n", ",Later\n", "usage 'Later'"),
            (",Training\n", "\n", "line 2: 2 cells; wanted 3 cells: emotion, pixels, usage"),
        ],
    )
    def test_broken_rows(self, tmp_path: Path, old: str, new: str, told: str) -> None:
        fake.write(tmp_path)
        path = tmp_path / "fer2013.csv"
        path.write_text(path.read_text().replace(old, new, 1))
        with pytest.raises(DatasetFormatError, match=told):
            samples_of(tmp_path)

    @pytest.mark.parametrize(
        ("pixels", "told"),
        [
            ("1 2 3", "fer2013.csv#0 has 3 pixels"),
            ("", "fer2013.csv#0 has 0 pixels"),
            (" ".join(["256"] * 2304), "has other pixels"),
            (" ".join(["x"] * 2304), "has other pixels"),
            (" ".join(["-1"] * 2304), "has other pixels"),
        ],
    )
    def test_broken_pixels_are_found_when_they_are_read(
        self, tmp_path: Path, pixels: str, told: str
    ) -> None:
        (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n3,{pixels},Training\n")
        (sample,) = samples_of(tmp_path)
        with pytest.raises(ImageError, match=told):
            sample.open()

    def test_a_table_that_changes_later(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path)
        path = tmp_path / "fer2013.csv"
        path.write_text("emotion,pixels,Usage\n" + path.read_text())
        with pytest.raises(ImageError, match="has changed since it was listed"):
            samples[5].open()
        path.unlink()
        assert not samples[5].picture.exists()
        with pytest.raises(FileNotFoundError):
            samples[5].open()

    def test_fingerprint_is_the_pixels(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        first = samples_of(tmp_path)
        path = tmp_path / "fer2013.csv"
        path.write_text(path.read_text().replace("\n0,", "\n1,", 1))
        second = samples_of(tmp_path)
        assert isinstance(first[0].picture, PixelRow)
        assert [each.picture.fingerprint() for each in first] == [
            each.picture.fingerprint() for each in second
        ]
        assert len({each.picture.fingerprint() for each in first}) == 28


class TestFolders:
    def test_names_tell_the_usage(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "folders")
        assert Counter(each.split for each in samples_of(tmp_path)) == {
            "train": 14,
            "val": 7,
            "test": 7,
        }
        merged = samples_of(tmp_path, public_test="test")
        assert Counter(each.split for each in merged) == {"train": 14, "test": 14}

    def test_without_such_names_all_of_test_is_test(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "plain_folders")
        assert Counter(each.split for each in samples_of(tmp_path)) == {"train": 14, "test": 14}

    def test_no_split_folder(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "plain_folders")
        with pytest.raises(DatasetFormatError, match="is in no folder named train, val or test"):
            samples_of(tmp_path / "train")


def test_published_counts() -> None:
    assert published(Options())[0] == {"train": 28_709, "val": 3_589, "test": 3_589}
    assert published(Options(public_test="test"))[0] == {"train": 28_709, "test": 7_178}


@needs_fer2013
def test_counts_of_the_real_private_test(tmp_path: Path) -> None:
    samples = samples_of(csv_folder(tmp_path))
    counts = Counter(each.labels[0] for each in samples if each.split == "test")
    # The 26 rows that FERPlus discards differ by a label from the published 491 ... 626.
    assert [counts[each] for each in EXPRESSIONS.values()] == [491, 55, 528, 878, 594, 416, 627]
    assert sum(each.split == "val" for each in samples) == 3_589
