from itertools import product

import numpy as np
import pytest
from PIL import Image

from fer_det.checks.likeness import BITS, alike_pairs, likeness_of


def noise(seed: int) -> np.ndarray:
    fields = np.random.default_rng(seed).integers(0, 255, (12, 9, 3), dtype=np.uint8)
    return fields.repeat(10, 0).repeat(10, 1)


def differing(first: np.ndarray, second: np.ndarray) -> int:
    one, other = likeness_of(first), likeness_of(second)
    assert one is not None
    assert other is not None
    return int((one != other).sum())


def test_same_picture_at_another_size_and_brightness_is_near() -> None:
    picture = Image.fromarray(noise(0))
    small = np.asarray(picture.resize((60, 80), Image.Resampling.BICUBIC))
    assert differing(noise(0), small) < 24
    assert differing(noise(0), (noise(0) * 0.8 + 20).astype(np.uint8)) < 24


def test_others_are_about_as_far_as_chance() -> None:
    distances = [differing(noise(0), noise(seed)) for seed in range(1, 30)]
    assert min(distances) > 90
    assert abs(np.mean(distances) - BITS / 2) < 40


def test_one_colour_shows_nothing() -> None:
    assert likeness_of(np.full((40, 40, 3), 77, np.uint8)) is None


@pytest.mark.parametrize("most", [0, 200, 250, BITS])
def test_pairs_are_those_of_counting(most: int) -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random((1030, BITS)) < 0.5, generator.random((7, BITS)) < 0.5
    second[3] = first[1027]
    wanted = {
        (row, column, bits)
        for row, column in product(range(len(first)), range(len(second)))
        if (bits := int((first[row] != second[column]).sum())) <= most
    }
    assert set(alike_pairs(first, second, most)) == wanted
    assert (1027, 3, 0) in wanted
