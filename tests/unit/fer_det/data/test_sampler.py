from collections import Counter

import numpy as np
import pytest

from fer_det.data.sampler import Draw, EpochSampler, draw_seed, epoch_indices, repeat_factors

FACTOR_LABELS = [4] * 8 + [1] * 4 + [2] * 2
LABELS = [4] * 12 + [1] * 6 + [2] * 3
BATCH = 8
GOLDEN_SEED = 2_673_160_886_387_138_021
"""echo -n "0 0 0" | sha256sum: the first sixteen digits, halved."""


def epoch(
    number: int = 0,
    first: int = 0,
    balance: float = 1.0,
    seed: int = 0,
    rank: int = 0,
    world: int = 1,
) -> list[list[Draw]]:
    sampler = EpochSampler(LABELS, BATCH, balance, seed, rank, world)
    sampler.set_position(number, first)
    batches = list(sampler)
    assert len(batches) == len(sampler) == sampler.steps(number) - first
    return batches


@pytest.mark.parametrize("world", [2, 4, 8])
@pytest.mark.parametrize("first", [0, 2])
def test_ranks_together_see_what_one_process_sees(world: int, first: int) -> None:
    parts = [epoch(3, first, rank=rank, world=world) for rank in range(world)]
    assert all(len(batch) == BATCH // world for part in parts for batch in part)
    together = [[draw for part in parts for draw in part[step]] for step in range(len(parts[0]))]
    assert together == epoch(3, first)


@pytest.mark.parametrize("first", range(6))
def test_going_on_from_a_step_gives_the_rest(first: int) -> None:
    assert epoch(1, first) == epoch(1)[first:]


def test_pure_function_of_seed_and_epoch() -> None:
    once = epoch(2, seed=5)
    assert epoch(2, seed=5) == once
    assert epoch(3, seed=5) != once
    assert epoch(2, seed=6) != once


@pytest.mark.parametrize(
    ("balance", "wanted"),
    [(1.0, {4: 12, 1: 12, 2: 12}), (0.0, {4: 12, 1: 6, 2: 3})],
)
def test_classes_are_balanced(balance: float, wanted: dict[int, int]) -> None:
    draws = [draw for batch in epoch(balance=balance) for draw in batch]
    counts = Counter(LABELS[draw.index] for draw in draws[: sum(wanted.values())])
    assert counts == wanted
    assert {draw.index for draw in draws} == set(range(len(LABELS)))


def test_the_last_batch_is_filled_up_from_the_beginning() -> None:
    batches = epoch(balance=0.0)
    # 21 pictures in batches of 8.
    assert [len(batch) for batch in batches] == [8, 8, 8]
    assert [draw.index for draw in batches[-1][-3:]] == [draw.index for draw in batches[0][:3]]


def test_batch_larger_than_the_epoch() -> None:
    sampler = EpochSampler([1, 2], batch_size=5, balance=0.0, seed=0)
    (batch,) = list(sampler)
    assert [draw.index for draw in batch[:2]] * 2 + [batch[0].index] == [d.index for d in batch]


def test_each_turn_of_a_picture_has_its_own_seed() -> None:
    draws = [draw for number in range(3) for batch in epoch(number) for draw in batch]
    assert len({draw.seed for draw in draws}) == len(draws)


def test_seeds_fit_int64_and_are_always_the_same() -> None:
    seeds = [
        draw_seed(seed, number, place)
        for seed in (0, 2**62)
        for number in (0, 9)
        for place in (0, 99)
    ]
    assert len(set(seeds)) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert draw_seed(0, 0, 0) == GOLDEN_SEED


def test_uneven_shares_are_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="evenly"):
        EpochSampler(LABELS, 8, 1.0, 0, rank=0, world=3)


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
        factors = repeat_factors(FACTOR_LABELS, power)
        assert factors[[0, 8, 12]].tolist() == pytest.approx(wanted)
        assert len(factors) == len(FACTOR_LABELS)

    def test_pictures_without_a_face_are_not_repeated(self) -> None:
        assert repeat_factors([0, 1, 1, 1, 1, 2, 2], 1.0).tolist() == [1, 1, 1, 1, 1, 2, 2]
        assert repeat_factors([0, 0, 0, 1], 1.0).tolist() == [1, 1, 1, 1]

    def test_nothing_gives_nothing(self) -> None:
        assert repeat_factors([], 1.0).shape == (0,)

    @pytest.mark.parametrize("power", [-0.1, 1.1, float("nan")])
    def test_power_out_of_range(self, power: float) -> None:
        with pytest.raises(ValueError, match="power"):
            repeat_factors(FACTOR_LABELS, power)


class TestEpoch:
    def test_whole_factors_balance_exactly(self) -> None:
        indices = epoch_indices(repeat_factors(FACTOR_LABELS, 1.0), seed=3, epoch=0)
        assert indices.dtype == np.int64
        assert Counter(FACTOR_LABELS[index] for index in indices) == {4: 8, 1: 8, 2: 8}
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
        factors = repeat_factors(FACTOR_LABELS, 0.5)
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
