import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_data import voc as fake
from fake_data.faces import draw
from PIL import Image

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from fer_det.imaging.decode import decode_rgb8
from voc_builder.readers.voc import Options, read

FIRST, SECOND = (FaceBox(*edges) for edges in fake.FACES)
LABELS = ("happiness", "fear", "happiness", "sadness", "surprise", "anger", "neutral", "disgust",
          "fear")  # fmt: skip


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def left_out(root: Path) -> Counter[str | None]:
    return Counter(each.left_out for each in read(root, Options()) if each.left_out)


def check(samples: list[Sample]) -> None:
    """The nine pictures with their labels, boxes and splits, whatever the form."""
    by_number = {}
    for sample in samples:
        digits = "".join(c for c in sample.picture.name.rpartition("/")[2] if c.isdigit())
        by_number[int(digits[0])] = sample
    assert sorted(by_number) == list(range(9))
    for number, sample in by_number.items():
        assert [each.label for each in sample.labels if isinstance(each, Expression)] == [
            LABELS[number]
        ]
        first, *others = sample.faces
        assert first.box is not None
        assert first.box.as_tuple() == pytest.approx(FIRST.as_tuple(), abs=0.01)
        # A face of a class that we do not have is ignored.
        assert [face.label for face in others] == [None] * (number % 2)
        assert sample.picture.exists()


