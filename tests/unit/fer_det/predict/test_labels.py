from itertools import combinations

import pytest

from fer_det.core.box import FaceBox
from fer_det.predict.labels import Rectangle, place_labels

SIZE = (300.0, 200.0)


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return min(one[2], other[2]) > max(one[0], other[0]) and min(one[3], other[3]) > max(
        one[1], other[1]
    )


@pytest.mark.parametrize(
    ("box", "place"),
    [
        (FaceBox(50, 60, 90, 100), (50, 40, 130, 60)),  # above
        (FaceBox(250, 60, 290, 100), (220, 40, 300, 60)),  # not beyond the right edge
        (FaceBox(50, 5, 90, 100), (50, 100, 130, 120)),  # below, where above is no room
        (FaceBox(50, 0, 90, 200), (50, 0, 130, 20)),  # inside, where there is none either
        (FaceBox(-20, -30, 400, 250), (0, 0, 80, 20)),
    ],
)
def test_one_label(box: FaceBox, place: Rectangle) -> None:
    assert place_labels([box], [[80, 30]], 20, SIZE) == [(0, place)]


def test_labels_give_way_to_boxes_and_to_each_other() -> None:
    # Two faces side by side: the label of the first ends at its right edge.
    boxes = [FaceBox(50, 60, 90, 100), FaceBox(100, 60, 140, 100)]
    places = [place for _, place in place_labels(boxes, [[80, 30], [40, 30]], 20, SIZE)]
    assert places == [(10, 40, 90, 60), (100, 40, 140, 60)]
    # Another face stands above it on the right: the label ends at its middle.
    boxes = [FaceBox(100, 60, 140, 100), FaceBox(132, 20, 172, 60), FaceBox(20, 101, 220, 140)]
    assert place_labels(boxes, [[80, 30], [9], [9]], 20, SIZE)[0] == (0, (40, 40, 120, 60))
    # And one on the left: only the short wording has a place.
    boxes.append(FaceBox(50, 20, 90, 60))
    assert place_labels(boxes, [[80, 30], [9], [9], [9]], 20, SIZE)[0] == (1, (100, 40, 130, 60))


def test_without_free_places_the_last_wording_covers_least() -> None:
    boxes = [FaceBox(0, 0, 300, 200), FaceBox(100, 50, 200, 150)]
    (one, _), (two, place) = place_labels(boxes, [[80, 30], [80, 30]], 20, SIZE)
    assert (one, two) == (0, 1)
    assert place[2] - place[0] == 30


def test_labels_of_a_row_of_faces_do_not_overlap() -> None:
    boxes = [FaceBox(10 + 28 * n, 80 + 3 * (n % 2), 36 + 28 * n, 115) for n in range(10)]
    placed = place_labels(boxes, [[75, 50, 20]] * 10, 15, SIZE)
    rectangles = [place for _, place in placed]
    assert not any(overlap(one, other) for one, other in combinations(rectangles, 2))
    assert not any(overlap(one, box.as_tuple()) for one in rectangles for box in boxes)
    assert {wording for wording, _ in placed} != {2}


def test_no_boxes() -> None:
    assert place_labels([], [], 20, SIZE) == []
