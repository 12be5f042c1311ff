"""The tables find exactly the pairs that a comparison of all pairs finds."""

from __future__ import annotations

import numpy as np
import pytest

from fer_det.checks import hash_tables
from fer_det.checks.hash_tables import HammingTables


def near_hashes(seed: int, count: int) -> np.ndarray:
    """[count] uint64: some centres with up to 14 flipped bits each, some twice."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(0).integers(0, 2**63, 20, dtype=np.uint64)
    hashes = centres[generator.integers(0, 20, count)]
    for place, flips in enumerate(generator.integers(0, 15, count)):
        for bit in generator.choice(64, flips, replace=False):
            hashes[place] ^= np.uint64(1) << np.uint64(bit)
    hashes[: count // 10] = hashes[-(count // 10) :]
    return hashes


@pytest.mark.parametrize("radius", [0, 3, 4, 7, 9, 14])
@pytest.mark.parametrize("at_a_time", [1, 50, 2_000_000])
def test_as_all_pairs(radius: int, at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_tables, "PAIRS_AT_A_TIME", at_a_time)
    count = 40 if at_a_time == 1 else 300
    asked, held = near_hashes(1, count), near_hashes(2, 250)
    held[:5] = asked[:5]
    found = [
        pair
        for rows, places in HammingTables(held).within(asked, radius)
        for pair in zip(rows.tolist(), places.tolist(), strict=True)
    ]
    distances = np.bitwise_count(asked[:, None] ^ held[None])
    wanted = [tuple(pair) for pair in np.argwhere(distances <= radius).tolist()]
    assert sorted(found) == wanted
    assert len(wanted) >= 5
