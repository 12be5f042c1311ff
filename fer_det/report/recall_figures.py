"""Recall by class, and published results on RAF-DB's test split to compare with.

Published results were computed under other conditions than ours and than each other: the
classifiers are given aligned crops, and papers do not always state how the epoch was selected.
docs/protocol.md has the whole table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from fer_det.evaluation.recognition import FEW_FACES
from fer_det.evaluation.table import format_count, format_score, format_with_interval
from fer_det.report.svg import WIDTH, Drawing, Figure, Scale
from fer_det.report.tables import interval_text

RAFDB_TEST: Mapping[str, int] = {
    "surprise": 329,
    "fear": 74,
    "disgust": 160,
    "happiness": 1185,
    "sadness": 478,
    "anger": 162,
    "neutral": 680,
}
"""Faces of each class in the test split of RAF-DB's basic part."""

_MEASURES = {"accuracy": "accuracy", "mean_recall": "mean recall"}


@dataclass(frozen=True)
class Published:
    """Scores of one published system, 0..1; None where its authors give none."""

    system: str
    year: int
    source: str
    accuracy: float | None
    mean_recall: float | None
    recall: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """'DLP-CNN (2017)'."""
        return f"{self.system} ({self.year})"


PUBLISHED = (
    Published(
        "DLP-CNN",
        2017,
        "Li, Deng and Du, CVPR 2017; baseline of the data set, aligned crops, SVM on top",
        None,
        0.7420,
        {
            "surprise": 0.8116,
            "fear": 0.6216,
            "disgust": 0.5215,
            "happiness": 0.9283,
            "sadness": 0.8013,
            "anger": 0.7160,
            "neutral": 0.8029,
        },
    ),
    Published("DAN", 2021, "Wen, Lin, Wang and Xu, 2021; aligned crops", 0.8970, 0.8275),
    Published("DDAMFN++", 2023, "Zhang et al., Electronics 2023; aligned crops", 0.9204, 0.8617),
    Published("POSTER++", 2023, "Mao et al., 2023; aligned crops", 0.9221, None),
)


def is_rafdb_test(listed: Mapping[str, int] | None) -> bool:
    """Return whether the listed faces of each class are those of RAF-DB's test split.

    Other data sets use RAF-DB's folder layout too, so the layout proves nothing.
    """
    return listed is not None and dict(listed) == dict(RAFDB_TEST)


def draw_recalls(
    rule: Mapping[str, Any],
    n_by_class: Mapping[str, int],
    published: Sequence[Published] = (),
) -> Figure:
    """Draw the recall of each class as a bar with its interval.

    rule: scores of one rule in scores.json; published: results to mark, where they have recalls.
    """
    row_height, left, right, top = 34.0, 118.0, 428.0, 14.0
    labels = list(rule["recall"])
    shown = [each for each in published if each.recall]
    bottom = top + row_height * len(labels)
    height = bottom + 26 + 22 * len(shown)
    drawing = Drawing(WIDTH, height, "Recall of each class with its 95 % interval")
    x = Scale(0, 1, left, right)
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        drawing.line((x(tick), top), (x(tick), bottom), "grid")
        drawing.text(x(tick), bottom + 12, f"{tick:g}", "middle", "ink small")
    for row, label in enumerate(labels):
        middle = top + row_height * (row + 0.5)
        _draw_recall(drawing, x, middle, label, rule, n_by_class[label], shown)
    for number, each in enumerate(shown):
        place = bottom + 34 + 22 * number
        drawing.diamond(left + 6, place, "reference")
        drawing.text(left + 18, place, f"{each.name}, published", "start", "ink small")
    return Figure(
        "Recall by class",
        _recall_caption(n_by_class),
        (drawing.markup(),),
        ("class", "faces", "recall", "95 % interval", *(each.name for each in shown)),
        tuple(
            (
                label,
                f"{n_by_class[label]:,}",
                format_score(rule["recall"][label]),
                interval_text(rule["intervals"]["recall"][label]),
                *(format_score(each.recall.get(label)) for each in shown),
            )
            for label in labels
        ),
    )


