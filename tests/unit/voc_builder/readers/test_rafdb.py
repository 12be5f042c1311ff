from pathlib import Path

import pytest
from fake_data import rafdb as fake

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.rafdb import EXPRESSIONS, Options, read


def samples_of(root: Path, images: str = "auto") -> list[Sample]:
    return list(read(root, Options(images=images)))  # type: ignore[arg-type]


def test_codes_are_the_read_mes() -> None:
    # "1: Surprise 2: Fear 3: Disgust 4: Happiness 5: Sadness 6: Anger 7: Neutral"
    assert [EXPRESSIONS[code].label for code in range(1, 8)] == [
        "surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral",
    ]  # fmt: skip


class TestBasic:
    def test_first_picture(self, tmp_path: Path) -> None:
        fake.write(tmp_path, manual=["train_00001"])
        assert samples_of(tmp_path)[0] == Sample(
            sample_id="rafdb_train_00001",
            dataset="rafdb",
            image_path=fake.original_path(tmp_path, "train_00001"),
            expression=Expression.SURPRISE,
            split="train",
            face_box=FaceBox(*fake.FACE),
            landmarks=((60, 35), (80, 35), (70, 45), (62, 60), (78, 60)),
            attributes={"gender": "female", "race": "Asian", "age": "40-69"},
        )

    def test_split_is_the_names(self, tmp_path: Path) -> None:
        fake.write(tmp_path, train=3, test=2)
        splits = [sample.split for sample in samples_of(tmp_path)]
        assert splits == ["train"] * 3 + ["test"] * 2

    def test_root_may_be_basic_itself(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        assert samples_of(tmp_path / "basic") == samples_of(tmp_path)

    def test_tabs_crlf_and_bom(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        wanted = samples_of(tmp_path)
        text = fake.list_path(tmp_path).read_text().replace(" ", "\t").replace("\n", "\r\n")
        fake.list_path(tmp_path).write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert samples_of(tmp_path) == wanted

    def test_list_with_its_name_spelt_right(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        path = fake.list_path(tmp_path)
        path.rename(path.with_name("list_partition_label.txt"))
        assert len(samples_of(tmp_path)) == 21

    def test_boxes_beside_the_originals(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        wanted = samples_of(tmp_path)
        folder = tmp_path / "basic" / "Annotation" / "boundingbox"
        folder.rename(tmp_path / "basic" / "Image" / "boundingbox")
        assert samples_of(tmp_path) == wanted
        assert wanted[0].face_box is not None

    def test_box_and_points_may_be_missing_for_a_picture(self, tmp_path: Path) -> None:
        fake.write(tmp_path, boxes=["train_00002"])
        fake.box_path(tmp_path, "train_00003").write_text("")
        first, second, third, *_ = samples_of(tmp_path)
        assert (first.face_box, second.face_box, third.face_box) == (
            None, FaceBox(*fake.FACE), None,
        )  # fmt: skip
        assert first.landmarks == ()
        assert first.attributes == {}

    def test_box_beyond_the_picture_is_kept(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        fake.box_path(tmp_path, "train_00001").write_text("-3.5 -2 130 95\n")
        assert samples_of(tmp_path)[0].face_box == FaceBox(-3.5, -2, 130, 95)

    def test_points_without_attributes(self, tmp_path: Path) -> None:
        fake.write(tmp_path, manual=["train_00001"])
        path = fake.manual_path(tmp_path, "train_00001")
        path.write_text("\n".join(path.read_text().splitlines()[:5]))
        sample = samples_of(tmp_path)[0]
        assert len(sample.landmarks) == 5
        assert sample.attributes == {}


class TestChoiceOfImages:
    def test_auto_takes_originals(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        assert {sample.framing for sample in samples_of(tmp_path)} == {"photo"}

    @pytest.mark.parametrize("empty", [False, True])
    def test_auto_takes_aligned_where_there_are_no_originals(
        self, tmp_path: Path, empty: bool
    ) -> None:
        fake.write(tmp_path, originals=False)
        if empty:
            (tmp_path / "basic" / "Image" / "original").mkdir()
        assert {sample.framing for sample in samples_of(tmp_path)} == {"face_crop"}

    def test_aligned_crops_have_no_use_for_boxes_and_points(self, tmp_path: Path) -> None:
        fake.write(tmp_path, manual=["train_00001"])
        sample = samples_of(tmp_path, "aligned")[0]
        assert sample.image_path == fake.aligned_path(tmp_path, "train_00001")
        assert (sample.framing, sample.face_box, sample.landmarks) == ("face_crop", None, ())
        assert sample.sample_id == "rafdb_train_00001"
        assert sample.attributes["gender"] == "female"

    def test_originals_that_are_not_there(self, tmp_path: Path) -> None:
        fake.write(tmp_path, originals=False)
        with pytest.raises(DatasetNotFoundError, match=r"basic/Image holds no original; "):
            samples_of(tmp_path, "original")

    def test_empty_folder(self, tmp_path: Path) -> None:
        fake.write(tmp_path, aligned=False)
        for path in (tmp_path / "basic" / "Image" / "original").iterdir():
            path.unlink()
        with pytest.raises(DatasetNotFoundError, match=r"Image/original is empty; "):
            samples_of(tmp_path)


class TestBrokenLists:
    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("train_00002.jpg 0", r"line 2: label '0'; wanted one of 1 to 7; .*compound/"),
            ("train_00002.jpg 8", r"line 2: label '8'; wanted one of 1 to 7"),
            ("train_00002.jpg happy", r"line 2: label 'happy'"),
            ("train_00002.jpg", r"line 2: 'train_00002.jpg'; wanted a file name and a label"),
            ("train_00002.jpg 4 4", r"line 2: .*wanted a file name and a label"),
            ("train_00001.jpg 4", r"line 2: train_00001 was listed before, on line 1"),
            ("../train_00002.jpg 4", r"line 2: name '../train_00002.jpg' leaves its folder"),
            ("/etc/passwd 4", r"line 2: name '/etc/passwd' leaves its folder"),
            ("valid_00002.jpg 4", r"line 2: name 'valid_00002.jpg'; wanted .*train_00001.jpg"),
        ],
    )
    def test_line(self, tmp_path: Path, line: str, told: str) -> None:
        fake.write(tmp_path)
        lines = fake.list_path(tmp_path).read_text().splitlines()
        lines[1] = line
        fake.list_path(tmp_path).write_text("\n".join(lines))
        with pytest.raises(DatasetFormatError, match=told):
            samples_of(tmp_path)

    def test_missing(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        fake.list_path(tmp_path).unlink()
        with pytest.raises(DatasetNotFoundError, match=r"list_patition_label.txt is absent"):
            samples_of(tmp_path)

    def test_empty(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        fake.list_path(tmp_path).write_text("\n")
        with pytest.raises(DatasetFormatError, match=r"list_patition_label.txt is empty"):
            samples_of(tmp_path)


class TestBrokenAnnotations:
    @pytest.mark.parametrize("text", ["1 2 3", "1 2 3 x", "5 5 5 9", "1 2 nan 4"])
    def test_box(self, tmp_path: Path, text: str) -> None:
        fake.write(tmp_path)
        fake.box_path(tmp_path, "train_00001").write_text(text)
        with pytest.raises(DatasetFormatError, match=r"train_00001_boundingbox.txt, line 1"):
            samples_of(tmp_path)

    @pytest.mark.parametrize(
        ("number", "text", "told"),
        [
            (2, "80", "line 2: '80'; wanted a point x y"),
            (6, "3", "line 6: gender '3'; wanted one of 0 to 2"),
            (8, "five", "line 8: age 'five'; wanted one of 0 to 4"),
        ],
    )
    def test_points_and_attributes(self, tmp_path: Path, number: int, text: str, told: str) -> None:
        fake.write(tmp_path, manual=["train_00001"])
        path = fake.manual_path(tmp_path, "train_00001")
        lines = path.read_text().splitlines()
        lines[number - 1] = text
        path.write_text("\n".join(lines))
        with pytest.raises(DatasetFormatError, match=told):
            samples_of(tmp_path)

    def test_too_few_points(self, tmp_path: Path) -> None:
        fake.write(tmp_path, manual=["train_00001"])
        fake.manual_path(tmp_path, "train_00001").write_text("1 2\n3 4\n")
        with pytest.raises(DatasetFormatError, match="2 rows; wanted 5 points"):
            samples_of(tmp_path)


class TestKaggle:
    def test_lists(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="kaggle")
        samples = samples_of(tmp_path)
        assert len(samples) == 21
        assert samples[3] == Sample(
            sample_id="rafdb_train_00004",
            dataset="rafdb",
            image_path=tmp_path / "DATASET" / "train" / "4" / "train_00004_aligned.jpg",
            expression=Expression.HAPPINESS,
            split="train",
            framing="face_crop",
        )

    def test_folders_alone_and_lists_inside_say_the_same(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="kaggle")
        wanted = samples_of(tmp_path)
        for name in ("train_labels.csv", "test_labels.csv"):
            (tmp_path / name).rename(tmp_path / "DATASET" / name)
        assert samples_of(tmp_path / "DATASET") == wanted
        for name in ("train_labels.csv", "test_labels.csv"):
            (tmp_path / "DATASET" / name).unlink()
        assert sorted(samples_of(tmp_path), key=lambda sample: sample.sample_id) == sorted(
            wanted, key=lambda sample: sample.sample_id
        )

    def test_originals_are_not_in_it(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="kaggle")
        with pytest.raises(DatasetNotFoundError, match="holds aligned crops only"):
            samples_of(tmp_path, "original")

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("../../x_aligned.jpg,1", "line 2: name .* leaves its folder"),
            ("train_00001_aligned.jpg,9", "line 2: label '9'"),
            ("train_00001_aligned.jpg", "line 2: .*a file name and a label"),
            ("train_00001.jpg,1", "line 2: .*train_00001_aligned.jpg"),
            ("train_00002_aligned.jpg,2", "line 3: train_00002 was listed before, on line 2"),
            ("test_0001_aligned.jpg,1", "line 2: .*pictures of the train split only"),
        ],
    )
    def test_broken_list(self, tmp_path: Path, line: str, told: str) -> None:
        fake.write(tmp_path, form="kaggle")
        path = tmp_path / "train_labels.csv"
        lines = path.read_text().splitlines()
        lines[1] = line
        path.write_text("\n".join(lines))
        with pytest.raises(DatasetFormatError, match=told):
            samples_of(tmp_path)

    def test_empty_label_folder(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="kaggle")
        (tmp_path / "test_labels.csv").unlink()
        (tmp_path / "DATASET" / "test" / "2" / "test_0002_aligned.jpg").unlink()
        with pytest.raises(DatasetNotFoundError, match="DATASET/test/2 is empty"):
            samples_of(tmp_path)

    @pytest.mark.parametrize(
        "name", ["cat.jpg", "train_00002_aligned.jpg", "test_0003_aligned.jpg"]
    )
    def test_folder_with_another_picture(self, tmp_path: Path, name: str) -> None:
        fake.write(tmp_path, form="kaggle")
        (tmp_path / "test_labels.csv").unlink()
        (tmp_path / "DATASET" / "test" / "2" / name).write_bytes(b"")
        with pytest.raises(DatasetFormatError, match=r"is not named|has the name of"):
            samples_of(tmp_path)
