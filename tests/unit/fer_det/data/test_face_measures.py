from typing import Any

import numpy as np
import pytest

from fer_det.data.face_measures import FaceMeasures, Standard


def describe(units: dict[str, float], **changes: Any) -> dict[str, Any]:
    return {
        "units": units,
        "age": 0.4,
        "female": 1.0,
        "ancestry": [0.1, 0.2, 0.7],
        "weight": 0.6,
        "yaw": 10.0,
        "pitch": -5.0,
        "roll": 3.0,
        **changes,
    }


MEASURES = FaceMeasures.found_in([describe({"12L": 0.5, "4": 1}), describe({"12": 1, "25": 0.2})])


def values(**named: float) -> dict[str, float]:
    rest = {
        "age": 0.4,
        "female": 1.0,
        "african": 0.1,
        "asian": 0.2,
        "caucasian": 0.7,
        "weight": 0.6,
        "yaw": 10.0,
        "pitch": -5.0,
        "roll": 3.0,
    }
    return rest | named


def named(vector: np.ndarray) -> dict[str, float]:
    return {name: pytest.approx(float(v)) for name, v in zip(MEASURES.names, vector, strict=True)}


def test_units_by_number_with_both_sides() -> None:
    assert MEASURES.units == ("4", "12L", "12R", "25")
    assert MEASURES.groups == {"units": 4, "attributes": 6, "pose": 3}
    assert FaceMeasures(()).groups == {"attributes": 6, "pose": 3}


@pytest.mark.parametrize(
    ("units", "wanted"),
    [
        ({}, {"4": 0, "12L": 0, "12R": 0, "25": 0}),
        ({"12L": 0.5, "4": 1.2}, {"4": 1.2, "12L": 0.5, "12R": 0, "25": 0}),
        ({"12": 0.7}, {"4": 0, "12L": 0.7, "12R": 0.7, "25": 0}),
    ],
)
def test_read(units: dict[str, float], wanted: dict[str, float]) -> None:
    assert named(MEASURES.read(describe(units))) == values(**wanted)


def test_mirror() -> None:
    before = MEASURES.read(describe({"12L": 0.5, "4": 1.2}))
    mirrored = MEASURES.mirrored(before)
    wanted = {"4": 1.2, "12L": 0, "12R": 0.5, "25": 0, "yaw": -10.0, "roll": -3.0}
    assert named(mirrored) == values(**wanted)
    assert np.array_equal(MEASURES.mirrored(mirrored), before)


def test_turn() -> None:
    before = MEASURES.read(describe({}))
    # Anticlockwise is away from the head's left shoulder, which is at the picture's right.
    assert named(MEASURES.turned(before, 5.0)) == values(
        **{"4": 0, "12L": 0, "12R": 0, "25": 0, "roll": -2.0}
    )
    assert named(before)["roll"] == 3.0


def test_incomplete() -> None:
    description = describe({})
    del description["yaw"]
    with pytest.raises(KeyError):
        MEASURES.read(description)
    with pytest.raises(ValueError, match="zip"):
        MEASURES.read(describe({}, ancestry=[0.5, 0.5]))


def test_standard() -> None:
    rows = np.array([[1, 5, 0], [3, 5, 0], [5, 5, 6]], np.float32)
    standard = Standard.of(rows)
    found = standard.apply(rows)
    assert found.dtype == np.float32
    assert found.mean(0) == pytest.approx([0, 0, 0], abs=1e-6)
    assert found.std(0) == pytest.approx([1, 0, 1])
