"""Targets add up vertex by vertex and survive being stored."""

from __future__ import annotations

import numpy as np
import pytest

from made_faces.face_model.targets import Targets


@pytest.fixture
def targets() -> Targets:
    return Targets.collect(
        [
            ("a", np.array([0, 2], np.int32), np.array([[1, 0, 0], [0, 1, 0]], np.float32)),
            ("empty", np.zeros(0, np.int32), np.zeros((0, 3), np.float32)),
            ("b", np.array([2], np.int32), np.array([[0, 0, 4]], np.float32)),
        ]
    )


def test_weighted_targets_add_up(targets):
    points = np.ones((3, 3), np.float32)
    targets.add(points, {"b": -0.5, "a": 2, "empty": 1})
    np.testing.assert_array_equal(points, [[3, 1, 1], [1, 1, 1], [1, 3, -1]])
    assert points.dtype == np.float32


def test_unknown_target_is_a_key_error(targets):
    with pytest.raises(KeyError, match="nose"):
        targets.add(np.zeros((3, 3), np.float32), {"nose": 1.0})


def test_stored_targets_come_back(targets, tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, **targets.as_arrays("x"))
    with np.load(path) as arrays:
        again = Targets.from_arrays("x", arrays)
    assert again.names == targets.names
    for name in targets.names:
        for mine, theirs in zip(again.of(name), targets.of(name), strict=True):
            np.testing.assert_array_equal(mine, theirs)
