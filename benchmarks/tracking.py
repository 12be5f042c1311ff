"""How well faces are followed, and how steady their labels are, in made films with known people.

    python benchmarks/tracking.py [--kinds '[crossing, hiding]'] [--films 3]

Tracks are scored by TrackEval (pip install trackeval): IDF1, identity switches and recall at an IoU
of 0.5, beside tracking by the overlap of boxes alone. The detector is made: its boxes are noisy,
some are missing, some have a low score, some are false. So are the probabilities: each frame's
belong to the expression shown, by noisy logits. Switches of the label and the delay after a change
are counted with and without smoothing.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import _project  # noqa: F401  (first: it may run this script again in .venv)
import numpy as np
import torch
from _measure import BenchmarkConfig, Report
from _walkers import KINDS, Moment, make_film
from numpy.typing import NDArray

from fer_det.config.command import parse_config
from fer_det.config.predict import PredictConfig
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from fer_det.errors import ConfigError
from fer_det.predict.video.frames import Frame
from fer_det.predict.video.tracking import track_video
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware

MIN_SCORE = 0.5
CHANGES = 3.0
"""Mean seconds for which a person shows an expression."""
LOGIT, NOISE = 2.0, 1.6
"""Of the expression shown above the others, and the standard deviation of all."""
UNKNOWN_BELOW = 0.3

Tracked = list[list[tuple[int, FaceBox]]]
"""Of each frame: number and box of each face."""


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Score tracks and labels in made films."""

    kinds: tuple[str, ...] = tuple(KINDS)
    """What happens in the films."""
    films: int = 4
    """Films of each kind."""
    seconds: float = 12.0
    """Length of a film."""
    rates: tuple[float, ...] = (25.0, 8.0)
    """Frames per second."""


class PlainTracker:
    """The baseline: a box gets the number of the box of the last frames that it overlaps most."""

    def __init__(self, min_iou: float = 0.3, patience: float = 1.0) -> None:
        self._min_iou, self._patience = min_iou, patience
        self._places: dict[int, tuple[FaceBox, float]] = {}
        self._last = 0

    def assign(self, boxes: Sequence[FaceBox], seconds: float) -> list[int]:
        """Return each box's number in the next frame."""
        self._places = {
            number: place
            for number, place in self._places.items()
            if seconds - place[1] <= self._patience
        }
        pairs = sorted(
            (-box.iou(place[0]), number, row)
            for number, place in self._places.items()
            for row, box in enumerate(boxes)
        )
        numbers: dict[int, int] = {}
        for minus, number, row in pairs:
            if -minus >= self._min_iou and row not in numbers and number not in numbers.values():
                numbers[row] = number
        for row, box in enumerate(boxes):
            if row not in numbers:
                self._last += 1
                numbers[row] = self._last
            self._places[numbers[row]] = box, seconds
        return [numbers[row] for row in range(len(boxes))]


def plain_tracks(film: Sequence[Moment]) -> Tracked:
    """What tracking by overlap alone gives."""
    tracker = PlainTracker()
    out: Tracked = []
    for moment in film:
        rows = zip(moment.boxes, moment.scores, strict=True)
        boxes = [box for box, score in rows if score >= MIN_SCORE]
        out.append(list(zip(tracker.assign(boxes, moment.seconds), boxes, strict=True)))
    return out


