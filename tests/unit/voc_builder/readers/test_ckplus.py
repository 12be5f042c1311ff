from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_data import ckplus as fake

from fer_det.core.expression import Expression
from fer_det.core.sample import Sample
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.ckplus import EXPRESSIONS, Options, read, subject_folds

FIRST = fake.subject_name(0)


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return list(read(root, Options(**options)))


def frames_of(samples: list[Sample], subject: str, sequence: str) -> list[tuple[int, str]]:
    return [
        (int(sample.attributes["frame"]), sample.expression.label)
        for sample in samples
        if sample.subject == subject and sample.attributes["sequence"] == sequence
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
            image_path=fake.frame_path(tmp_path, FIRST, "001", 5),
            expression=Expression.ANGER,
            split="train",
            subject=FIRST,
            attributes={"sequence": "001", "frame": "5", "fold": "0"},
        )

    def test_unlabelled_sequences_give_nothing(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        assert "002" not in {sample.attributes["sequence"] for sample in samples_of(tmp_path)}

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
        assert all(sample.image_path != stray for sample in samples_of(tmp_path))


class TestContempt:
    def test_dropped_with_its_neutral_frames(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path)
        assert Expression.CONTEMPT not in {sample.expression for sample in samples}
        # 14 subjects with two sequences each, of which 4 show contempt: 24 are left.
        assert Counter(sample.expression for sample in samples)[Expression.NEUTRAL] == 24

    def test_kept(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        counts = Counter(sample.expression for sample in samples_of(tmp_path, contempt="keep"))
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
            each.subject: each.attributes["fold"] for each in samples_of(tmp_path, contempt="keep")
        }
        for sample in samples_of(tmp_path):
            assert sample.attributes["fold"] == kept[sample.subject]

    def test_test_fold(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        samples = samples_of(tmp_path, test_fold=3)
        test = {sample.subject for sample in samples if sample.split == "test"}
        train = {sample.subject for sample in samples if sample.split == "train"}
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
        assert all(sample.image_path.is_file() for sample in extended)

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
        with pytest.raises(DatasetFormatError, match="holds 2 emotion files; wanted one"):
            samples_of(tmp_path)

    @pytest.mark.parametrize("name", ["S999_001_00000009", "S010_002_00000009", "peak"])
    def test_emotion_of_another_sequence(self, tmp_path: Path, name: str) -> None:
        fake.write(tmp_path)
        path = fake.emotion_path(tmp_path, "plain", FIRST, "001")
        path.rename(path.with_name(f"{name}_emotion.txt"))
        with pytest.raises(DatasetFormatError, match="is not named after its folders"):
            samples_of(tmp_path)

    @pytest.mark.parametrize("missing", ["Emotion", "cohn-kanade-images"])
    def test_missing_folder(self, tmp_path: Path, missing: str) -> None:
        fake.write(tmp_path)
        (tmp_path / missing).rename(tmp_path / "elsewhere")
        with pytest.raises(DatasetNotFoundError, match=f"holds no {missing} or"):
            samples_of(tmp_path)

    def test_empty_folder(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        (tmp_path / "Emotion").rename(tmp_path / "elsewhere")
        (tmp_path / "Emotion").mkdir()
        with pytest.raises(DatasetNotFoundError, match="Emotion is empty"):
            samples_of(tmp_path)

    def test_no_label_at_all(self, tmp_path: Path) -> None:
        fake.write(tmp_path)
        for path in (tmp_path / "Emotion").rglob("*_emotion.txt"):
            path.unlink()
        with pytest.raises(DatasetNotFoundError, match="Emotion holds no emotion file"):
            samples_of(tmp_path)


class TestCrops:
    def test_subject_from_the_name(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        samples = samples_of(tmp_path)
        assert samples_of(tmp_path / "CK+48") == samples
        assert len(samples) == 24 * 3
        assert {sample.framing for sample in samples} == {"face_crop"}
        assert samples[0].subject == FIRST
        assert samples[0].expression is Expression.ANGER
        assert samples[0].attributes == {"sequence": "001", "frame": "5", "fold": "0"}

    def test_last_one_and_test_fold(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        samples = samples_of(tmp_path, frames="last1", test_fold=0)
        assert {sample.attributes["frame"] for sample in samples} == {"9"}
        assert {s.subject for s in samples if s.split == "test"} == {FIRST, fake.subject_name(10)}

    def test_names_without_a_subject(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops", subjects=1)
        other = tmp_path / "CK+48" / "fear" / "my face 1.png"
        other.parent.mkdir(exist_ok=True)
        other.write_bytes(b"")
        sample = next(each for each in samples_of(tmp_path) if each.subject is None)
        assert sample.sample_id == "ckplus_fear_my-face-1"
        with pytest.raises(DatasetFormatError, match="1 pictures do not name their subject"):
            samples_of(tmp_path, test_fold=0)

    def test_contempt_kept(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        counts = Counter(each.expression for each in samples_of(tmp_path, contempt="keep"))
        assert counts[Expression.CONTEMPT] == 12

    def test_empty_folder(self, tmp_path: Path) -> None:
        fake.write(tmp_path, form="crops")
        (tmp_path / "CK+48" / "fear").rename(tmp_path / "elsewhere")
        (tmp_path / "CK+48" / "fear").mkdir()
        with pytest.raises(DatasetNotFoundError, match="fear is empty"):
            samples_of(tmp_path)

    def test_no_png(self, tmp_path: Path) -> None:
        (tmp_path / "happy").mkdir()
        (tmp_path / "happy" / "list.txt").write_text("")
        with pytest.raises(DatasetNotFoundError, match=r"holds no .png"):
            samples_of(tmp_path)
