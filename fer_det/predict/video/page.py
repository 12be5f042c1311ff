"""An HTML page with the annotated film and its timeline side by side; it needs no network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import numpy as np

from fer_det.predict.drawing import COLOURS, NO_EXPRESSION
from fer_det.predict.video.people import UNKNOWN, Person
from fer_det.predict.video.timeline import (
    FaceTime,
    Timeline,
    clock,
    describe_face,
    main_faces,
)

TOP, BOTTOM = 2.0, 82.0
"""Heights of probability 1 and 0 in a plot of 1000 x 100."""


def render_page(
    title: str, film: str, timeline: Timeline, begin: float, people: Sequence[Person]
) -> str:
    """Return the page. film: name of the annotated film in the same folder.

    begin: seconds of the timeline at which the film begins. people: the tracks that have a row.
    """
    from jinja2 import Environment

    expressions = timeline.expressions
    seconds = max(timeline.seconds - begin, timeline.bin)
    faces = timeline.faces()
    shown = main_faces(faces)
    colours = [_hex(COLOURS[each]) for each in expressions] + [_hex(NO_EXPRESSION)]
    labels = [*(each.label for each in expressions), UNKNOWN]
    had = [each for each in labels if any(person.seconds.get(each) for person in people)]
    source = (files(__package__) / "template" / "film.html.j2").read_text(encoding="utf-8")
    return (
        Environment(autoescape=True)
        .from_string(source)
        .render(
            title=title,
            film=quote(os.fsencode(film)),
            key=list(zip(labels, colours, strict=True)),
            faces=[_plot(face, timeline, begin, seconds, colours) for face in shown],
            more=len(faces) - len(shown) + timeline.dropped,
            begin=clock(begin),
            end=clock(timeline.seconds),
            seconds=f"{seconds:.3f}",
            labels=had,
            people=[_row(person, had) for person in people],
        )
    )


def _plot(
    face: FaceTime, timeline: Timeline, begin: float, seconds: float, colours: Sequence[str]
) -> dict[str, Any]:
    starts = (np.arange(len(face.labels)) * timeline.bin - begin) / seconds * 1000
    width = 1000 * timeline.bin / seconds
    lines = []
    for column, colour in enumerate(colours[:-1]):
        heights = BOTTOM - (BOTTOM - TOP) * face.means[:, column]
        for run in _runs(np.isfinite(heights)):
            # A lone bin is a short line.
            edges = [*(starts[run] + width / 2), starts[run][-1] + width]
            points = zip(edges, [*heights[run], heights[run][-1]], strict=True)
            lines.append((colour, " ".join(f"{x:.1f},{y:.1f}" for x, y in points)))
    strips = []
    for index, colour in enumerate(colours):
        for run in _runs(face.labels == index):
            strips.append((colour, f"{starts[run][0]:.1f}", f"{width * len(starts[run]):.1f}"))
    return {
        "words": describe_face(face, timeline.expressions),
        "lines": lines,
        "strips": strips,
    }


def _runs(there: Any) -> Iterator[slice]:
    """Slices in which `there`, [N] bool, is true throughout."""
    changes = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(int), [0]])))
    yield from (slice(*pair) for pair in changes.reshape(-1, 2).tolist())


def _row(person: Person, labels: Sequence[str]) -> list[str]:
    shares = person.shares
    longest = person.longest
    return [
        str(person.number),
        f"{person.seen:.1f} s",
        *(f"{shares.get(label, 0.0):.0%}" for label in labels),
        f"{longest.label}, {longest.seconds:.1f} s from {clock(longest.start)}",
        str(person.switches),
    ]


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
