import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_data import folders as fake

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.label import LabelDistribution
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Clip, Face, Sample
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.folders import Options, read

HAPPINESS, SADNESS = Expression.HAPPINESS, Expression.SADNESS
ANGER, NEUTRAL = Expression.ANGER, Expression.NEUTRAL


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def with_table(root: Path, text: str) -> list[Sample]:
    fake.write(root)
    (root / "labels.csv").write_text(text)
    return samples_of(root)


class TestTable:
    def test_several_faces_with_votes(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path)
        assert samples[0] == Sample(
            sample_id="folders_holidays-IMG-1",
            dataset="folders",
            picture=PictureFile(tmp_path, "holidays/IMG 1.jpg"),
            faces=(
                Face(
                    LabelDistribution({HAPPINESS: 0.7, SADNESS: 0.1, NEUTRAL: 0.2}),
                    FaceBox(50, 20, 90, 70),
                ),
                Face(ANGER, FaceBox(5, 30, 35, 65)),
            ),
            split="train",
            group="Ann",
        )
        # No votes: the face is ignored.
        assert samples[1].faces[1] == Face(None, FaceBox(5, 30, 35, 65))
        assert [each.split for each in samples] == ["train", "train", "val", "test"]
        assert [each.group for each in samples] == ["Ann", "Ann", "Bo", "Cy"]

    def test_labels_by_name(self, tmp_path: Path) -> None:
        text = "Label;Image\nhappy;party\nnone;party 2.jpg\nSad;holidays\\IMG 1.JPG\n"
        samples = with_table(tmp_path, text)
        assert [(each.picture.name, each.labels) for each in samples] == [
            ("party.jpg", (HAPPINESS,)),
            ("holidays/IMG 1.jpg", (SADNESS,)),
        ]

    @pytest.mark.parametrize(
        "header", ["x,y,w,h", "X,Y,Width,Height", "face_x,face_y,face_width,face_height"]
    )
    def test_boxes_by_size(self, tmp_path: Path, header: str) -> None:
        (sample,) = with_table(tmp_path, f"image,label,{header}\nparty.jpg,happy,5,6,10,20\n")
        assert sample.faces[0].box == FaceBox(5, 6, 15, 26)

    @pytest.mark.parametrize(
        "header", ["left,top,right,bottom", "x1,y1,x2,y2", "xmin,ymin,xmax,ymax"]
    )
    def test_boxes_by_edges(self, tmp_path: Path, header: str) -> None:
        (sample,) = with_table(tmp_path, f"image,label,{header}\nparty.jpg,happy,5,6,10,20\n")
        assert sample.faces[0].box == FaceBox(5, 6, 10, 20)

    def test_clips(self, tmp_path: Path) -> None:
        (sample,) = with_table(tmp_path, "image,label,clip,frame\nparty.jpg,happy,film 3,17\n")
        assert sample.clip == Clip("film 3", 17)

    def test_pictures_that_the_table_does_not_name_are_counted(self, tmp_path: Path) -> None:
        with_table(tmp_path, "image,label\nparty.jpg,happy\nparty 2.jpg,none\n")
        left_out = {
            each.picture.name: each.left_out for each in read(tmp_path, Options()) if each.left_out
        }
        assert left_out == {
            "party 2.jpg": "no labelled face",
            "holidays/IMG 1.jpg": "not in the table",
            "holidays/IMG 2.jpg": "not in the table",
        }

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("a,b\nparty.jpg,happy\n", "has the columns of no header line"),
            ("image,b\nparty.jpg,happy\n", "has the columns image, b"),
            ("image,label\nparty.jpg,3\n", "line 2: label '3'; wanted an expression's name"),
            ("image,label\nparty.jpg,glad\n", "line 2: label 'glad'"),
            ("image,label\n../x.jpg,sad\nparty.jpg,sad\n", "is not below the folder"),
            ("image,label\n/x/a.jpg,sad\nparty.jpg,sad\n", "is not below the folder"),
            ("image,label\nparty.jpg,sad\nparty.jpg,happy\n", "was listed before, on line 2"),
            ("image,label,split\nparty.jpg,sad,later\n", "split 'later'; wanted train, val or"),
            ("image,label,x,y,w,h\nparty.jpg,sad,5,5,0,5\n", "line 2: box .* has no area"),
            ("image,label,x,y,w,h\nparty.jpg,sad,5,5,a,5\n", r"line 2: .* x y w h \(4 numbers"),
            ("image,happy,sad\nparty.jpg,2,-1\n", "a number of votes in each"),
            ("image,happy,sad\nparty.jpg,2,x\n", "a number of votes in each"),
            ("image,label,clip\nparty.jpg,sad,c\n", "a frame number beside the clip"),
            (
                "image,label,x,y,w,h,split\nparty.jpg,sad,1,1,9,9,train\nparty,sad,9,9,9,9,test\n",
                "has another split, group or clip than on line 2",
            ),
        ],
    )
    def test_mistakes(self, tmp_path: Path, text: str, told: str) -> None:
        with pytest.raises(DatasetFormatError, match=told):
            with_table(tmp_path, text)

    def test_no_listed_picture_is_there(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetNotFoundError, match="none of the 1 listed pictures is below"):
            with_table(tmp_path, "image,label\nother.jpg,happy\n")


