from pathlib import PurePosixPath

import pytest

from fer_det.core.expression import Expression, expression_of_word
from voc_builder.readers.class_names import (
    names_no_expression,
    split_of_folders,
    split_of_word,
    tell_numbering,
)


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("happy", "happiness"),
        ("Happiness", "happiness"),
        ("ANGRY", "anger"),
        (" sad ", "sadness"),
        ("0_angry", "anger"),
        ("06 - surprised", "surprise"),
        ("7neutral", "neutral"),
        ("Fearful", "fear"),
        ("disgusted", "disgust"),
        ("contemptuous", "contempt"),
    ],
)
def test_words_of_expressions(word: str, label: str) -> None:
    assert expression_of_word(word) is Expression.from_label(label)


@pytest.mark.parametrize("word", ["", "3", "unhappy", "happy faces", "sadd", "train", "an"])
def test_other_words(word: str) -> None:
    assert expression_of_word(word) is None


@pytest.mark.parametrize("word", ["none", "Uncertain", "Non-Face", "NF", "not_face", "others"])
def test_words_for_no_expression(word: str) -> None:
    assert names_no_expression(word)
    assert not names_no_expression("neutral")


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("train_set", "train"),
        ("val", "val"),
        ("Valid", "val"),
        ("validation-data", "val"),
        ("VAL_SET", "val"),
        ("test", "test"),
        ("Testing Images", "test"),
        ("trainer", None),
        ("invalid", None),
        ("images", None),
        ("", None),
    ],
)
def test_words_of_splits(word: str, split: str | None) -> None:
    assert split_of_word(word) == split


def test_the_nearest_folder_decides() -> None:
    assert split_of_folders(PurePosixPath("train/val/happy/a.jpg")) == "val"
    assert split_of_folders(PurePosixPath("happy/train.jpg")) is None


@pytest.mark.parametrize(
    ("codes", "numbering"),
    [
        (range(1, 8), "from_one"),
        ({7}, "from_one"),
        (range(7), "from_zero"),
        ({0}, "from_zero"),
        ({1, 2, 3, 4, 5, 6}, "either"),
        ({4}, "either"),
        (range(8), "neither"),
        ({1, 8}, "neither"),
        ({-1, 3}, "neither"),
    ],
)
def test_numbering(codes: set[int], numbering: str) -> None:
    assert tell_numbering(set(codes), 7) == numbering
