"""Which parts of a picture a detector is shown, and how what it finds in them is merged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.views import Region, drop_cut, is_large, merge_faces, plan_views


def face(x: float, y: float, side: float, score: float = 0.9) -> Detection:
    return Detection(FaceBox(x, y, x + side, y + side), score, {Expression.FEAR: 1.0})


@pytest.mark.parametrize("size", [(350, 350), (448, 100), (100, 448)])
def test_a_small_picture_is_shown_whole(size: tuple[int, int]) -> None:
    assert not is_large(*size, 224)
    assert plan_views(*size, 224, 20) == [Region(0, 0, *size)]


@pytest.mark.parametrize(("width", "height"), [(4000, 3000), (449, 300), (1000, 120), (120, 5000)])
def test_every_face_is_whole_and_large_enough_in_a_view(width: int, height: int) -> None:
    views = plan_views(width, height, 224, 20)
    assert views[-1] == Region(0, 0, width, height)
    rng = np.random.default_rng(0)
    for _ in range(300):
        side = float(np.exp(rng.uniform(np.log(28), np.log(0.8 * min(width, height)))))
        x, y = rng.uniform(0, width - side), rng.uniform(0, height - side)
        one = face(x, y, side)
        shares = [
            side / max(view.right - view.left, view.bottom - view.top)
            for view in views
            if view.left <= x
            and view.top <= y
            and x + side <= view.right
            and y + side <= view.bottom
            and drop_cut([one], view, width, height)
        ]
        # FACE_SHARE of a view, less the step from one scale to the whole picture.
        assert max(shares) > 0.115, (side, x, y)


def test_a_larger_smallest_face_needs_fewer_views() -> None:
    counts = [len(plan_views(4000, 3000, 224, least)) for least in (20, 40, 80, 400)]
    assert counts[0] > 400
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < 10


def test_faces_at_inner_edges_are_dropped_and_at_the_picture_s_kept() -> None:
    region = Region(0, 100, 200, 300)
    at_left, at_top = face(0, 150, 50), face(50, 100, 50)
    at_right, at_bottom, inside = face(149, 150, 50), face(50, 250, 50), face(60, 160, 50)
    faces = [at_left, at_top, at_right, at_bottom, inside]
    assert drop_cut(faces, region, 1000, 300) == [at_left, at_bottom, inside]


def test_the_best_of_faces_that_overlap_is_kept() -> None:
    whole, shifted, part = face(0, 0, 100), face(10, 0, 100, 0.95), face(5, 40, 55, 0.8)
    apart, beside = face(300, 0, 50, 0.7), face(105, 0, 100, 0.6)
    kept = merge_faces([whole, shifted, part, beside, apart])
    assert kept == [replace(shifted, probabilities=whole.probabilities), apart, beside]


def test_the_expression_is_that_of_the_finest_view() -> None:
    happy, sad = {Expression.HAPPINESS: 1.0}, {Expression.SADNESS: 1.0}
    mouth = replace(face(20, 60, 50, 0.6), probabilities={Expression.FEAR: 1.0})
    fine = replace(face(4, 0, 100, 0.7), probabilities=happy)
    coarse = replace(face(0, 0, 100, 0.9), probabilities=sad)
    assert merge_faces([mouth, fine, coarse]) == [replace(coarse, probabilities=happy)]