class TestVoc:
    def test_plain(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path)
        check(samples)
        assert samples[0].sample_id == "voc_photo_0"
        assert Counter(each.split for each in samples) == {"train": 5, "val": 2, "test": 2}
        assert left_out(tmp_path) == {"a face of another class, ignored: bored": 4}

    @pytest.mark.parametrize(
        "quirks",
        [
            ["zero_size"],
            ["no_size"],
            ["swapped"],
            ["windows"],
            ["dots"],
            ["dots", "windows"],
            ["flat"],
            ["no_sets"],
        ],
    )
    @pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".jpeg", ".png"])
    def test_dialects(self, tmp_path: Path, quirks: list[str], suffix: str) -> None:
        fake.write(tmp_path, quirks=quirks, suffix=suffix)
        samples = samples_of(tmp_path)
        check(samples)
        has_lists = not {"flat", "no_sets"} & set(quirks)
        counts = {"train": 5, "val": 2, "test": 2} if has_lists else {"train": 9}
        assert Counter(each.split for each in samples) == counts

    def test_counted_from_zero(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fake.write(tmp_path, quirks=["from_zero"])
        samples = samples_of(tmp_path)
        boxes = {each.sample_id: each.faces[0].box for each in samples}
        # One face begins at 0: the pixels of all are counted from there.
        assert boxes.pop("voc_photo_3") == FaceBox(0, 20, 90, 70)
        assert set(boxes.values()) == {FIRST}
        assert {each.attributes["boxes_counted_from"] for each in samples} == {"0"}
        assert "boxes begin at 0" in capsys.readouterr().err

    def test_odd_objects_are_counted(self, tmp_path: Path) -> None:
        fake.write(tmp_path, quirks=["odd_objects"])
        check(samples_of(tmp_path))
        objects = 9 + 4
        assert left_out(tmp_path) == {
            "an object without a usable box": 2 * objects,
            "an object that is no face: person": objects,
            "a face of another class, ignored: bored": 4,
        }

    def test_pictures_without_a_labelled_face(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        base = tmp_path / "VOCdevkit" / "VOC2012"
        (base / "Annotations" / "photo_0.xml").write_text("<annotation/>")
        (base / "Annotations" / "photo_2.xml").write_text("<annotation")
        (base / "Annotations" / "photo_4.xml").unlink()
        (base / "ImageSets" / "Main" / "val.txt").unlink()
        reasons = left_out(tmp_path)
        assert reasons.pop("a face of another class, ignored: bored") == 3
        assert reasons.pop("in no image set") == 2
        assert reasons.pop("no labelled face") == 1
        assert reasons.pop("no annotation") == 1
        ((broken, count),) = reasons.items()
        assert str(broken).startswith("an annotation that is not XML")
        assert count == 1

    def test_the_same_names_in_two_splits(self, tmp_path: Path) -> None:
        for split in ("train", "valid"):
            fake.write(tmp_path / split, quirks=["flat"])
        samples = samples_of(tmp_path)
        assert Counter(each.split for each in samples) == {"train": 9, "val": 9}
        assert len({each.sample_id for each in samples}) == 18

    def test_groups(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        assert samples_of(tmp_path, group_pattern=r"_(\d)")[3].group == "3"


class TestCoco:
    def test_a_file_a_split(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "coco")
        samples = samples_of(tmp_path)
        check(samples)
        assert Counter(each.split for each in samples) == {"train": 5, "val": 2, "test": 2}

    def test_crowds_are_ignored(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "coco")
        path = tmp_path / "valid" / "_annotations.coco.json"
        document = json.loads(path.read_text())
        document["annotations"][0]["iscrowd"] = 1
        path.write_text(json.dumps(document))
        assert len(samples_of(tmp_path)) == 8

    @pytest.mark.parametrize("changed", [False, True])
    def test_a_picture_in_two_files(self, tmp_path: Path, changed: bool) -> None:
        fake.write(tmp_path, "coco")
        path = tmp_path / "train" / "_annotations.coco.json"
        document = json.loads(path.read_text())
        document["annotations"][0]["bbox"][2] -= 5 * changed
        path.with_name("again.json").write_text(json.dumps(document))
        check(samples_of(tmp_path))
        twice = "annotated twice, differently; the first is used"
        assert left_out(tmp_path)[twice] == changed

    @pytest.mark.parametrize("key", ["image_id", "category_id"])
    def test_ids_that_are_not_there(self, tmp_path: Path, key: str) -> None:
        fake.write(tmp_path, "coco")
        path = tmp_path / "train" / "_annotations.coco.json"
        document = json.loads(path.read_text())
        document["annotations"][1][key] = 77
        path.write_text(json.dumps(document))
        with pytest.raises(DatasetFormatError, match="lacks 77 in an image, a category or"):
            samples_of(tmp_path)


class TestYolo:
    @pytest.mark.parametrize("quirks", [[], ["classes_txt"]])
    def test_plain(self, tmp_path: Path, quirks: list[str]) -> None:
        fake.write(tmp_path, "yolo", quirks)
        samples = samples_of(tmp_path)
        check(samples)
        assert Counter(each.split for each in samples) == {"train": 5, "val": 2, "test": 2}

    def test_class_names_that_are_not_there(self, tmp_path: Path) -> None:
        draw(tmp_path / "images" / "a.jpg", (40, 40), [(8, 8, 30, 30)])
        (tmp_path / "labels").mkdir()
        (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
        with pytest.raises(DatasetNotFoundError, match=r"YOLO's, such as labels/a\.txt, w"):
            list(read(tmp_path, Options()))

    def test_polygons(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "yolo")
        path = tmp_path / "train" / "labels" / "photo_0.txt"
        number = path.read_text().split()[0]
        path.write_text(f"{number} 0.25 0.5 0.75 0.5 0.5 0.9\n")
        first = samples_of(tmp_path)[2].faces[0]
        assert first.box is not None
        assert samples_of(tmp_path)[2].picture.name.endswith("photo_0.jpg")
        assert first.box.as_tuple() == pytest.approx((30, 45, 90, 81))

    @pytest.mark.parametrize(("orientation", "size"), [(1, (60, 40)), (6, (40, 60)), (9, (60, 40))])
    def test_parts_of_the_picture_as_it_is_shown(
        self, tmp_path: Path, orientation: int, size: tuple[int, int]
    ) -> None:
        """EXIF has no orientation 9, and no program turns such a picture."""
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=exif)
        (tmp_path / "a.txt").write_text("0 0.5 0.5 1 1\n")
        (tmp_path / "classes.txt").write_text("happy\n")
        (sample,) = read(tmp_path, Options())
        assert decode_rgb8(sample.open(), "a").size == size
        assert sample.faces[0].box == FaceBox(0, 0, *size)

    @pytest.mark.parametrize("line", ["99 0.5 0.5 0.1 0.1", "happy 0.5 0.5 0.1 0.1", "1 a b c d"])
    def test_broken_line(self, tmp_path: Path, line: str) -> None:
        fake.write(tmp_path, "yolo")
        (tmp_path / "train" / "labels" / "photo_0.txt").write_text(line)
        with pytest.raises(DatasetFormatError, match=r"photo_0.txt has the line"):
            samples_of(tmp_path)


def test_pictures_alone(tmp_path: Path) -> None:
    fake.write(tmp_path, "yolo")
    (tmp_path / "data.yaml").unlink()
    for path in tmp_path.rglob("photo_*.txt"):
        path.unlink()
    with pytest.raises(DatasetNotFoundError, match="no annotations that are understood"):
        samples_of(tmp_path)
