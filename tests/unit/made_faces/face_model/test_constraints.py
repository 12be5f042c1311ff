"""Lips, teeth and eyelids of random identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from made_faces.face_model.identity import sample_identity
from made_faces.surface import Region

IDENTITIES = range(8)


def average_identity():
    return replace(
        sample_identity(1, 1),
        age=2 / 3,
        female=0.5,
        ancestry=(1 / 3, 1 / 3, 1 / 3),
        weight=0.5,
        muscle=0.5,
        local_shapes={},
    )


def test_lips_at_rest_meet(head):
    upper, lower = head.lips.upper, head.lips.lower
    for number in IDENTITIES:
        shape = head.shape(sample_identity(2, number))
        gap = shape[upper, 2] - shape[lower, 2]
        assert gap.max() < 2e-4


def test_blinks_close_each_eye_and_lids_never_cross(head):
    for number in IDENTITIES:
        shape = head.shape(sample_identity(2, number))
        closed = head.express(shape, {"eyeBlinkLeft": 1.0, "eyeSquintLeft": 1.0})
        left, right = head.eyelids
        opening = closed[left.upper, 2] - closed[left.lower, 2]
        assert (opening > -3e-4).all()
        # The rims are inside the closed lids.
        assert opening.max() < 0.0035
        np.testing.assert_array_equal(closed[right.upper], shape[right.upper])


def test_squinting_lids_stay_outside_the_eyeball(head):
    strain = {f"{name}{side}": 1.0 for name in ("eyeSquint", "cheekSquint") for side in ("Left",)}
    left = head.eyelids[0]
    for number in IDENTITIES:
        shape = head.shape(sample_identity(2, number))
        face = head.express(shape, strain)
        ball = face[left.eyeball]
        middle = (ball.min(axis=0) + ball.max(axis=0)) / 2
        radius = np.linalg.norm(ball - middle, axis=1).mean()
        rest, now = (np.linalg.norm(points[left.skin] - middle, axis=1) for points in (shape, face))
        assert (now[rest > radius + 0.001] > radius + 0.0008).all()


def test_upper_teeth_are_fixed_to_the_skull_and_lower_ones_to_the_jaw(head):
    shape = head.shape(average_identity())
    everything = {name: 0.7 for name in head.actions.names if name != "jawOpen"}
    upper, lower = (
        np.unique(head.triangles[head.regions == region])
        for region in (Region.UPPER_TEETH, Region.LOWER_TEETH)
    )
    # The files round to a tenth of a millimetre, which leaves tiny displacements on the teeth.
    np.testing.assert_allclose(head.express(shape, everything)[upper], shape[upper], atol=2e-4)
    opened = head.express(shape, {"jawOpen": 1.0})
    np.testing.assert_allclose(opened[upper], shape[upper], atol=1e-6)
    front = lower[np.argsort(shape[lower, 1])[:6]]
    assert (opened[front, 2] < shape[front, 2] - 0.015).all()


def test_upper_teeth_reach_below_the_closed_lips(head):
    for number in IDENTITIES:
        shape = head.shape(sample_identity(2, number))
        slit = shape[head.lips.lower, 2].mean()
        assert shape[head.teeth.upper_front, 2].min() < slit - 0.001
        front = shape[head.teeth.upper_front, 1].min()
        assert front > shape[head.landmarks68[[51, 57]], 1].max() - 0.002
