"""Learning curves that stay inside their plot, whatever the log holds; counts by class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import pytest
from fake_data.scored_pictures import CLASSES, random_pictures

from fer_det.evaluation.predictions import score_faces
from fer_det.report.svg import WIDTH
from fer_det.report.training_figures import (
    draw_box_sizes,
    draw_class_counts,
    draw_learning,
    sampled_in_an_epoch,
)

LEFT, RIGHT, TOP = 44.0, WIDTH - 14, 26.0
BOTTOMS = (300.0 - 42, 344.0 - 86)
"""Edges of the plots of losses and of scores."""


def epoch(number: int, step: int, loss: float, **scores: float) -> dict[str, Any]:
    return {"kind": "epoch", "epoch": number, "step": step, "loss": loss, **scores}


def step(number: int, in_epoch: int, loss: float) -> dict[str, Any]:
    return {"kind": "step", "epoch": in_epoch, "step": number, "loss": loss}


FINISHED = [
    step(1, 0, 2.0),
    epoch(0, 10, 1.5, accuracy=0.3, mean_recall=0.2, selection=0.25),
    step(11, 1, 1.2),
    step(20, 1, 1.1),
    epoch(1, 20, 1.0, accuracy=0.5, mean_recall=0.4, selection=0.45),
]
LOGS = {
    "finished": FINISHED,
    "stopped in an epoch": [*FINISHED, step(21, 2, 1.0), step(29, 2, 0.9)],
    "larger steps than before": [*FINISHED, step(25, 2, 1.0), step(45, 2, 0.9)],
    "smaller epochs after a restart": [*FINISHED, epoch(2, 23, 0.9), epoch(3, 26, 0.8)],
    "loss of 0": [step(1, 0, 0.0), epoch(0, 2, 0.0)],
    "loss below 0": [step(1, 0, -2.0), epoch(0, 2, -3.0)],
    "a step far above": [step(1, 0, 1e6), *FINISHED],
    "no number": [step(1, 0, math.nan), step(2, 0, math.inf), *FINISHED],
    "no epoch record at the start": [epoch(4, 50, 1.0), step(55, 5, 1.0), epoch(5, 60, 0.9)],
    "one step in all": [epoch(0, 1, 1.0)],
    "many steps": [*(step(n, 0, 1.0) for n in range(1, 2000)), epoch(0, 2000, 1.0)],
}


def positions(drawing: str) -> list[tuple[float, float]]:
    """Return the points of all curves, dots and marks."""
    found = []
    for element in ElementTree.fromstring(drawing).iter():
        css, values = element.get("class", ""), element.attrib
        if element.tag == "polyline" and values["points"]:
            for pair in values["points"].split():
                x, y = pair.split(",")
                found.append((float(x), float(y)))
        elif element.tag == "circle":
            found.append((float(values["cx"]), float(values["cy"])))
        elif element.tag == "line" and css == "selected":
            found += [(float(values[f"x{n}"]), float(values[f"y{n}"])) for n in (1, 2)]
    return found


@pytest.mark.parametrize("selected", [None, 0, 1, 7])
@pytest.mark.parametrize("records", LOGS.values(), ids=list(LOGS))
def test_curves_stay_inside_the_plot(
    records: Sequence[dict[str, Any]], selected: int | None
) -> None:
    figure = draw_learning(records, selected)
    assert figure is not None
    for drawing, bottom in zip(figure.drawings, BOTTOMS, strict=True):
        for x, y in positions(str(drawing)):
            assert LEFT - 0.1 <= x <= RIGHT + 0.1
            assert TOP - 0.1 <= y <= bottom + 0.1
    assert positions(str(figure.drawings[0]))


def test_points_outside_are_noticed() -> None:
    """The test above can fail."""
    drawing = '<svg><polyline class="curve" points="500,20 60,70"/></svg>'
    assert positions(drawing) == [(500, 20), (60, 70)]


def test_steps_of_an_epoch_under_way_follow_the_last_epoch() -> None:
    figure = draw_learning(LOGS["stopped in an epoch"], 1)
    assert figure is not None
    steps = ElementTree.fromstring(str(figure.drawings[0])).find("polyline[@class='curve faint']")
    assert steps is not None
    x = [float(pair.split(",")[0]) for pair in steps.attrib["points"].split()]
    # Steps 1, 11, 20, 21 and 29 of 10 an epoch, on an axis of three epochs.
    expected = [LEFT + (RIGHT - LEFT) * each / 30 for each in (1, 11, 20, 21, 29)]
    assert x == pytest.approx(expected, abs=0.1)


def test_the_table_has_selection_score_and_mean_recall() -> None:
    figure = draw_learning(FINISHED, 1)
    assert figure is not None
    assert figure.head == ("epoch", "loss", "accuracy", "mean recall", "selection score")
    assert figure.rows[1] == ("2 (selected)", "1.000", "0.500", "0.400", "0.450")


def test_without_an_ended_epoch_there_is_no_figure() -> None:
    assert draw_learning([step(1, 0, 2.0)], None) is None
    assert draw_learning([epoch(0, 10, math.nan)], None) is None


def test_rare_classes_are_sampled_more_often() -> None:
    assert sampled_in_an_epoch({"a": 100, "b": 25, "c": 0}, 0.5) == {"a": 100, "b": 50, "c": 0}
    assert sampled_in_an_epoch({}, 0.5) == {}


def test_classes_without_pictures_are_counted_as_zero() -> None:
    figure = draw_class_counts({"in the data set": {"fear": 0, "anger": 0}, "balanced": {}})
    assert figure.rows == (("fear", "0", "0"), ("anger", "0", "0"))


def test_accuracy_by_size_has_every_face_once() -> None:
    faces = list(score_faces(random_pictures([5] * 7, seed=1), CLASSES, ["top1"]))
    rows = draw_box_sizes(faces, "top1", 224).rows
    assert [int(row[1]) for row in rows] == [12, 12, 11]
    assert len(draw_box_sizes(faces[:1], "top1", 224).rows) == 1
