import math

import pytest

from fer_det.core.expression import Expression
from fer_det.predict.video.steady import LabelKeeper, Smoother

HAPPY, ANGRY = Expression.HAPPINESS, Expression.ANGER
SURE_HAPPY = {HAPPY: 1.0, ANGRY: 0.0}
SURE_ANGRY = {HAPPY: 0.0, ANGRY: 1.0}


def mixed(happiness: float) -> dict[Expression, float]:
    return {HAPPY: happiness, ANGRY: 1 - happiness}


class TestSmoother:
    def test_weights_are_the_exponential_of_the_age(self) -> None:
        smoother = Smoother(seconds=0.5)
        smoother.update(1, SURE_HAPPY, 0.0)
        smoother.update(1, SURE_HAPPY, 0.25)
        mean = smoother.update(1, SURE_ANGRY, 1.0)
        happy = math.exp(-1.0 / 0.5) + math.exp(-0.75 / 0.5)
        assert mean[HAPPY] == pytest.approx(happy / (happy + 1))
        assert sum(mean.values()) == pytest.approx(1)

    def test_the_first_frames_weigh_alike_however_fast_they_come(self) -> None:
        smoother = Smoother(seconds=1000.0)
        for number, share in enumerate((1.0, 0.0, 0.0, 0.0)):
            mean = smoother.update(1, mixed(share), number / 1000)
        assert mean[HAPPY] == pytest.approx(0.25, abs=1e-4)

    def test_a_lone_outlier_changes_little_and_a_new_expression_wins(self) -> None:
        smoother = Smoother(seconds=0.5)
        for frame in range(50):
            smoother.update(1, SURE_HAPPY, frame / 25)
        assert smoother.update(1, SURE_ANGRY, 2.0)[HAPPY] > 0.9
        for frame in range(25):
            mean = smoother.update(1, SURE_ANGRY, 2.04 + frame / 25)
        assert mean[ANGRY] > 0.8

    def test_faces_do_not_mix(self) -> None:
        smoother = Smoother(seconds=10.0)
        smoother.update(1, SURE_HAPPY, 0.0)
        assert smoother.update(2, SURE_ANGRY, 0.1) == SURE_ANGRY

    def test_nothing_is_averaged_over_no_time(self) -> None:
        smoother = Smoother(seconds=0.0)
        smoother.update(1, SURE_HAPPY, 0.0)
        assert smoother.update(1, SURE_ANGRY, 0.0) == SURE_ANGRY

    def test_forgotten_faces_start_anew(self) -> None:
        smoother = Smoother(seconds=10.0)
        for number in (1, 2):
            smoother.update(number, SURE_HAPPY, 0.0)
        smoother.keep_only({2})
        assert smoother.update(1, SURE_ANGRY, 0.1) == SURE_ANGRY
        assert smoother.update(2, SURE_ANGRY, 0.1)[HAPPY] > 0.4


class TestLabel:
    def test_stays_until_another_is_clearly_ahead(self) -> None:
        keeper = LabelKeeper(margin=0.1)
        labels = [keeper.update(1, mixed(share)) for share in (0.51, 0.49, 0.46, 0.44, 0.52, 0.56)]
        happy, angry = HAPPY, ANGRY
        assert labels == [happy, happy, happy, angry, angry, happy]

    def test_each_face_has_its_own(self) -> None:
        keeper = LabelKeeper(margin=0.5)
        assert keeper.update(1, SURE_HAPPY) == HAPPY
        assert keeper.update(2, SURE_ANGRY) == ANGRY
        keeper.keep_only({2})
        assert keeper.update(1, mixed(0.4)) == ANGRY
        assert keeper.update(2, mixed(0.6)) == ANGRY

    def test_unknown_begins_and_ends_at_different_probabilities(self) -> None:
        keeper = LabelKeeper(margin=0.1, unknown_below=0.6)
        shares = (0.7, 0.61, 0.56, 0.54, 0.62, 0.64, 0.66, 0.61)
        labels = [keeper.update(1, mixed(share)) for share in shares]
        assert labels == [HAPPY, HAPPY, HAPPY, None, None, None, HAPPY, HAPPY]
        assert keeper.update(2, mixed(0.59)) is None

    def test_unknown_remembers_the_expression(self) -> None:
        keeper = LabelKeeper(margin=0.2, unknown_below=0.49)
        three = {HAPPY: 0.34, ANGRY: 0.38, Expression.FEAR: 0.28}
        assert keeper.update(1, mixed(0.9)) == HAPPY
        assert keeper.update(1, three) is None
        # Anger is ahead by no more than the margin.
        assert keeper.update(1, {HAPPY: 0.41, ANGRY: 0.59}) == HAPPY
        keeper.keep_only(())
        assert keeper.update(1, {HAPPY: 0.41, ANGRY: 0.59}) == ANGRY
