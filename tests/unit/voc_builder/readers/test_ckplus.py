import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_data import ckplus as fake
from fake_data.faces import draw

from fer_det.core.expression import Expression
from fer_det.core.label import expression_of
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Clip, Face, Sample
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.ckplus import EXPRESSIONS, Options, published, read, subject_folds

FIRST = fake.subject_name(0)


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def expression(sample: Sample) -> Expression:
    return expression_of(sample.labels[0])


def facts(samples: list[Sample]) -> list[tuple[object, ...]]:
    """All that does not depend on where the picture is."""
    return [(each.sample_id, each.faces, each.split, each.group, each.clip) for each in samples]


def frames_of(samples: list[Sample], subject: str, sequence: str) -> list[tuple[int, str]]:
    return [
        (sample.clip.frame, expression(sample).label)
        for sample in samples
        if sample.clip and sample.clip.id == f"{subject}_{sequence}"
    ]


def test_codes_are_the_read_mes() -> None:
    # "1=anger, 2=contempt, 3=disgust, 4=fear, 5=happy, 6=sadness, 7=surprise"
    assert [EXPRESSIONS[code].label for code in range(1, 8)] == [
        "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise",
    ]  # fmt: skip


class TestFrames:
    def test_last_three_and_the_first_as_neutral(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        assert frames_of(samples_of(tmp_path), FIRST, "001") == [
            (1, "neutral"), (5, "anger"), (6, "anger"), (9, "anger"),
        ]  # fmt: skip

    def test_last_one_without_neutral(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path, frames="last1", neutral=False)
        assert frames_of(samples, FIRST, "001") == [(9, "anger")]

    def test_all_of_a_labelled_sequence(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path, frames="all")
        assert frames_of(samples, FIRST, "001") == [
            (1, "neutral"), (2, "anger"), (5, "anger"), (6, "anger"), (9, "anger"),
        ]  # fmt: skip
        assert not any(each.clip.id.endswith("_002") for each in samples if each.clip)

    def test_intensities_of_made_faces(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        listed = fake.images_folder(tmp_path) / "intensity.txt"
        listed.write_text(f"{FIRST}_001_00000001 0.0\n{FIRST}_001_00000009 0.9310\n")
        stated = {
            each.sample_id: each.attributes["intensity"]
            for each in samples_of(tmp_path)
            if "intensity" in each.attributes
        }
        name = f"ckplus_{FIRST}_001_0000000"
        assert stated == {f"{name}1": "0.0", f"{name}9": "0.931"}
        listed.write_text(f"{FIRST}_001_00000001 strong\n")
        with pytest.raises(DatasetFormatError, match=r"intensity.txt, line 1"):
            samples_of(tmp_path)

    def test_the_peak_is_the_emotion_files_not_the_last_picture(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        path = fake.emotion_path(tmp_path, "plain", FIRST, "001")
        path.rename(path.with_name(f"{FIRST}_001_00000006_emotion.txt"))
        assert frames_of(samples_of(tmp_path), FIRST, "001") == [
            (1, "neutral"), (2, "anger"), (5, "anger"), (6, "anger"),
        ]  # fmt: skip

    def test_a_short_sequence_gives_no_frame_twice(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        for frame in (1, 2):
            fake.frame_path(tmp_path, FIRST, "001", frame).unlink()
        samples = samples_of(tmp_path)
        assert [label for _, label in frames_of(samples, FIRST, "001")] == ["anger"] * 3

    def test_first_sample(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        assert samples_of(tmp_path, neutral=False)[0] == Sample(
            sample_id=f"ckplus_{FIRST}_001_00000005",
            dataset="ckplus",
            picture=PictureFile(
                tmp_path, f"cohn-kanade-images/{FIRST}/001/{FIRST}_001_00000005.png"
            ),
            faces=(Face(Expression.ANGER),),
            split="train",
            group=FIRST,
            clip=Clip(f"{FIRST}_001", 5),
            attributes={"fold": "0"},
        )

    def test_unlabelled_sequences_give_nothing(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        assert not any(each.clip.id.endswith("_002") for each in samples_of(tmp_path) if each.clip)

    def test_a_sequence_whose_pictures_are_absent_gives_its_peak(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        for path in fake.frame_path(tmp_path, FIRST, "001", 1).parent.iterdir():
            path.unlink()
        fake.frame_path(tmp_path, FIRST, "001", 1).parent.rmdir()
        assert frames_of(samples_of(tmp_path), FIRST, "001") == [(9, "anger")]

    def test_pictures_of_another_sequence_are_not_taken(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        stray = fake.frame_path(tmp_path, FIRST, "001", 1).with_name("S999_001_00000008.png")
        stray.write_bytes(b"")
        assert all(sample.picture.name != stray.name for sample in samples_of(tmp_path))
        assert frames_of(samples_of(tmp_path), FIRST, "001")[-3:] == [
            (5, "anger"), (6, "anger"), (9, "anger"),
        ]  # fmt: skip


class TestContempt:
    def test_dropped_with_its_neutral_frames(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path)
        assert Expression.CONTEMPT not in {expression(sample) for sample in samples}
        # 14 subjects with two sequences each, of which 4 show contempt: 24 are left.
        assert Counter(expression(sample) for sample in samples)[Expression.NEUTRAL] == 24
        left_out = [each for each in read(tmp_path, Options()) if each.left_out]
        # The last three frames and the neutral one of four sequences.
        assert [each.left_out for each in left_out] == ["contempt"] * 16

    def test_kept(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        counts = Counter(expression(sample) for sample in samples_of(tmp_path, contempt="keep"))
        assert counts[Expression.CONTEMPT] == 4 * 3
        assert counts[Expression.NEUTRAL] == 28


class TestFolds:
    def test_dealt_in_turn_by_number(self) -> None:
        subjects = {f"S{number:03d}" for number in range(25)}
        folds = subject_folds(subjects)
        assert [folds["S000"], folds["S009"], folds["S010"], folds["S024"]] == [0, 9, 0, 4]
        assert sorted(Counter(folds.values()).values()) == [2] * 5 + [3] * 5

    def test_contempt_does_not_move_them(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        kept = {
            each.group: each.attributes["fold"] for each in samples_of(tmp_path, contempt="keep")
        }
        for sample in samples_of(tmp_path):
            assert sample.attributes["fold"] == kept[sample.group]

    def test_test_fold(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path, test_fold=3)
        test = {sample.group for sample in samples if sample.split == "test"}
        train = {sample.group for sample in samples if sample.split == "train"}
        assert test == {fake.subject_name(3), fake.subject_name(13)}
        assert not test & train

    @pytest.mark.parametrize("fold", [-1, 10])
    def test_no_such_fold(self, fold: int) -> None:
        with pytest.raises(ConfigError, match=f"test_fold {fold}; wanted a fold from 0 to 9"):
            Options(test_fold=fold)


class TestLayouts:
    def test_both_namings_say_the_same(self, tmp_path: Path) -> None:
        fake.write(tmp_path / "plain")
        fake.write(tmp_path / "extended", form="extended")
        plain, extended = samples_of(tmp_path / "plain"), samples_of(tmp_path / "extended")
        assert [each.sample_id for each in plain] == [each.sample_id for each in extended]
        assert all(sample.picture.exists() for sample in extended)

    def test_litter_changes_nothing(self, tmp_path: Path) -> None:
        fake.write(tmp_path, litter=False)
        clean = samples_of(tmp_path)
        fake.write(tmp_path, litter=True)
        assert samples_of(tmp_path) == clean


class TestBroken:
    @pytest.mark.parametrize("text", ["0.0000000e+00", "8", "happy", "", "2.5"])
    def test_emotion(self, tmp_path: Path, text: str) -> None:
        fake.write(tmp_path)
        fake.emotion_path(tmp_path, "plain", FIRST, "001").write_text(text)
        with pytest.raises(DatasetFormatError, match=r"_emotion.txt, line 1: .*one of 1 to 7"):
            samples_of(tmp_path)

    def test_two_emotions(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        path = fake.emotion_path(tmp_path, "plain", FIRST, "001")
        path.with_name(f"{FIRST}_001_00000006_emotion.txt").write_text("1")
        with pytest.raises(DatasetFormatError, match=r"has the emotion files .*; wanted one"):
            samples_of(tmp_path)

    @pytest.mark.parametrize("name", ["S999_001_00000009", "S010_002_00000009", "peak"])
    def test_emotion_of_another_sequence(self, tmp_path: Path, name: str) -> None:
        fake.write(tmp_path)
        path = fake.emotion_path(tmp_path, "plain", FIRST, "001")
        path.rename(path.with_name(f"{name}_emotion.txt"))
        with pytest.raises(DatasetFormatError, match="is not named after its folders"):
            samples_of(tmp_path)

    def test_no_label_at_all(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        shutil.rmtree(tmp_path / "Emotion")
        told = "has CK\\+'s frames, and neither emotion files nor class folders; it holds cohn-k"
        with pytest.raises(DatasetNotFoundError, match=told):
            samples_of(tmp_path)

    def test_no_pictures(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        shutil.rmtree(tmp_path / "cohn-kanade-images")
        with pytest.raises(DatasetNotFoundError, match=r"none of CK\+'s frames; it holds Emotion/"):
            samples_of(tmp_path)

    def test_a_frame_in_two_places(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        frame = fake.frame_path(tmp_path, FIRST, "001", 5)
        (tmp_path / "copy").mkdir()
        shutil.copy(frame, tmp_path / "copy")
        with pytest.raises(DatasetFormatError, match=r"has the frames .*; wanted each frame once"):
            samples_of(tmp_path)

    def test_a_table_of_pixels(self, tmp_path: Path) -> None:
        (tmp_path / "ckextended.csv").write_text("emotion,pixels,Usage\n")
        with pytest.raises(DatasetNotFoundError, match=r"laid out as CK.*holds ckextended.csv"):
            samples_of(tmp_path)


class TestPlacesByOthers:
    @pytest.mark.parametrize(
        "moves",
        [
            [("Emotion", "Emotion_labels")],
            [("Emotion", "emotion")],
            [("cohn-kanade-images", "extended-cohn-kanade-images")],
            [("Emotion", "CK+/Emotion"), ("cohn-kanade-images", "CK+/cohn-kanade-images")],
        ],
    )
    def test_other_folders(self, tmp_path: Path, moves: list[tuple[str, str]]) -> None:
        fake.write(tmp_path)
        wanted = facts(samples_of(tmp_path))
        for old, new in moves:
            (tmp_path / new).parent.mkdir(exist_ok=True)
            (tmp_path / old).rename(tmp_path / new)
        assert facts(samples_of(tmp_path)) == wanted

    def test_landmarks_and_action_units_are_known(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        for name in ("Landmarks/S010/001/S010_001_00000001_landmarks", "FACS/S010/001/x_facs"):
            path = tmp_path / f"{name}.txt"
            path.parent.mkdir(parents=True)
            path.write_text("1")
        assert not [each for each in read(tmp_path, Options()) if each.left_out != "contempt"
                    and each.left_out]  # fmt: skip


class TestCrops:
    def test_subject_from_the_name(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        samples = samples_of(tmp_path)
        assert facts(samples_of(tmp_path / "CK+48")) == facts(samples)
        assert len(samples) == 24 * 3
        assert {sample.framing for sample in samples} == {"face_crop"}
        assert samples[0].group == FIRST
        assert samples[0].labels == (Expression.ANGER,)
        assert samples[0].clip == Clip(f"{FIRST}_001", 5)
        assert samples[0].attributes == {"fold": "0"}

    def test_last_one_and_test_fold(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        samples = samples_of(tmp_path, frames="last1", test_fold=0)
        assert {sample.clip.frame for sample in samples if sample.clip} == {9}
        assert {s.group for s in samples if s.split == "test"} == {FIRST, fake.subject_name(10)}

    def test_names_without_a_subject(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops", subjects=1)
        other = tmp_path / "CK+48" / "fear" / "my face 1.png"
        other.parent.mkdir(exist_ok=True)
        other.write_bytes(b"")
        sample = next(each for each in samples_of(tmp_path) if each.group is None)
        assert sample.sample_id == "ckplus_fear_my-face-1"
        with pytest.raises(DatasetFormatError, match="1 pictures do not name their subject"):
            samples_of(tmp_path, test_fold=0)

    def test_contempt_kept(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        counts = Counter(expression(each) for each in samples_of(tmp_path, contempt="keep"))
        assert counts[Expression.CONTEMPT] == 12

    def test_no_picture(self, tmp_path: Path) -> None:
        (tmp_path / "happy").mkdir()
        (tmp_path / "happy" / "list.txt").write_text("")
        with pytest.raises(DatasetNotFoundError, match="is not laid out as CK"):
            samples_of(tmp_path)

    @pytest.mark.parametrize(
        "words",
        [
            ("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Sad", "Surprised"),
            ("0_angry", "1_contempt", "2_disgusted", "3_fearful", "4_joy", "5_sad", "6_SURPRISE"),
        ],
    )
    def test_other_words(self, tmp_path: Path, words: tuple[str, ...]) -> None:
        fake.write(tmp_path, form="crops")
        wanted = facts(samples_of(tmp_path, contempt="keep"))
        for old, new in zip(fake.FOLDERS, words, strict=True):
            (tmp_path / "CK+48" / old).rename(tmp_path / "CK+48" / new)
        assert sorted(facts(samples_of(tmp_path, contempt="keep")), key=str) == sorted(
            wanted, key=str
        )

    def test_a_word_that_is_no_expression(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        (tmp_path / "CK+48" / "sadness").rename(tmp_path / "CK+48" / "gloom")
        with pytest.raises(DatasetFormatError, match=r"the first is CK.48/gloom/S"):
            samples_of(tmp_path)

    def test_a_neutral_folder_and_jpegs(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        draw(tmp_path / "CK+48" / "neutral" / "S999_001_00000001.jpg", (48, 48), [])
        assert (Expression.NEUTRAL,) in {each.labels for each in samples_of(tmp_path)}
        without = samples_of(tmp_path, neutral=False)
        assert (Expression.NEUTRAL,) not in {each.labels for each in without}

    def test_split_folders_are_kept(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        path = tmp_path / "CK+48" / "fear"
        for place, word in (("train", "happy"), ("Test", "fear"), ("valid", "anger")):
            (tmp_path / "CK+48" / place).mkdir()
            (tmp_path / "CK+48" / word).rename(tmp_path / "CK+48" / place / word)
        assert not path.exists()
        splits = {(expression(each).label, each.split) for each in samples_of(tmp_path)}
        assert {("happiness", "train"), ("fear", "test"), ("anger", "val")} <= splits


def test_published_counts() -> None:
    assert published(Options(contempt="keep")) == [{"train": 1308}, {"train": 981}]
    assert published(Options(frames="last1", neutral=False))[0] == {"train": 309}
    assert published(Options(test_fold=1)) == ()
