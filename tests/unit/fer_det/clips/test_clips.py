"""Drawn sequences from neutral to a peak, of persons in CK+'s manner."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_det.clips.aggregation import maximum, mean, top_k, train
from fer_det.clips.scores import ClipScores, score_aggregations, score_peaks
from fer_det.clips.sequences import ClipFrames, gather_clips
from fer_det.errors import DatasetFormatError
from fer_det.evaluation.picture import ScoredPicture

CLASSES = ("fear", "happiness", "neutral")
NEUTRAL = 2


def clip(rows: list[list[float]], label: int = 0, numbers: tuple[int, ...] = ()) -> ClipFrames:
    named = np.array(numbers or range(len(rows)), np.int64)
    return ClipFrames("set/1", "S1", label, named, np.array(rows))


def ramps(count: int, noise: float, seed: int = 0) -> list[ClipFrames]:
    """Sequences of ten persons, from neutral to fear or happiness in 5 to 8 frames."""
    dice = np.random.default_rng(seed)
    made = []
    for number in range(count):
        label, length = number % 2, int(dice.integers(5, 9))
        logits = dice.normal(0, noise, (length, 3))
        share = np.linspace(0, 1, length)
        logits[:, label] += 3 * share
        logits[:, NEUTRAL] += 3 * (1 - share)
        odds = np.exp(logits)
        made.append(
            ClipFrames(
                f"set/{number}",
                f"S{number % 10}",
                label,
                np.arange(length),
                odds / odds.sum(axis=1, keepdims=True),
            )
        )
    return made


class TestAggregation:
    FRAMES = clip([[0.1, 0.2, 0.7], [0.6, 0.2, 0.2], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]])

    def test_mean_and_maximum(self) -> None:
        assert mean(self.FRAMES) == pytest.approx([0.225, 0.3, 0.475])
        assert maximum(self.FRAMES) == pytest.approx(np.array([0.6, 0.7, 0.9]) / 2.2)

    def test_the_most_intense_frames(self) -> None:
        assert top_k(NEUTRAL, 1)(self.FRAMES) == pytest.approx([0.2, 0.7, 0.1])
        assert top_k(NEUTRAL, 2)(self.FRAMES) == pytest.approx([0.4, 0.45, 0.15])
        assert top_k(NEUTRAL, 9)(self.FRAMES) == pytest.approx(mean(self.FRAMES))

    @pytest.mark.parametrize("name", ["attention", "gru"])
    def test_trained_ones_learn_and_are_the_same_again(self, name: str) -> None:
        clips = ramps(60, noise=1.0)
        first, again = (train(name, clips[:40], epochs=100, seed=1) for _ in range(2))
        right = [int(first(each).argmax()) == each.label for each in clips[40:]]
        assert np.mean(right) > 0.8
        assert first(clips[50]) == pytest.approx(again(clips[50]))
        assert first(clips[50]).sum() == pytest.approx(1)

    def test_padding_changes_nothing(self) -> None:
        clips = ramps(8, noise=1.0)
        rule = train("gru", clips, epochs=1, seed=0)
        alone = [rule(each) for each in clips]
        import torch

        from fer_det.clips import aggregation

        model = rule.__closure__  # type: ignore[attr-defined]
        (network,) = [
            c.cell_contents for c in model if isinstance(c.cell_contents, torch.nn.Module)
        ]
        together = network(*aggregation._batch(clips)).double().softmax(1).detach().numpy()
        assert together == pytest.approx(np.stack(alone), abs=1e-5)


def by_name(scores: list[ClipScores]) -> dict[str, ClipScores]:
    return {each.name: each for each in scores}


class TestScores:
    FOLD_OF = {f"S{number}": number for number in range(10)}  # noqa: RUF012

    def score(self, clips: list[ClipFrames]) -> dict[str, ClipScores]:
        return by_name(score_aggregations(clips, self.FOLD_OF, NEUTRAL, 2, 60, 0, 200))

    def test_figures_of_a_known_confusion(self) -> None:
        fear, happy = [[0.8, 0.1, 0.1]], [[0.1, 0.8, 0.1]]
        clips = [
            replace(clip(rows, label), id=f"set/{number}", person=f"S{number % 2}")
            for number, (rows, label) in enumerate([(fear, 0)] * 6 + [(happy, 1), (fear, 1)])
        ]
        found = self.score(clips)["mean"]
        assert found.accuracy.value == pytest.approx(7 / 8)
        assert found.mean_recall.value == pytest.approx((1 + 0.5) / 2)
        # Persons 0 and 1 have four clips each; one of person 1's is wrong.
        assert found.accuracy.folds_mean == pytest.approx((1 + 0.75) / 2)
        assert found.accuracy.folds_deviation == pytest.approx(0.25 / np.sqrt(2))
        low, high = found.accuracy.interval
        assert low < 7 / 8 < high <= 1

    def test_the_peak_tells_more_than_the_mean(self) -> None:
        found = self.score(ramps(100, noise=1.0))
        assert found.keys() == {"mean", "max", "top-2", "attention", "gru"}
        assert found["top-2"].accuracy.value > found["mean"].accuracy.value
        assert found["attention"].accuracy.value > 0.85
        assert found["gru"].accuracy.value > 0.85

    def test_labels_of_the_test_fold_are_not_seen(self) -> None:
        dice = np.random.default_rng(3)
        clips = [
            replace(each, label=int(dice.integers(2))) for each in ramps(100, noise=1.0, seed=4)
        ]
        found = self.score(clips)
        for name in ("attention", "gru"):
            assert 0.3 < found[name].accuracy.value < 0.7


class TestPeaks:
    def test_distance_share_and_order(self) -> None:
        rising = clip([[0.1, 0, 0.9], [0.5, 0, 0.5], [0.9, 0, 0.1]], numbers=(1, 5, 9))
        early = clip([[0.1, 0, 0.9], [0.9, 0, 0.1], [0.5, 0, 0.5]], numbers=(1, 5, 9))
        alone, neutral = clip([[0.5, 0, 0.5]]), clip([[0, 0, 1.0]] * 3, label=NEUTRAL)
        found = score_peaks([rising, early, alone, neutral], NEUTRAL)
        assert found is not None
        assert (found.clips, found.error, found.exact) == (2, 2.0, 0.5)
        assert found.order == pytest.approx(5 / 6)
        assert score_peaks([alone, neutral], NEUTRAL) is None


class TestGather:
    @staticmethod
    def picture(name: str, label: int, share: float = 0.5) -> ScoredPicture:
        none = np.zeros((0, 4))
        return ScoredPicture(
            name,
            64,
            64,
            np.array([[1.0, 1, 20, 20]]),
            np.array([label], np.int64),
            none,
            none,
            np.zeros(0),
            np.zeros((0, 3)),
            np.array([[share, 1 - share, 0.0]]),
        )

    def gather(self, rows: list[tuple[str, str | None, int, int]]) -> Any:
        """rows: picture, clip, frame, label 1..3."""
        manifest = [
            {"id": name, "dataset": "ckplus", "clip": clip, "frame": frame}
            for name, clip, frame, _ in rows
        ]
        scored = {name: self.picture(name, label, frame / 10) for name, _, frame, label in rows}
        people = {name: name[:2] for name, *_ in rows}
        return gather_clips(manifest, people, scored, CLASSES, Path("data/voc"))

    def test_frames_are_ordered_by_number_and_neutral_is_the_beginning(self) -> None:
        rows = [("S1c", "1", 9, 2), ("S1a", "1", 1, 3), ("S1b", "1", 5, 2), ("S2a", "2", 3, 3)]
        (one, two), left_out = self.gather(rows)
        assert (one.id, one.person, one.label) == ("ckplus/1", "S1", 1)
        assert one.numbers.tolist() == [1, 5, 9]
        assert one.probabilities[:, 0].tolist() == [0.1, 0.5, 0.9]
        assert (two.label, left_out) == (2, 0)

    def test_frames_that_disagree_and_pictures_without_clip(self) -> None:
        rows = [("S1a", "1", 1, 1), ("S1b", "1", 2, 2), ("S2a", "2", 1, 1), ("S3a", None, 0, 1)]
        clips, left_out = self.gather(rows)
        assert ([each.id for each in clips], left_out) == (["ckplus/2"], 1)

    def test_no_clips_at_all(self) -> None:
        with pytest.raises(DatasetFormatError, match="data/voc names no clips; wanted a manifest"):
            self.gather([("S3a", None, 0, 1)])
