import math
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_det.core.box import FaceBox

edges = st.floats(-1000, 1000)
sides = st.floats(0.5, 1000)
boxes = st.builds(lambda x, y, w, h: FaceBox(x, y, x + w, y + h), edges, edges, sides, sides)


class TestShape:
    def test_measures(self) -> None:
        box = FaceBox(10, 20, 30, 60)
        assert (box.width, box.height, box.area, box.centre) == (20, 40, 800, (20, 40))
        assert box.as_tuple() == (10, 20, 30, 60)

    @pytest.mark.parametrize("box", [(5, 5, 5, 9), (5, 5, 9, 5), (9, 5, 5, 9), (5, 9, 9, 5)])
    def test_without_area(self, box: tuple[float, ...]) -> None:
        with pytest.raises(ValueError, match="no area"):
            FaceBox(*box)

    @pytest.mark.parametrize("place", range(4))
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_not_finite(self, place: int, value: float) -> None:
        box = [0.0, 0.0, 1.0, 1.0]
        box[place] = value
        with pytest.raises(ValueError, match="not finite"):
            FaceBox(*box)

    def test_frozen(self) -> None:
        with pytest.raises(FrozenInstanceError):
            FaceBox(0, 0, 1, 1).x_min = 5  # type: ignore[misc]

    def test_scaled(self) -> None:
        assert FaceBox(10, 20, 30, 60).scaled(0.5, 2) == FaceBox(5, 40, 15, 120)


class TestOverlap:
    def test_by_arithmetic(self) -> None:
        # Shared 5 x 10 = 50; together 100 + 100 - 50 = 150.
        assert FaceBox(0, 0, 10, 10).iou(FaceBox(5, 0, 15, 10)) == pytest.approx(50 / 150)

    @pytest.mark.parametrize("other", [(10, 0, 20, 10), (0, 10, 10, 20), (30, 30, 40, 40)])
    def test_neighbours_share_nothing(self, other: tuple[float, ...]) -> None:
        assert FaceBox(0, 0, 10, 10).iou(FaceBox(*other)) == 0

    @given(boxes, boxes)
    def test_symmetric_and_within_0_and_1(self, a: FaceBox, b: FaceBox) -> None:
        assert 0 <= a.iou(b) <= 1 + 1e-9
        assert a.iou(b) == pytest.approx(b.iou(a))
        assert a.iou(a) == pytest.approx(1)


class TestPlace:
    @pytest.mark.parametrize(
        ("point", "inside"),
        [((10, 20), True), ((29.9, 59.9), True), ((30, 40), False), ((20, 60), False)],
    )
    def test_maximal_edges_are_exclusive(self, point: tuple[float, float], inside: bool) -> None:
        assert FaceBox(10, 20, 30, 60).contains(*point) is inside

    def test_moved(self) -> None:
        assert FaceBox(1, 2, 3, 4).moved(10, -1) == FaceBox(11, 1, 13, 3)

    def test_clipped(self) -> None:
        assert FaceBox(-5, -5, 20, 8).clipped(10, 10) == FaceBox(0, 0, 10, 8)
        assert FaceBox(2, 3, 4, 5).clipped(10, 10) == FaceBox(2, 3, 4, 5)

    @pytest.mark.parametrize("box", [(-9, 0, 0, 5), (10, 0, 15, 5), (0, 10, 5, 12)])
    def test_clipped_away(self, box: tuple[float, ...]) -> None:
        assert FaceBox(*box).clipped(10, 10) is None

    @given(boxes, st.integers(1, 500), st.integers(1, 500))
    def test_clipped_lies_inside_both(self, box: FaceBox, width: int, height: int) -> None:
        part = box.clipped(width, height)
        if part is not None:
            assert 0 <= part.x_min < part.x_max <= width
            assert 0 <= part.y_min < part.y_max <= height
            assert part.area <= box.area


@pytest.mark.parametrize(
    ("edges", "part"),
    [((0, 0, 10, 10), 1.0), ((-5, 0, 5, 10), 0.5), ((15, 5, 25, 15), 0.25), ((30, 0, 40, 9), 0.0)],
)
def test_visible_part(edges: tuple[float, float, float, float], part: float) -> None:
    assert FaceBox(*edges).visible_part(20, 10) == pytest.approx(part)
