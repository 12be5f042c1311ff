import csv
import shutil
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from fake_data import ferplus as fake
from fake_data.real_fer2013 import csv_folder, needs_fer2013

from fer_det.core.expression import Expression
from fer_det.core.label import Label, LabelDistribution, expression_of
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.ferplus import Mode, Options, label_of_votes, published, read

NEUTRAL, HAPPINESS, SURPRISE = Expression.NEUTRAL, Expression.HAPPINESS, Expression.SURPRISE
ANGER, FEAR, CONTEMPT = Expression.ANGER, Expression.FEAR, Expression.CONTEMPT


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def spread(**votes: float) -> Label:
    return LabelDistribution.from_votes(
        {Expression.from_label(name): count for name, count in votes.items()}
    )


class TestLabelOfVotes:
    """neutral happiness surprise sadness anger disgust fear contempt unknown NF."""

    @pytest.mark.parametrize(
        ("votes", "majority", "distribution", "multi_target"),
        [
            # A single vote is no vote.
            ((0, 9, 1, 0, 0, 0, 0, 0, 0, 0), HAPPINESS, HAPPINESS, HAPPINESS),
            ((6, 1, 0, 1, 2, 0, 0, 0, 0, 0), NEUTRAL, NEUTRAL, NEUTRAL),
            ((1, 1, 1, 1, 1, 1, 1, 1, 1, 1), None, None, None),
            # Half of the votes is no majority.
            ((5, 5, 0, 0, 0, 0, 0, 0, 0, 0), None, "neutral=1 happiness=1",
             "neutral=1 happiness=1"),
            # Three quarters are reached before the third is asked; 30 % is a lower bar than that.
            ((0, 0, 6, 0, 0, 0, 4, 0, 0, 0), SURPRISE, "surprise=6 fear=4", "surprise=6 fear=4"),
            ((0, 0, 8, 0, 0, 0, 2, 0, 0, 0), SURPRISE, SURPRISE, SURPRISE),
            ((4, 3, 3, 0, 0, 0, 0, 0, 0, 0), None, "neutral=4 happiness=3 surprise=3",
             "neutral=4 happiness=3 surprise=3"),
            # Too many equals.
            ((2, 2, 2, 2, 2, 0, 0, 0, 0, 0), None, None, None),
            ((4, 2, 2, 2, 0, 0, 0, 0, 0, 0), None, None, None),
            # Unknown and not a face.
            ((0, 0, 0, 0, 0, 0, 0, 0, 8, 2), None, None, None),
            ((2, 0, 0, 0, 0, 0, 0, 0, 0, 8), None, None, None),
            ((6, 0, 0, 0, 0, 0, 0, 0, 4, 0), NEUTRAL, NEUTRAL, NEUTRAL),
            ((5, 0, 0, 0, 0, 0, 0, 0, 5, 0), None, None, NEUTRAL),
            ((0, 0, 0, 0, 0, 0, 0, 9, 0, 0), CONTEMPT, CONTEMPT, CONTEMPT),
        ],
    )  # fmt: skip
    def test_modes(
        self, votes: tuple[int, ...], majority: Any, distribution: Any, multi_target: Any
    ) -> None:
        wanted: dict[Mode, Any] = {
            "majority": majority,
            "probability": distribution,
            "crossentropy": distribution,
            "multi_target": multi_target,
        }
        for mode, label in wanted.items():
            if isinstance(label, str):
                pairs = (pair.split("=") for pair in label.split())
                label = spread(**{name: float(count) for name, count in pairs})
            assert label_of_votes(votes, mode) == label, mode