def draw_published(rule: Mapping[str, Any]) -> Figure:
    """Draw accuracy and mean recall together with published results.

    rule: scores of the primary rule on RAF-DB's test split.
    """
    return Figure(
        "Compared with published results on RAF-DB",
        "Dots are this run, with its 95 % interval; diamonds are published results. Those are "
        "classifiers that were given aligned crops of the faces, so the tasks differ.",
        tuple(_draw_measure(name, label, rule) for name, label in _MEASURES.items()),
        ("system", *_MEASURES.values(), "source"),
        (
            (
                "this run",
                *(format_with_interval(rule[name], rule["intervals"][name]) for name in _MEASURES),
                "",
            ),
            *(
                (
                    each.name,
                    format_score(each.accuracy),
                    format_score(each.mean_recall),
                    each.source,
                )
                for each in PUBLISHED
            ),
        ),
    )


def _recall_caption(n_by_class: Mapping[str, int]) -> str:
    caption = "Share of the faces of each class that are predicted correctly, with 95 % intervals."
    few = [f"{label} ({n})" for label, n in n_by_class.items() if 0 < n < FEW_FACES]
    return f"{caption} Too few faces for a reliable interval: {', '.join(few)}." if few else caption


def _draw_recall(
    drawing: Drawing,
    x: Scale,
    middle: float,
    label: str,
    rule: Mapping[str, Any],
    faces: int,
    published: Sequence[Published],
) -> None:
    bar = 16.0
    value, ends = rule["recall"][label], rule["intervals"]["recall"][label]
    drawing.text(x.start - 8, middle - 6, label, "end")
    drawing.text(x.start - 8, middle + 8, format_count(faces, "face"), "end", "quiet small")
    drawing.rect(x.start, middle - bar / 2, x.stop - x.start, bar, "track")
    if value is not None:
        tooltip = f"{label}: {format_score(value)}, {interval_text(ends)}"
        drawing.rect(x.start, middle - bar / 2, x(value) - x.start, bar, "bar", tooltip)
    if ends is not None:
        drawing.line((x(ends[0]), middle), (x(ends[1]), middle), "whisker")
        for end in ends:
            drawing.line((x(end), middle - 5), (x(end), middle + 5), "whisker")
    for each in published:
        if label in each.recall:
            drawing.diamond(x(each.recall[label]), middle, "reference", f"{each.name}, {label}")
    drawing.text(WIDTH - 2, middle, format_score(value), "end", "ink number")


def _draw_measure(name: str, label: str, rule: Mapping[str, Any]) -> Markup:
    row_height, left, right, top = 26.0, 142.0, 424.0, 30.0
    others: list[tuple[Published, float]] = [
        (each, value) for each in PUBLISHED if (value := getattr(each, name)) is not None
    ]
    bottom = top + row_height * (len(others) + 1)
    drawing = Drawing(WIDTH, bottom + 24, f"{label}, compared with published results")
    own, ends = rule[name], rule["intervals"][name]
    lowest = min([own or 0, *(ends or ()), *(value for _, value in others)])
    x = Scale(min(0.6, int(lowest * 10) / 10), 1, left, right)
    drawing.text(left, 12, label)
    ticks = [tick / 10 for tick in range(round(x.low * 10), 11)]
    for tick in ticks if len(ticks) < 7 else ticks[::2]:
        drawing.line((x(tick), top), (x(tick), bottom), "grid")
        drawing.text(x(tick), bottom + 12, f"{tick:.1f}", "middle", "ink small")
    middle = top + row_height / 2
    drawing.text(left - 8, middle, "this run", "end")
    if ends is not None:
        drawing.line((x(ends[0]), middle), (x(ends[1]), middle), "whisker")
    if own is not None:
        drawing.dot(x(own), middle, 6, "bar", "this run")
    drawing.text(WIDTH - 2, middle, format_score(own), "end", "ink number")
    for row, (each, value) in enumerate(others, start=1):
        middle = top + row_height * (row + 0.5)
        drawing.text(left - 8, middle, each.name, "end", "ink small")
        drawing.line((left, middle), (x(value), middle), "grid")
        drawing.diamond(x(value), middle, "reference", each.source)
        drawing.text(WIDTH - 2, middle, format_score(value), "end", "ink number")
    return drawing.markup()