class MadeDetector:
    """Answers each frame of a film with its boxes; used as a predictor."""

    def __init__(self, film: Sequence[Moment], seed: int) -> None:
        self.shown = shown_expressions(film, seed)
        """Of each frame: person -> expression."""
        self._film, self._next = film, 0
        self._dice = np.random.default_rng(seed)

    def __call__(self, picture: list[Any], min_score: float, _: int) -> list[list[Detection]]:
        """See FindsFaces; the frames must come in order."""
        answers = []
        for _ in picture:
            moment, shown = self._film[self._next], self.shown[self._next]
            faces = [
                Detection(box, score, self._probabilities(shown.get(owner)))
                for box, score, owner in zip(
                    moment.boxes, moment.scores, moment.owners, strict=True
                )
            ]
            answers.append([face for face in faces if face.score >= min_score])
            self._next += 1
        return answers

    def _probabilities(self, expression: Expression | None) -> dict[Expression, float]:
        logits = self._dice.normal(0, NOISE, len(BASIC_EXPRESSIONS))
        if expression is not None:
            logits[BASIC_EXPRESSIONS.index(expression)] += LOGIT
        odds = np.exp(logits)
        return dict(zip(BASIC_EXPRESSIONS, (odds / odds.sum()).tolist(), strict=True))


def shown_expressions(film: Sequence[Moment], seed: int) -> list[dict[int | None, Expression]]:
    """Return what each person shows in each frame; it changes at random."""
    dice = np.random.default_rng([seed, 1])
    now: dict[int | None, Expression] = {}
    shown = []
    for earlier, moment in zip([film[0], *film], film, strict=False):
        for person in moment.truth:
            passed = moment.seconds - earlier.seconds
            if person not in now or dice.random() < passed / CHANGES:
                others = [each for each in BASIC_EXPRESSIONS if each != now.get(person)]
                now[person] = others[dice.integers(len(others))]
        shown.append(dict(now))
    return shown


def score_tracks(film: Sequence[Moment], tracked: Tracked) -> dict[str, float]:
    """Return TrackEval's counts: IDTP, IDFP, IDFN, IDSW, CLR_TP, CLR_FN."""
    people = {each: row for row, each in enumerate({p: 0 for m in film for p in m.truth})}
    tracks = {each: row for row, each in enumerate({n: 0 for faces in tracked for n, _ in faces})}
    data: dict[str, Any] = {
        "gt_ids": [np.array([people[each] for each in m.truth], int) for m in film],
        "tracker_ids": [np.array([tracks[n] for n, _ in faces], int) for faces in tracked],
        "similarity_scores": [
            _overlaps(list(m.truth.values()), [box for _, box in faces])
            for m, faces in zip(film, tracked, strict=True)
        ],
        "num_gt_ids": len(people),
        "num_tracker_ids": len(tracks),
        "num_timesteps": len(film),
    }
    data["num_gt_dets"] = sum(map(len, data["gt_ids"]))
    data["num_tracker_dets"] = sum(map(len, data["tracker_ids"]))
    try:
        from trackeval.metrics import CLEAR, Identity
    except ImportError as error:
        raise ConfigError(
            "no package trackeval", "TrackEval, which scores the tracks", "pip install trackeval"
        ) from error
    with contextlib.redirect_stdout(io.StringIO()):
        return {**Identity().eval_sequence(data), **CLEAR().eval_sequence(data)}


def _overlaps(truth: list[FaceBox], boxes: list[FaceBox]) -> NDArray[np.float64]:
    rows = [[each.iou(box) for box in boxes] for each in truth]
    return np.array(rows, np.float64).reshape(len(truth), len(boxes))


@dataclass
class LabelCounts:
    """How steady and how late the labels of one way are."""

    seconds: float = 0.0
    switches: int = 0
    right: int = 0
    frames: int = 0
    delays: tuple[float, ...] = ()

    def add(
        self,
        labels: dict[int, list[tuple[float, Expression | None]]],
        truth: dict[int, list[tuple[float, Expression]]],
    ) -> None:
        """Add persons: (seconds, label) of each of their frames, and what they showed then."""
        for person, row in labels.items():
            self.seconds += row[-1][0] - row[0][0]
            self.switches += sum(a[1] != b[1] for a, b in pairwise(row))
            pairs = list(zip(row, truth[person], strict=True))
            self.right += sum(label == shown for (_, label), (_, shown) in pairs)
            self.frames += len(row)
            self.delays += tuple(_delays(pairs))


