import pytest

from fer_det.core.expression import BACKGROUND, BASIC_EXPRESSIONS, Expression


def test_numbers_are_those_of_raf_db_s_list() -> None:
    # RAF-DB's own order: 1 Surprise, 2 Fear, 3 Disgust, 4 Happiness, 5 Sadness, 6 Anger, 7 Neutral.
    assert [(int(each), each.label) for each in BASIC_EXPRESSIONS] == [
        (1, "surprise"),
        (2, "fear"),
        (3, "disgust"),
        (4, "happiness"),
        (5, "sadness"),
        (6, "anger"),
        (7, "neutral"),
    ]


def test_zero_is_left_to_the_background() -> None:
    assert BACKGROUND == 0
    assert BACKGROUND not in list(Expression)


def test_contempt_has_a_number_and_is_not_basic() -> None:
    assert Expression.CONTEMPT == 8
    assert Expression.CONTEMPT not in BASIC_EXPRESSIONS


@pytest.mark.parametrize("expression", list(Expression))
def test_label_there_and_back(expression: Expression) -> None:
    assert Expression.from_label(expression.label) is expression


@pytest.mark.parametrize("label", ["joy", "", "ignore", "background"])
def test_no_such_label(label: str) -> None:
    with pytest.raises(KeyError):
        Expression.from_label(label)
