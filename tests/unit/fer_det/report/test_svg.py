"""Shapes and scales."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_det.report.svg import Drawing, Scale, nice_steps, plot


def test_scale() -> None:
    scale = Scale(0, 10, 100, 0)
    assert [scale(value) for value in (0, 5, 10, 20)] == [100, 50, 0, -100]


@given(high=st.floats(0.01, 1e7), most=st.integers(2, 8))
def test_nice_steps_reach_the_highest_and_are_few(high: float, most: int) -> None:
    steps = nice_steps(high, most)
    assert steps[0] == 0
    assert steps[-1] >= high * (1 - 1e-9)
    assert 2 <= len(steps) <= most + 2
    digits = f"{steps[1]:e}"[0]
    assert digits in "125"


def test_what_is_written_is_escaped() -> None:
    drawing = Drawing(10, 10, "<b>")
    drawing.text(1, 1, "a < b & c")
    drawing.rect(0, 0, 1, 1, "bar", told='"quoted"')
    root = ElementTree.fromstring(str(drawing.markup()))
    assert root.get("aria-label") == "<b>"
    assert [each.text for each in root.iter("text")] == ["a < b & c"]


def test_a_bar_is_never_of_negative_length() -> None:
    drawing = Drawing(10, 10, "bar")
    drawing.rect(0, 0, -3, 2, "bar")
    assert 'width="0"' in drawing.markup()


def test_plot_leaves_room_for_its_words() -> None:
    canvas = plot("title", (0, 1), (0, 2), 200, 100, 40)
    assert canvas.point(0, 0) == (40, 58)
    assert canvas.point(1, 2) == pytest.approx((186, 26))
