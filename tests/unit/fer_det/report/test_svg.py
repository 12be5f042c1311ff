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


@given(high=st.floats(1e-8, 1e300), most=st.integers(1, 8))
def test_nice_steps_reach_the_highest_and_are_few(high: float, most: int) -> None:
    steps = nice_steps(high, most)
    assert steps[0] == 0
    assert steps[-1] >= high * (1 - 1e-9)
    assert 2 <= len(steps) <= most + 1
    assert f"{steps[1]:e}"[0] in "125"


@pytest.mark.parametrize(
    ("high", "most", "expected"),
    [
        (1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (20, 5, [0, 5, 10, 15, 20]),
        (0.3, 3, [0, 0.1, 0.2, 0.3]),
        (7, 6, [0, 2, 4, 6, 8]),
        (1000, 4, [0, 500, 1000]),
    ],
)
def test_nice_steps_by_hand(high: float, most: int, expected: list[float]) -> None:
    assert nice_steps(high, most) == pytest.approx(expected)


@pytest.mark.parametrize("high", [0, 0.0, 5e-324, 1e-12])
def test_a_range_of_nothing_is_drawn_as_the_range_to_one(high: float) -> None:
    assert nice_steps(high) == [0, 1]


@pytest.mark.parametrize("high", [float("nan"), float("inf"), -1.0])
def test_nice_steps_refuse_what_has_no_steps(high: float) -> None:
    with pytest.raises(ValueError, match="high expected a finite number from 0, found"):
        nice_steps(high)


def test_text_is_escaped() -> None:
    drawing = Drawing(10, 10, "<b>")
    drawing.text(1, 1, "a < b & c")
    drawing.rect(0, 0, 1, 1, "bar", tooltip='"quoted"')
    root = ElementTree.fromstring(str(drawing.markup()))
    assert root.get("aria-label") == "<b>"
    assert [each.text for each in root.iter("text")] == ["a < b & c"]


def test_a_bar_is_never_of_negative_length() -> None:
    drawing = Drawing(10, 10, "bar")
    drawing.rect(0, 0, -3, 2, "bar")
    assert 'width="0"' in drawing.markup()


def test_plot_leaves_margins_for_its_text() -> None:
    canvas = plot("title", (0, 1), (0, 2), 200, 100, 40)
    assert canvas.point(0, 0) == (40, 58)
    assert canvas.point(1, 2) == pytest.approx((186, 26))
