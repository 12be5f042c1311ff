import numpy as np
import pytest
from fake_data.plain_face import face_places, person

from made_faces.materials.clothes import shirt

FACE = face_places()


def test_below_the_collar_only() -> None:
    cloth = shirt(FACE, person(collar=0.63))
    assert cloth.part[FACE.z < 0.56 + 0.0006].mean() > 0.9
    assert cloth.part[FACE.z > 0.63].max() == 0
    assert (cloth.relief[cloth.part == 0] == 0).all()
    assert cloth.albedo.dtype == cloth.part.dtype == cloth.relief.dtype == np.float32


def test_in_the_shirts_colour() -> None:
    someone = person(collar=0.63)
    cloth = shirt(FACE, someone)
    worn = cloth.albedo[cloth.part == 1]
    assert worn.mean(axis=0) == pytest.approx(someone.shirt, rel=0.15)
    assert worn[:, 2].std() > 0.01 * someone.shirt[2]


def test_a_higher_collar_covers_more() -> None:
    low, high = (shirt(FACE, person(collar=height)).part.sum() for height in (0.61, 0.64))
    assert high > low + 1000