class TestClassFolders:
    def test_words_and_splits(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "folders")
        samples = samples_of(tmp_path, face_crops=True)
        assert [(each.sample_id, each.labels[0], each.split) for each in samples][:2] == [
            ("folders_test-Angry-IMG-2", ANGER, "test"),
            ("folders_test-Happy-IMG-0", HAPPINESS, "test"),
        ]
        assert {each.framing for each in samples} == {"face_crop"}
        assert len(samples) == 8

    def test_ids_stay_when_a_folder_goes(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "folders")
        shutil.rmtree(tmp_path / "test")
        for word in ("Happy", "sad", "surprised"):
            shutil.rmtree(tmp_path / "train" / word)
        (sample,) = samples_of(tmp_path)
        assert sample.sample_id == "folders_train-Angry-IMG-2"

    def test_names_that_would_be_one_id(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "folders")
        folder = tmp_path / "train" / "sad"
        for name in ("img+1.jpg", "IMG-1.png"):
            shutil.copy(folder / "IMG 1.jpg", folder / name)
        ids = [each.sample_id.lower() for each in samples_of(tmp_path)]
        assert len(set(ids)) == len(ids) == 10

    def test_groups_by_pattern(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "folders")
        samples = samples_of(tmp_path, group_pattern=r"(\d+)\.jpg")
        assert [each.group for each in samples][:3] == ["2", "0", "1"]

    @pytest.mark.parametrize("pattern", ["(", "no bracket"])
    def test_pattern_without_a_group(self, pattern: str) -> None:
        with pytest.raises(ConfigError, match="group_pattern"):
            Options(group_pattern=pattern)

    def test_a_folder_that_is_no_expression(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "folders")
        (tmp_path / "train" / "sad").rename(tmp_path / "train" / "gloomy")
        with pytest.raises(DatasetFormatError, match=r"1 pictures .* is train/gloomy/IMG 1.jpg"):
            samples_of(tmp_path)
        (tmp_path / "train" / "gloomy").rename(tmp_path / "train" / "uncertain")
        left_out = [each.left_out for each in read(tmp_path, Options()) if each.left_out]
        assert left_out == ["in the folder uncertain"]

    def test_no_folder_is_an_expression(self, tmp_path: Path) -> None:
        fake.write(tmp_path, "folders")
        for word in ("Happy", "sad", "Angry", "surprised"):
            for split in ("train", "test"):
                path = tmp_path / split / word
                path.rename(path.with_name(f"x{word}"))
        with pytest.raises(DatasetNotFoundError, match=r"\(but xAngry, xHappy, xsad, xsurprised\)"):
            samples_of(tmp_path)
