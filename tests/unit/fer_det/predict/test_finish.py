"""What is said of faces: marks, choice, order and summary."""

from __future__ import annotations

from fer_det.config.predict import FaceOptions
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.finish import GroupSummary, finish_faces

SIZE = (1000, 800)


def face(size: float, x: float = 0.0, fear: float = 0.75) -> Detection:
    """A face higher than wide."""
    box = FaceBox(x, 10, x + size / 2, 10 + size)
    return Detection(box, 0.9, {Expression.FEAR: fear, Expression.ANGER: 1 - fear})


def test_marks_by_size() -> None:
    faces = finish_faces([face(40), face(39), face(24), face(23)], FaceOptions(), SIZE, 0)
    assert [each.flags for each in faces] == [
        (),
        ("low_resolution",),
        ("low_resolution",),
        ("too_small",),
    ]
    assert [each.label for each in faces] == ["fear", "fear", "fear", "too small"]
    assert (faces[3].probabilities, faces[3].expression) == ({}, None)
    other = FaceOptions(low_resolution=10, too_small=5)
    assert finish_faces([face(11)], other, SIZE, 0)[0].flags == ()


def test_unknown_below_the_checkpoint_s_threshold() -> None:
    sure, unsure, small = finish_faces(
        [face(50, fear=0.8), face(30, fear=0.6), face(10, fear=0.6)], FaceOptions(), SIZE, 0.7
    )
    assert sure.flags == ()
    assert unsure.flags == ("low_resolution", "unknown")
    assert (unsure.label, unsure.expression) == ("unknown", Expression.FEAR)
    assert small.flags == ("too_small",)


def test_the_largest_are_kept_in_their_order() -> None:
    faces = [face(30), face(60), face(50), face(20)]
    kept = finish_faces(faces, FaceOptions(max_faces=2), SIZE, 0)
    assert [each.size for each in kept] == [60, 50]
    kept = finish_faces(faces, FaceOptions(min_face=40), SIZE, 0)
    assert [each.size for each in kept] == [60, 50]
    # A part of the longer side, here 55 pixels.
    assert [f.size for f in finish_faces(faces, FaceOptions(min_face=0.055), SIZE, 0)] == [60]
    assert len(finish_faces([face(15)], FaceOptions(), SIZE, 0)) == 1


def test_order_from_left_to_right_on_request() -> None:
    faces = [face(50, 200), face(50, 10), face(50, 90)]
    for order, lefts in (("score", [200, 10, 90]), ("left_to_right", [10, 90, 200])):
        kept = finish_faces(faces, FaceOptions(order=order), SIZE, 0)  # type: ignore[arg-type]
        assert [each.box.x_min for each in kept] == lefts


def test_summary_of_a_group() -> None:
    faces = [face(50), face(50), face(50, fear=0.1), face(50, fear=0.55), face(10)]
    summary = GroupSummary.of(finish_faces(faces, FaceOptions(), SIZE, 0.6))
    assert summary.describe() == "5 faces: fear 67 %, anger 33 %; 1 unknown, 1 too small"
    assert sum(summary.shares.values()) == 1
    none = GroupSummary.of(finish_faces([face(10), face(12)], FaceOptions(), SIZE, 0))
    assert none.describe() == "2 faces: 2 too small"
