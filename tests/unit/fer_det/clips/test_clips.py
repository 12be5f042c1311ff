"""Drawn sequences from neutral to a peak, of persons in CK+'s manner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fer_det.clips.aggregation import Heads, intensity_loss, maximum, mean, top_k, train
from fer_det.clips.scores import ClipScores, score_clips, score_peaks
from fer_det.clips.sequences import ClipFrames, gather_clips
from fer_det.errors import DatasetFormatError
from fer_det.evaluation.picture import ScoredPicture

CLASSES = ("fear", "happiness", "neutral")
NEUTRAL = 2


def clip(
    rows: list[list[float]],
    label: int = 0,
    numbers: tuple[int, ...] = (),
    known: list[float] | None = None,
) -> ClipFrames:
    named = np.array(numbers or range(len(rows)), np.int64)
    intensities = None if known is None else np.array(known)
    return ClipFrames("set/1", "S1", label, named, np.array(rows), known=intensities)


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
                known=share,
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

    def test_trained_ones_learn_and_are_the_same_again(self) -> None:
        clips = ramps(60, noise=1.0)
        first, again = (train(clips[:40], epochs=60, seed=1) for _ in range(2))
        assert first.rules().keys() == {"attention", "gru"}
        for name, rule in first.rules().items():
            right = [int(rule(each).argmax()) == each.label for each in clips[40:]]
            assert np.mean(right) > 0.8
            assert rule(clips[50]) == pytest.approx(again.rules()[name](clips[50]))
            assert rule(clips[50]).sum() == pytest.approx(1)

    def test_padding_changes_nothing(self) -> None:
        clips = ramps(8, noise=1.0)
        heads = train(clips, epochs=1, seed=0)
        features = [torch.rand(len(each.numbers), 3) for each in clips]
        clips = [replace(each, known=None) for each in clips]
        together = heads.loss(features, clips)
        # The loss of clips of different lengths is the mean of each clip's own.
        alone = [heads.loss([own], [each]) for own, each in zip(features, clips, strict=True)]
        assert together.item() == pytest.approx(torch.stack(alone).mean().item(), abs=1e-5)


def by_name(scores: list[ClipScores]) -> dict[str, ClipScores]:
    return {each.name: each for each in scores}


class TestScores:
    FOLD_OF = {f"S{number}": number for number in range(10)}  # noqa: RUF012

    def score(self, clips: list[ClipFrames]) -> dict[str, ClipScores]:
        return by_name(score_clips(clips, self.FOLD_OF, NEUTRAL, 2, 60, 0, 200)[0])

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
        ends = [0, np.nan, 1]
        rising = clip([[0.1, 0, 0.9], [0.5, 0, 0.5], [0.9, 0, 0.1]], 0, (1, 5, 9), ends)
        early = clip([[0.1, 0, 0.9], [0.9, 0, 0.1], [0.5, 0, 0.5]], 0, (1, 5, 9), ends)
        alone, neutral = clip([[0.5, 0, 0.5]]), clip([[0, 0, 1.0]] * 3, label=NEUTRAL)
        clips = [rising, early, alone, neutral]
        found = score_peaks("drawn", clips, [each.intensity(NEUTRAL) for each in clips])
        assert (found.name, found.clips, found.error, found.exact) == ("drawn", 2, 2.0, 0.5)
        assert found.order == pytest.approx(5 / 6)
        # Of three equally intense frames and a peak only three pairs have an order.
        still = clip([[0.1, 0, 0.9]] * 4, known=[0, 0, 0, 1])
        found = score_peaks("drawn", [still], [np.array([0.9, 0.1, 0.2, 0.5])])
        assert found.order == pytest.approx(2 / 3)

    def test_the_loss_is_lowest_for_the_known_intensities(self) -> None:
        known = np.array([0.02, 0.3, 0.7, 0.98])
        right = torch.logit(torch.from_numpy(known))

        def loss(scores: torch.Tensor, known: list[float]) -> float:
            return float(intensity_loss(scores[None], [clip([[0.5, 0, 0.5]] * 4, known=known)]))

        for wrong in (right.flip(0), right + 1, right[[0, 2, 1, 3]]):
            assert loss(wrong, known.tolist()) > loss(right, known.tolist())
        # Where only both ends are known, the frames between them are to be in their order.
        ends = [0, np.nan, np.nan, 1]
        assert loss(right[[0, 2, 1, 3]], ends) > loss(right, ends)

    def test_a_trained_intensity_finds_what_neutral_hides(self) -> None:
        dice = np.random.default_rng(5)
        clips = []
        for number in range(40):
            # The model is sure of fear from the second frame on; happiness goes on rising.
            share = np.linspace(0, 1, 6)
            happy = 0.01 + 0.2 * share + dice.uniform(0, 0.005, 6)
            neutral = np.where(share == 0, 0.6, dice.uniform(0.01, 0.02, 6))
            rows = np.stack([1 - happy - neutral, happy, neutral], 1)
            clips.append(
                replace(clip(rows.tolist(), known=share.tolist()), person=f"S{number % 10}")
            )
        heads, tested = train(clips[:30], epochs=150, seed=0), clips[30:]
        plain = score_peaks("plain", tested, [each.intensity(NEUTRAL) for each in tested])
        trained = score_peaks("trained", tested, [heads.intensity(each) for each in tested])
        assert trained.order > 0.95 > plain.order
        assert trained.error < 0.3 < plain.error

    def test_clips_without_peaks_have_no_figures(self) -> None:
        clips = [replace(each, known=None) for each in ramps(30, noise=1.0)]
        assert score_clips(clips, TestScores.FOLD_OF, NEUTRAL, 2, 5, 0, 50)[1] == []


class TestRefinement:
    def test_each_fold_is_refined_on_the_others_and_scored_by_what_comes_back(self) -> None:
        clips, folds = ramps(60, noise=1.0), []

        def refine(
            heads: Heads, seen: Sequence[ClipFrames], unseen: Sequence[ClipFrames]
        ) -> list[ClipFrames]:
            people = {each.person for each in unseen}
            assert not people & {each.person for each in seen}
            assert len(seen) + len(unseen) == len(clips)
            folds.append(people)
            sure = np.eye(3)
            return [
                replace(each, probabilities=sure[[each.label] * len(each.numbers)])
                for each in unseen
            ]

        scores, _ = score_clips(clips, TestScores.FOLD_OF, NEUTRAL, 2, 2, 0, 50, refine)
        assert len(folds) == 10
        assert by_name(scores)["mean"].accuracy.value == 1


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

    def gather(
        self, rows: list[tuple[str, str | None, int, int]], **attributes: dict[str, str]
    ) -> Any:
        """rows: picture, clip, frame, label 1..3; attributes: of the pictures."""
        manifest = [
            {
                "id": name,
                "dataset": "ckplus",
                "clip": clip,
                "frame": frame,
                "attributes": attributes.get(name, {"fold": "3"}),
            }
            for name, clip, frame, _ in rows
        ]
        scored = {name: self.picture(name, label, frame / 10) for name, _, frame, label in rows}
        people = {name: name[:2] for name, *_ in rows}
        return gather_clips(manifest, people, scored, CLASSES, Path("data/voc"), peaks=True)

    def test_frames_are_ordered_by_number_and_neutral_is_the_beginning(self) -> None:
        rows = [("S1c", "1", 9, 2), ("S1a", "1", 1, 3), ("S1b", "1", 5, 2), ("S2a", "2", 3, 3)]
        (one, two), left_out = self.gather(rows)
        assert (one.id, one.person, one.label) == ("ckplus/1", "S1", 1)
        assert one.numbers.tolist() == [1, 5, 9]
        assert one.probabilities[:, 0].tolist() == [0.1, 0.5, 0.9]
        assert (two.label, left_out) == (2, 0)
        assert one.pictures == ("S1a", "S1b", "S1c")
        assert one.known.tolist() == pytest.approx([0, np.nan, 1], nan_ok=True)
        assert two.known is None

    def test_stated_intensities(self) -> None:
        rows = [("S1a", "1", 1, 3), ("S1b", "1", 5, 2)]
        stated = {"S1a": {"intensity": "0.05"}, "S1b": {"intensity": "0.9"}}
        ((one,), _) = self.gather(rows, **stated)
        assert one.known.tolist() == [0.05, 0.9]

    def test_frames_that_disagree_and_pictures_without_clip(self) -> None:
        rows = [("S1a", "1", 1, 1), ("S1b", "1", 2, 2), ("S2a", "2", 1, 1), ("S3a", None, 0, 1)]
        clips, left_out = self.gather(rows)
        assert ([each.id for each in clips], left_out) == (["ckplus/2"], 1)

    def test_no_clips_at_all(self) -> None:
        with pytest.raises(DatasetFormatError, match="data/voc names no clips; wanted a manifest"):
            self.gather([("S3a", None, 0, 1)])