class TestForms:
    @pytest.mark.parametrize("form", ["csv", "folders"])
    def test_first_pictures(self, tmp_path: Path, form: str) -> None:
        fake.write(tmp_path, form)
        samples = samples_of(tmp_path, contempt="keep")
        assert [(each.sample_id, each.labels[0], each.split) for each in samples][:4] == [
            ("ferplus_fer0000000", NEUTRAL, "train"),
            ("ferplus_fer0000001", HAPPINESS, "train"),
            ("ferplus_fer0000002", FEAR, "train"),
            ("ferplus_fer0000003", CONTEMPT, "train"),
        ]
        assert {each.framing for each in samples} == {"face_crop"}
        assert all(each.picture.exists() for each in samples)
        assert Counter(each.split for each in samples) == {"train": 8, "val": 4, "test": 4}

    def test_rows_and_files_are_the_same_faces(self, tmp_path: Path) -> None:
        fake.write(tmp_path / "csv")
        fake.write(tmp_path / "folders", "folders")
        rows, files = (
            {each.sample_id: (each.labels, each.split) for each in samples_of(tmp_path / form)}
            for form in ("csv", "folders")
        )
        assert rows == files

    def test_a_name_in_two_rows_stands_for_two_faces(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        path = tmp_path / "fer2013new.csv"
        header, first, second, *others = path.read_text().splitlines()
        cells = second.split(",")
        cells[1] = first.split(",")[1]
        path.write_text("\n".join([header, first, ",".join(cells), *others]) + "\n")
        stem = PurePosixPath(cells[1]).stem
        one, two = samples_of(tmp_path)[:2]
        assert (one.sample_id, two.sample_id) == (f"ferplus_{stem}", f"ferplus_{stem}_2")
        assert one.picture.read() != two.picture.read()

    def test_what_is_left_out_has_a_reason(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        reasons = Counter(each.left_out for each in read(tmp_path, Options()))
        assert reasons == {
            None: 12,
            "contempt": 4,
            "no expression has enough votes": 4,
            "unknown or not a face": 4,
            "discarded by the authors": 4,
        }

    def test_votes_train_alone(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path, mode="probability")
        spread_ones = [
            each.split for each in samples if isinstance(each.labels[0], LabelDistribution)
        ]
        # 4 surprise, 6 fear: soft in training, and fear by the majority elsewhere.
        assert spread_ones == ["train", "train"]
        assert len(samples) == 12


class TestContempt:
    def test_its_votes_are_removed(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        path = tmp_path / "fer2013new.csv"
        path.write_text(path.read_text().replace("0,0,4,0,0,0,6,0,0,0", "0,0,0,0,0,0,6,4,0,0"))
        (kept,) = {expression_of(each.labels[0]) for each in samples_of(tmp_path)[2:3]}
        assert kept is FEAR
        third = samples_of(tmp_path, mode="probability")[2]
        assert third.labels == (FEAR,)
        eight = samples_of(tmp_path, mode="probability", contempt="keep")[2]
        assert eight.labels == (spread(fear=6, contempt=4),)


class TestBroken:
    def test_other_columns(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        path = tmp_path / "fer2013new.csv"
        path.write_text(path.read_text().replace("contempt", "glee", 1))
        with pytest.raises(DatasetFormatError, match=r"fer2013new.csv has the columns usage, im"):
            samples_of(tmp_path)

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("Training,", "Later,", "line 2: usage 'Later'"),
            (",6,1,", ",-6,1,", "line 2: .*counts of votes from 0"),
            (",6,1,", ",x,1,", "line 2: .*counts of votes"),
        ],
    )
    def test_rows(self, tmp_path: Path, old: str, new: str, told: str) -> None:
        fake.write(tmp_path)
        path = tmp_path / "fer2013new.csv"
        path.write_text(path.read_text().replace(old, new, 1))
        with pytest.raises(DatasetFormatError, match=told):
            samples_of(tmp_path)

    def test_tables_that_do_not_belong_together(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        path = tmp_path / "fer2013.csv"
        path.write_text("\n".join(path.read_text().splitlines()[:-1]))
        with pytest.raises(DatasetNotFoundError, match="has 27 rows and the votes have 28"):
            samples_of(tmp_path)

    def test_votes_alone(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        (tmp_path / "fer2013.csv").unlink()
        with pytest.raises(DatasetNotFoundError, match="votes and neither pictures nor fer2013"):
            samples_of(tmp_path)

    def test_an_absent_picture_is_listed(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "folders")
        (tmp_path / "data" / "FER2013Valid" / "fer0000014.png").unlink()
        absent = [each for each in samples_of(tmp_path) if not each.picture.exists()]
        assert [each.picture.name for each in absent] == ["data/FER2013Valid/fer0000014.png"]

    def test_folders_without_one_of_the_lists(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "folders")
        shutil.move(tmp_path / "data" / "FER2013Valid" / "label.csv", tmp_path / "x.csv")
        assert Counter(each.split for each in samples_of(tmp_path)) == {"train": 6, "test": 3}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return csv_folder(tmp_path_factory.mktemp("fer2013"))


@pytest.mark.parametrize("mode", ["majority", "probability", "crossentropy", "multi_target"])
@needs_fer2013
def test_the_authors_counts(mode: Mode, real: Path) -> None:
    root = real
    counts = {
        "majority": (25_060, 3_199, 3_153),
        "probability": (27_956, 3_505, 3_505),
        "crossentropy": (27_956, 3_505, 3_505),
        "multi_target": (27_671, 3_472, 3_472),
    }[mode]
    with (root / "fer2013new.csv").open(newline="") as file:
        rows = [row for row in csv.reader(file) if row[1] and row[0] != "Usage"]
    labelled = Counter(
        row[0] for row in rows if label_of_votes(tuple(map(float, row[2:])), mode) is not None
    )
    assert tuple(labelled[usage] for usage in fake.FOLDERS) == counts
    if mode == "majority":
        samples = samples_of(root, contempt="keep")
        assert Counter(each.split for each in samples) == published(Options(contempt="keep"))[0]
        test = Counter(expression_of(s.labels[0]).label for s in samples if s.split == "test")
        assert test == {
            "neutral": 1090, "happiness": 893, "surprise": 396, "sadness": 384, "anger": 273,
            "disgust": 18, "fear": 83, "contempt": 16,
        }  # fmt: skip
