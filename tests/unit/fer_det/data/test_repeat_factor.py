import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from fer_det.data.repeat_factor import epoch_indices, repeat_factors

LABELS = [4] * 8 + [1] * 4 + [2] * 2


class TestFactors:
    @pytest.mark.parametrize(
        ("power", "wanted"),
        [
            # 8 / 8, 8 / 4, 8 / 2 and their square roots
            (1.0, [1.0, 2.0, 4.0]),
            (0.5, [1.0, 2**0.5, 2.0]),
            (0.0, [1.0, 1.0, 1.0]),
        ],
    )
    def test_by_power(self, power: float, wanted: list[float]) -> None:
        factors = repeat_factors(LABELS, power)
        assert factors[[0, 8, 12]].tolist() == pytest.approx(wanted)
        assert len(factors) == len(LABELS)

    def test_nothing_gives_nothing(self) -> None:
        assert repeat_factors([], 1.0).shape == (0,)

    @pytest.mark.parametrize("power", [-0.1, 1.1, float("nan")])
    def test_power_out_of_range(self, power: float) -> None:
        with pytest.raises(ValueError, match="power"):
            repeat_factors(LABELS, power)


class TestEpoch:
    def test_whole_factors_balance_exactly(self) -> None:
        indices = epoch_indices(repeat_factors(LABELS, 1.0), seed=3, epoch=0)
        assert indices.dtype == np.int64
        assert Counter(LABELS[index] for index in indices) == {4: 8, 1: 8, 2: 8}
        assert min(Counter(indices.tolist()).values()) == 1

    def test_fractions_come_as_often_as_they_say(self) -> None:
        factors = np.array([1.0, 1.25, 2.5, 0.5])
        epochs = [epoch_indices(factors, 0, epoch) for epoch in range(2000)]
        times = np.bincount(np.concatenate(epochs), minlength=4) / 2000
        # Standard error of a probability from 2,000 draws: at most 0.011.
        assert times == pytest.approx(factors, abs=0.04)
        for indices in epochs[:50]:
            counts = np.bincount(indices, minlength=4)
            assert np.all(counts >= np.floor(factors))
            assert np.all(counts <= np.ceil(factors))

    def test_pure_function_of_seed_and_epoch(self) -> None:
        factors = repeat_factors(LABELS, 0.5)
        once = epoch_indices(factors, 1, 2).tolist()
        assert epoch_indices(factors, 1, 2).tolist() == once
        assert epoch_indices(factors, 1, 3).tolist() != once
        assert epoch_indices(factors, 2, 2).tolist() != once

    def test_order_is_shuffled(self) -> None:
        indices = epoch_indices(np.ones(100), 0, 0)
        assert sorted(indices) == list(range(100))
        assert indices.tolist() != list(range(100))

    @pytest.mark.parametrize("bad", [-1.0, float("inf"), float("nan")])
    def test_factor_that_is_no_number_of_times(self, bad: float) -> None:
        with pytest.raises(ValueError, match="finite"):
            epoch_indices(np.array([1.0, bad]), 0, 0)


def test_needs_no_torch() -> None:
    # Read from its file: the package beside it is free to import torch.
    code = (
        "import runpy, sys; from pathlib import Path; import fer_det;"
        "runpy.run_path(str(Path(fer_det.__file__).parent / 'data' / 'repeat_factor.py'));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