def _delays(
    pairs: list[tuple[tuple[float, Expression | None], tuple[float, Expression]]],
) -> Iterator[float]:
    """Seconds from each change of what is shown until the label follows, if it does."""
    for place, (before, after) in enumerate(pairwise(pairs), start=1):
        if before[1][1] != after[1][1]:
            for (seconds, label), (_, shown) in pairs[place:]:
                if shown != after[1][1]:
                    break
                if label == shown:
                    yield seconds - after[1][0]
                    break


def follow(
    film: Sequence[Moment], seed: int, rate: float, counts: dict[str, LabelCounts]
) -> Tracked:
    """Track a film as `fer-det predict` does, and count its labels."""
    smoothing = PredictConfig(sources=()).smoothing
    detector = MadeDetector(film, seed)
    frames = (Frame(row, moment.seconds, moment.pixels) for row, moment in enumerate(film))
    out: Tracked = []
    labels: dict[str, dict[int, list[Any]]] = {way: {} for way in counts}
    truth: dict[int, list[Any]] = {}
    owners = [dict(zip(m.boxes, m.owners, strict=True)) for m in film]
    tracked = track_video(frames, detector, MIN_SCORE, smoothing, 16, rate, UNKNOWN_BELOW)
    for each, owner_of, shown in zip(tracked, owners, detector.shown, strict=True):
        out.append([(face.number, face.detection.box) for face in each.faces])
        for face in each.faces:
            person = owner_of[face.detection.box]
            if person is None or person not in shown:
                continue
            now = each.frame.seconds
            truth.setdefault(person, []).append((now, shown[person]))
            for way, label in (("frame", face.detection.expression), ("smoothed", face.label)):
                labels[way].setdefault(person, []).append((now, label))
    for way, count in counts.items():
        count.add(labels[way], truth)
    return out


def measure(config: Config, report: Report) -> float:
    """Print all figures; -> mean IDF1 divided by that of plain tracking."""
    gains = []
    for rate in config.rates:
        counts = {"frame": LabelCounts(), "smoothed": LabelCounts()}
        for kind in config.kinds:
            setting = f"{kind}, {rate:g} frames/s"
            sums: dict[str, list[dict[str, float]]] = {"plain": [], "fer_det": []}
            spent = []
            for seed in range(config.films):
                film = make_film(kind, seed, rate, config.seconds)
                sums["plain"].append(score_tracks(film, plain_tracks(film)))
                began = time.process_time()
                tracked = follow(film, seed, rate, counts)
                spent.append(1000 * (time.process_time() - began) / len(film))
                sums["fer_det"].append(score_tracks(film, tracked))
            idf1 = {}
            for way, scores in sums.items():
                total = {key: sum(s[key] for s in scores) for key in scores[0]}
                idf1[way] = 2 * total["IDTP"] / (2 * total["IDTP"] + total["IDFP"] + total["IDFN"])
                recall = total["CLR_TP"] / (total["CLR_TP"] + total["CLR_FN"])
                report.figure(setting, f"{way}, IDF1", [idf1[way]], "")
                report.figure(setting, f"{way}, identity switches", [total["IDSW"]], "")
                report.figure(setting, f"{way}, recall", [recall], "")
            report.figure(setting, "tracking and smoothing", spent, "CPU ms a frame")
            gains.append(idf1["fer_det"] / idf1["plain"])
        for way, count in counts.items():
            setting = f"labels by {way}, {rate:g} frames/s"
            report.figure(setting, "switches", [count.switches / count.seconds], "a second")
            report.figure(setting, "right", [count.right / count.frames], "of frames")
            report.figure(setting, "delay after a change", count.delays or [0.0], "s")
    return float(np.mean(gains))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "tracking.py", argv)
    report = Report("tracking", config, Hardware(torch.device("cpu"), "float32"))
    report.finish("IDF1_OVER_PLAIN", measure(config, report))
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
