import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_data import rafdb as fake

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Face, Sample
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.rafdb import EXPRESSIONS, Options, read


def samples_of(root: Path, images: str = "auto", numbering: str = "auto") -> list[Sample]:
    samples = read(root, Options(images=images, numbering=numbering))  # type: ignore[arg-type]
    return [sample for sample in samples if sample.left_out is None]


def facts(samples: list[Sample]) -> dict[str, tuple[object, ...]]:
    """All that does not depend on where the picture is."""
    return {each.sample_id: (each.faces, each.split, each.framing) for each in samples}


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text("".join(f"{change(line)}\n" for line in path.read_text().splitlines()))


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
            picture=PictureFile(tmp_path, "basic/Image/original/train_00001.jpg"),
            faces=(
                Face(
                    Expression.SURPRISE,
                    FaceBox(*fake.FACE),
                    ((60, 35), (80, 35), (70, 45), (62, 60), (78, 60)),
                ),
            ),
            split="train",
            attributes={"gender": "female", "race": "Asian", "age": "40-69"},
        )

    def test_split_is_the_names(self, tmp_path: Path) -> None:
        fake.write(tmp_path, train=3, test=2)
        splits = [sample.split for sample in samples_of(tmp_path)]
        assert splits == ["train"] * 3 + ["test"] * 2

    def test_root_may_be_basic_itself(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        assert facts(samples_of(tmp_path / "basic")) == facts(samples_of(tmp_path))

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
        assert wanted[0].faces[0].box is not None

    def test_box_and_points_may_be_missing_for_a_picture(self, tmp_path: Path) -> None:
        fake.write(tmp_path, boxes=["train_00002"])
        fake.box_path(tmp_path, "train_00003").write_text("")
        first, second, third, *_ = samples_of(tmp_path)
        boxes = [each.faces[0].box for each in (first, second, third)]
        assert boxes == [None, FaceBox(*fake.FACE), None]
        assert first.faces[0].landmarks == ()
        assert first.attributes == {}

    def test_box_beyond_the_picture_is_kept(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        fake.box_path(tmp_path, "train_00001").write_text("-3.5 -2 130 95\n")
        assert samples_of(tmp_path)[0].faces[0].box == FaceBox(-3.5, -2, 130, 95)

    def test_points_without_attributes(self, tmp_path: Path) -> None:
        fake.write(tmp_path, manual=["train_00001"])
        path = fake.manual_path(tmp_path, "train_00001")
        path.write_text("\n".join(path.read_text().splitlines()[:5]))
        sample = samples_of(tmp_path)[0]
        assert len(sample.faces[0].landmarks) == 5
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
        assert sample.picture.name == "basic/Image/aligned/train_00001_aligned.jpg"
        assert (sample.framing, sample.faces) == ("face_crop", (Face(Expression.SURPRISE),))
        assert sample.sample_id == "rafdb_train_00001"
        assert sample.attributes["gender"] == "female"

    def test_originals_that_are_not_there(self, tmp_path: Path) -> None:
        fake.write(tmp_path, originals=False)
        with pytest.raises(DatasetNotFoundError, match="holds aligned crops only"):
            samples_of(tmp_path, "original")

    def test_empty_folder(self, tmp_path: Path) -> None:
        fake.write(tmp_path, aligned=False)
        for path in (tmp_path / "basic" / "Image" / "original").iterdir():
            path.unlink()
        with pytest.raises(
            DatasetNotFoundError, match="is not laid out as RAF-DB; it holds basic/"
        ):
            samples_of(tmp_path)


class TestBrokenLists:
    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("train_00002.jpg 0", r"line 2: label 0; wanted one of 1 to 7; .*compound/"),
            ("train_00002.jpg 8", r"line 2: label '8'; wanted one of 1 to 7"),
            ("train_00002.jpg glad", r"line 2: label 'glad'"),
            ("train_00002.jpg", r"line 2: 'train_00002.jpg' has 1 cells; wanted 2 cells"),
            ("train_00002.jpg 4 4", r"line 2: .* has 3 cells; wanted 2 cells"),
            ("train_00001.jpg 4", r"line 2: train_00001 was listed before, on line 1"),
            ("../train_00002.jpg 4", r"line 2: name '../train_00002.jpg'"),
            ("/etc/passwd 4", r"line 2: name '/etc/passwd'"),
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
            picture=PictureFile(tmp_path, "DATASET/train/4/train_00004_aligned.jpg"),
            faces=(Face(Expression.HAPPINESS),),
            split="train",
            framing="face_crop",
        )

    def test_folders_alone_and_lists_inside_say_the_same(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="kaggle")
        wanted = samples_of(tmp_path)
        for name in ("train_labels.csv", "test_labels.csv"):
            (tmp_path / name).rename(tmp_path / "DATASET" / name)
        assert facts(samples_of(tmp_path / "DATASET")) == facts(wanted)
        for name in ("train_labels.csv", "test_labels.csv"):
            (tmp_path / "DATASET" / name).unlink()
        assert facts(samples_of(tmp_path)) == facts(wanted)

    def test_originals_are_not_in_it(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="kaggle")
        with pytest.raises(DatasetNotFoundError, match="holds aligned crops only"):
            samples_of(tmp_path, "original")

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("../../x_aligned.jpg,1", "line 2: name '../../x_aligned.jpg'"),
            ("train_00001_aligned.jpg,9", "line 2: label '9'"),
            ("train_00001_aligned.jpg", "line 2: .*1 cells; wanted 2"),
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

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("cat.jpg", "1 pictures .* are not named as RAF-DB names .*cat.jpg"),
            ("test_0002_aligned_flip.jpg", "_flip.jpg, which looks like a changed copy"),
            ("train_00002_aligned.jpg", "has the name of|is not named"),
            ("test_0003_aligned.jpg", "test_0003_aligned.jpg has the name of"),
        ],
    )
    def test_folder_with_another_picture(self, tmp_path: Path, name: str, told: str) -> None:
        fake.write(tmp_path, form="kaggle")
        for split in ("train", "test"):
            (tmp_path / f"{split}_labels.csv").unlink()
        (tmp_path / "DATASET" / "test" / "2" / name).write_bytes(b"")
        with pytest.raises(DatasetFormatError, match=told):
            samples_of(tmp_path)

    def test_a_train_picture_in_a_test_folder_alone(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="kaggle")
        for split in ("train", "test"):
            (tmp_path / f"{split}_labels.csv").unlink()
        path = tmp_path / "DATASET" / "train" / "2" / "train_00002_aligned.jpg"
        path.rename(tmp_path / "DATASET" / "test" / "2" / path.name)
        with pytest.raises(DatasetFormatError, match="names of test pictures"):
            samples_of(tmp_path)


