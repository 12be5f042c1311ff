import pickle

import pytest

from fer_det.core.expression import Expression
from fer_det.core.label import LabelDistribution, expression_of, picture_class

FEAR, ANGER, NEUTRAL = Expression.FEAR, Expression.ANGER, Expression.NEUTRAL


class TestLabelDistribution:
    def test_most_probable(self) -> None:
        label = LabelDistribution({NEUTRAL: 0.3, ANGER: 0.6, FEAR: 0.1})
        assert label.expression is expression_of(label) is ANGER
        assert expression_of(FEAR) is FEAR

    def test_of_equals_the_lowest_number(self) -> None:
        assert LabelDistribution({NEUTRAL: 0.5, FEAR: 0.5}).expression is FEAR

    def test_order_does_not_matter(self) -> None:
        first = LabelDistribution({NEUTRAL: 0.25, FEAR: 0.75})
        second = LabelDistribution({FEAR: 0.75, NEUTRAL: 0.25})
        assert first == second
        assert list(second.probabilities) == [FEAR, NEUTRAL]
        assert pickle.loads(pickle.dumps(first)) == first

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({FEAR: 1.0, ANGER: 0.0}, "not all positive"),
            ({FEAR: 1.5, ANGER: -0.5}, "not all positive"),
            ({FEAR: float("nan")}, "not all positive"),
            ({FEAR: 0.5, ANGER: 0.4}, "do not sum to 1"),
            ({}, "do not sum to 1"),
        ],
    )
    def test_no_distribution(self, values: dict[Expression, float], told: str) -> None:
        with pytest.raises(ValueError, match=told):
            LabelDistribution(values)

    def test_votes(self) -> None:
        label = LabelDistribution.from_votes({FEAR: 3, ANGER: 6, NEUTRAL: 0})
        assert label.probabilities == pytest.approx({FEAR: 1 / 3, ANGER: 2 / 3})
        with pytest.raises(ValueError, match="without a positive sum"):
            LabelDistribution.from_votes({FEAR: 0})


class TestPictureClass:
    ORDER = ("surprise", "fear", "disgust")

    def test_rarest(self) -> None:
        counts = {"surprise": 9, "fear": 5, "disgust": 7}
        assert picture_class(["surprise", "disgust"], counts, self.ORDER) == "disgust"
        assert picture_class(["disgust", "fear", "disgust"], counts, self.ORDER) == "fear"

    def test_of_equally_rare_ones_the_first(self) -> None:
        assert picture_class(["disgust", "fear"], {"disgust": 1, "fear": 1}, self.ORDER) == "fear"
        # A class that no training picture shows, as in a validation picture, is the rarest.
        assert picture_class(["surprise", "fear"], {"surprise": 3}, self.ORDER) == "fear"

    def test_no_labelled_face(self) -> None:
        assert picture_class([], {"fear": 1}, self.ORDER) is None
