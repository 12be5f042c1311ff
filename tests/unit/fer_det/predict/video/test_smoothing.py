import math

import pytest

from fer_det.core.expression import Expression
from fer_det.predict.video.smoothing import LabelKeeper, Smoother

HAPPY = {Expression.HAPPINESS: 1.0, Expression.ANGER: 0.0}
ANGRY = {Expression.HAPPINESS: 0.0, Expression.ANGER: 1.0}


def mixed(happiness: float) -> dict[Expression, float]:
    return {Expression.HAPPINESS: happiness, Expression.ANGER: 1 - happiness}


class TestSmoother:
    def test_weights_are_the_exponential_of_the_age(self) -> None:
        smoother = Smoother(seconds=0.5)
        smoother.smooth(1, HAPPY, 0.0)
        smoother.smooth(1, HAPPY, 0.25)
        mean = smoother.smooth(1, ANGRY, 1.0)
        happy = math.exp(-1.0 / 0.5) + math.exp(-0.75 / 0.5)
        assert mean[Expression.HAPPINESS] == pytest.approx(happy / (happy + 1))
        assert sum(mean.values()) == pytest.approx(1)

    def test_the_first_frames_weigh_alike_however_fast_they_come(self) -> None:
        smoother = Smoother(seconds=1000.0)
        for number, share in enumerate((1.0, 0.0, 0.0, 0.0)):
            mean = smoother.smooth(1, mixed(share), number / 1000)
        assert mean[Expression.HAPPINESS] == pytest.approx(0.25, abs=1e-4)

    def test_a_lone_outlier_changes_little_and_a_new_expression_wins(self) -> None:
        smoother = Smoother(seconds=0.5)
        for frame in range(50):
            smoother.smooth(1, HAPPY, frame / 25)
        assert smoother.smooth(1, ANGRY, 2.0)[Expression.HAPPINESS] > 0.9
        for frame in range(25):
            mean = smoother.smooth(1, ANGRY, 2.04 + frame / 25)
        assert mean[Expression.ANGER] > 0.8

    def test_faces_do_not_mix(self) -> None:
        smoother = Smoother(seconds=10.0)
        smoother.smooth(1, HAPPY, 0.0)
        assert smoother.smooth(2, ANGRY, 0.1) == ANGRY

    def test_nothing_is_averaged_over_no_time(self) -> None:
        smoother = Smoother(seconds=0.0)
        smoother.smooth(1, HAPPY, 0.0)
        assert smoother.smooth(1, ANGRY, 0.0) == ANGRY

    def test_forgotten_faces_start_anew(self) -> None:
        smoother = Smoother(seconds=10.0)
        for number in (1, 2):
            smoother.smooth(number, HAPPY, 0.0)
        smoother.forget_all_but({2})
        assert smoother.smooth(1, ANGRY, 0.1) == ANGRY
        assert smoother.smooth(2, ANGRY, 0.1)[Expression.HAPPINESS] > 0.4


class TestLabel:
    def test_stays_until_another_is_clearly_ahead(self) -> None:
        keeper = LabelKeeper(margin=0.1)
        told = [keeper.keep(1, mixed(share)) for share in (0.51, 0.49, 0.46, 0.44, 0.52, 0.56)]
        happy, angry = Expression.HAPPINESS, Expression.ANGER
        assert told == [happy, happy, happy, angry, angry, happy]

    def test_each_face_has_its_own(self) -> None:
        keeper = LabelKeeper(margin=0.5)
        assert keeper.keep(1, HAPPY) == Expression.HAPPINESS
        assert keeper.keep(2, ANGRY) == Expression.ANGER
        keeper.forget_all_but({2})
        assert keeper.keep(1, mixed(0.4)) == Expression.ANGER
        assert keeper.keep(2, mixed(0.6)) == Expression.ANGER