def kaggle_folders(root: Path, rename: Callable[[str], str], lists: bool = False) -> None:
    """Kaggle's form with other names of its class folders."""
    fake.write(root, form="kaggle")
    for folder in sorted((root / "DATASET").glob("*/*")):
        # Not in place: "1" may still be taken.
        folder.rename(folder.with_name(f"new {rename(folder.name)}"))
    for folder in sorted((root / "DATASET").glob("*/*")):
        folder.rename(folder.with_name(folder.name.removeprefix("new ")))
    for split in ("train", "test"):
        path = root / f"{split}_labels.csv"
        if lists:
            rewrite(path, lambda line: re.sub(r",(\d)$", lambda m: "," + rename(m[1]), line))
        else:
            path.unlink()


WORDS = ("surprise", "Fear", "DISGUST", "happy", "sad", "6_angry", "neutral")


class TestNumbering:
    """Copies number the classes anew; all numbers together show how."""

    @pytest.mark.parametrize("lists", [False, True])
    @pytest.mark.parametrize(
        "rename", [lambda name: str(int(name) - 1), lambda name: WORDS[int(name) - 1]]
    )
    def test_folders_say_the_same(
        self, tmp_path: Path, rename: Callable[[str], str], lists: bool
    ) -> None:
        fake.write(tmp_path / "published", form="kaggle")
        kaggle_folders(tmp_path / "other", rename, lists)
        other = samples_of(tmp_path / "other")
        assert facts(other) == facts(samples_of(tmp_path / "published"))

    def test_list_from_zero(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        wanted = samples_of(tmp_path)
        rewrite(fake.list_path(tmp_path), lambda line: f"{line[:-1]}{int(line[-1]) - 1}")
        assert samples_of(tmp_path) == wanted

    def test_six_folders_may_be_both(self, tmp_path: Path) -> None:
        kaggle_folders(tmp_path, lambda name: name)
        for split in ("train", "test"):
            shutil.rmtree(tmp_path / "DATASET" / split / "7")
        with pytest.raises(DatasetFormatError, match=r"folders 1, 2, 3, 4, 5, 6, which may be 0"):
            samples_of(tmp_path)
        first = samples_of(tmp_path, numbering="from_one")[0]
        second = samples_of(tmp_path, numbering="from_zero")[0]
        assert first.labels == (Expression.SURPRISE,)
        assert second.labels == (Expression.FEAR,)

    def test_few_folders_are_read_as_published_with_a_warning(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        kaggle_folders(tmp_path, lambda name: name)
        for split in ("train", "test"):
            for name in "123567":
                shutil.rmtree(tmp_path / "DATASET" / split / name)
        assert {each.labels for each in samples_of(tmp_path)} == {(Expression.HAPPINESS,)}
        assert "warning: RAF-DB: class folders 4 are read as published" in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["8", "0"])
    def test_a_folder_too_many(self, tmp_path: Path, name: str) -> None:
        kaggle_folders(tmp_path, lambda name: name)
        path = tmp_path / "DATASET" / "train" / "1"
        (path.with_name(name)).mkdir()
        for picture in path.iterdir():
            picture.rename(path.with_name(name) / picture.name)
        with pytest.raises(DatasetFormatError, match=rf"is in a folder {name}; wanted one of 1 to"):
            samples_of(tmp_path)

    def test_list_and_folders_that_contradict_each_other(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="kaggle")
        rewrite(tmp_path / "train_labels.csv", lambda line: line.replace(",3", ",4"))
        with pytest.raises(DatasetFormatError, match=r"3/train_00003_aligned.jpg is listed as hap"):
            samples_of(tmp_path)


class TestSplitFolders:
    @pytest.mark.parametrize("names", [("Training", "Testing"), ("train_set", "val_set")])
    def test_the_names_prefix_decides(self, tmp_path: Path, names: tuple[str, str]) -> None:
        fake.write(tmp_path / "published", form="kaggle")
        kaggle_folders(tmp_path / "other", lambda name: name)
        for old, new in zip(("train", "test"), names, strict=True):
            (tmp_path / "other" / "DATASET" / old).rename(tmp_path / "other" / new)
        other = samples_of(tmp_path / "other")
        assert facts(other) == facts(samples_of(tmp_path / "published"))

    @pytest.mark.parametrize("folder", ["val", "Valid", "validation"])
    @pytest.mark.parametrize("lists", [False, True])
    def test_train_pictures_in_a_folder_of_validation(
        self, tmp_path: Path, folder: str, lists: bool
    ) -> None:
        kaggle_folders(tmp_path, lambda name: name, lists)
        path = tmp_path / "DATASET" / "train" / "3" / "train_00003_aligned.jpg"
        (tmp_path / "DATASET" / folder / "3").mkdir(parents=True)
        path.rename(tmp_path / "DATASET" / folder / "3" / path.name)
        splits = {each.sample_id: each.split for each in samples_of(tmp_path)}
        assert splits.pop("rafdb_train_00003") == "val"
        assert set(splits.values()) == {"train", "test"}


def kaggle_csv(line: Callable[[int, str, str], str], header: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for split in ("train", "test"):
            path = root / f"{split}_labels.csv"
            rows = [row.split(",") for row in path.read_text().splitlines()[1:]]
            lines = [header] if header else []
            lines += [line(number, *row) for number, row in enumerate(rows)]
            path.write_text("\n".join(lines) + "\n")

    return change


class TestListsByOthers:
    @pytest.mark.parametrize(
        "change",
        [
            lambda line: f"{line}   \r",
            lambda line: f"Image\\original\\{line}",
            lambda line: line.replace(".jpg", ".JPG"),
            lambda line: f"{line} 0",
            lambda line: line.replace(" ", f"\t{line.split('_')[0]}\t"),
            lambda line: line.replace(".jpg", "_aligned.jpg"),
            lambda line: line.replace(".jpg", ""),
            lambda line: line.replace(" ", ","),
            lambda line: " ".join(reversed(line.split())),
            lambda line: f"{line.split()[0]} {WORDS[int(line.split()[1]) - 1]}",
        ],
    )
    def test_list_of_basic(self, tmp_path: Path, change: Callable[[str], str]) -> None:
        fake.write(tmp_path)
        wanted = samples_of(tmp_path)
        rewrite(fake.list_path(tmp_path), change)
        assert samples_of(tmp_path) == wanted

    @pytest.mark.parametrize(
        "change",
        [
            kaggle_csv(lambda _, name, label: f"{label},{name}", "label,image"),
            kaggle_csv(lambda _, name, label: f"{label},{name}", ""),
            kaggle_csv(lambda n, name, label: f"{n},{name},{label}", ",image,label"),
            kaggle_csv(lambda n, name, label: f"{n},{name},{label}", ""),
            kaggle_csv(lambda _, name, label: f'"{name}","{label}"', '"image","label"'),
            kaggle_csv(lambda _, name, label: f"{name};{label}", "image;label"),
            kaggle_csv(lambda _, name, label: f"{name}, {label}", "Image,Label"),
            kaggle_csv(lambda _, name, label: f"{name},{label}.0", "file name,Emotion"),
            kaggle_csv(lambda _, name, label: f"DATASET/x/{label}/{name},{label}", "path,label"),
        ],
    )
    def test_kaggles_lists(self, tmp_path: Path, change: Callable[[Path], None]) -> None:
        fake.write(tmp_path, test=14, form="kaggle")
        wanted = samples_of(tmp_path)
        change(tmp_path)
        assert samples_of(tmp_path) == wanted

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
    def test_encodings(self, tmp_path: Path, encoding: str) -> None:
        fake.write(tmp_path, form="kaggle")
        wanted = samples_of(tmp_path)
        for path in tmp_path.glob("*.csv"):
            path.write_bytes(path.read_text().replace("\n", "\r").encode(encoding))
        assert samples_of(tmp_path) == wanted

    def test_two_columns_that_could_be_labels(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        rewrite(fake.list_path(tmp_path), lambda line: f"{line} {8 - int(line[-1])}")
        with pytest.raises(DatasetFormatError, match="columns 2 and 3 could both be the labels"):
            samples_of(tmp_path)


class TestPlacesByOthers:
    @pytest.fixture
    def wanted(self, tmp_path: Path) -> dict[str, tuple[object, ...]]:
        fake.write(tmp_path / "raw")
        return facts(samples_of(tmp_path / "raw"))

    @pytest.mark.parametrize("suffix", [".JPG", ".jpeg", ".png", ".PNG"])
    def test_other_suffixes(
        self, tmp_path: Path, wanted: dict[str, tuple[object, ...]], suffix: str
    ) -> None:
        for path in (tmp_path / "raw").rglob("*.jpg"):
            path.rename(path.with_suffix(suffix))
        samples = samples_of(tmp_path / "raw")
        assert facts(samples) == wanted
        assert all(each.picture.exists() for each in samples)

    def test_one_folder_deeper_and_flat(
        self, tmp_path: Path, wanted: dict[str, tuple[object, ...]]
    ) -> None:
        folder = tmp_path / "raw" / "basic" / "Image" / "original"
        shutil.move(folder, tmp_path / "moved")
        folder.mkdir()
        shutil.move(tmp_path / "moved", folder / "original")
        assert facts(samples_of(tmp_path / "raw")) == wanted
        (tmp_path / "flat").mkdir()
        for path in (tmp_path / "raw").rglob("*"):
            if path.is_file() and "aligned" not in path.name:
                path.rename(tmp_path / "flat" / path.name)
        assert facts(samples_of(tmp_path / "flat")) == wanted

    def test_compound_beside_basic(
        self, tmp_path: Path, wanted: dict[str, tuple[object, ...]]
    ) -> None:
        shutil.copytree(tmp_path / "raw" / "basic", tmp_path / "raw" / "compound")
        assert facts(samples_of(tmp_path / "raw")) == wanted

    def test_links(self, tmp_path: Path, wanted: dict[str, tuple[object, ...]]) -> None:
        for path in (tmp_path / "raw").rglob("*"):
            if path.is_file():
                link = tmp_path / "links" / path.relative_to(tmp_path / "raw")
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
        assert facts(samples_of(tmp_path / "links")) == wanted

    def test_still_packed(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        for name in ("original", "aligned"):
            shutil.rmtree(tmp_path / "basic" / "Image" / name)
        (tmp_path / "basic" / "Image" / "original.zip").write_bytes(b"PK")
        with pytest.raises(
            DatasetNotFoundError, match=r"Image/original.zip may hold .*: unpack it"
        ):
            samples_of(tmp_path)

    def test_none_of_the_listed_pictures(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        rewrite(fake.list_path(tmp_path), lambda line: line.replace("_0", "_9"))
        with pytest.raises(DatasetNotFoundError, match="none of the 21 listed pictures is below"):
            samples_of(tmp_path)

    def test_pictures_that_are_in_no_list_are_counted(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        rewrite(fake.list_path(tmp_path), lambda line: line)
        lines = fake.list_path(tmp_path).read_text().splitlines()
        fake.list_path(tmp_path).write_text("\n".join(lines[2:]))
        left_out = [each for each in read(tmp_path, Options()) if each.left_out]
        assert [each.picture.name for each in left_out] == [
            "basic/Image/original/train_00001.jpg",
            "basic/Image/original/train_00002.jpg",
        ]
        assert {each.left_out for each in left_out} == {"not in the list"}
