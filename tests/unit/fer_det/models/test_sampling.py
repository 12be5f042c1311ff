import pytest
import torch
from torch import Tensor

from fer_det.models.sampling import BalancedSampler, PictureDropout, PictureRandom


def labels(positive: int, negative: int, ignored: int) -> Tensor:
    """Shuffled, since a sampler must not depend on the order."""
    values = [1.0] * positive + [0.0] * negative + [-1.0] * ignored
    order = torch.randperm(len(values), generator=torch.Generator().manual_seed(5))
    return torch.tensor(values)[order]


def sample(given: list[Tensor], seeds: list[int]) -> tuple[list[Tensor], list[Tensor]]:
    random = PictureRandom()
    random.reseed(seeds)
    return BalancedSampler(random, per_picture=16, positive_fraction=0.5)(given)


class TestPictureRandom:
    def test_is_a_pure_function_of_the_seed(self) -> None:
        random = PictureRandom()
        random.reseed([3, 4])
        first = random.uniform(0, 2, 5)
        later = random.uniform(0, 2, 5)
        random.reseed([3, 4])
        assert torch.equal(random.uniform(0, 2, 5), first)
        assert not torch.equal(first, later)
        assert first.shape == (2, 5)
        assert 0 <= first.min() <= first.max() < 1

    def test_neighbours_do_not_matter(self) -> None:
        alone, together = PictureRandom(), PictureRandom()
        alone.reseed([4])
        together.reseed([3, 4])
        together.uniform(0, 100)
        assert torch.equal(together.uniform(1, 9), alone.uniform(0, 9))

    def test_seeds_of_63_bits(self) -> None:
        random = PictureRandom()
        random.reseed([2**63 - 1, 2**63 - 2])
        assert not torch.equal(random.uniform(0, 4), random.uniform(1, 4))


class TestBalancedSampler:
    @pytest.mark.parametrize(
        ("counts", "wanted"),
        [
            ((10, 100, 5), (8, 8)),
            ((2, 100, 5), (2, 14)),
            ((0, 100, 5), (0, 16)),
            ((20, 3, 5), (8, 3)),
            ((0, 4, 30), (0, 4)),
            ((0, 0, 30), (0, 0)),
            ((0, 0, 0), (0, 0)),
        ],
    )
    def test_counts(self, counts: tuple[int, int, int], wanted: tuple[int, int]) -> None:
        given = labels(*counts)
        (positive,), (negative,) = sample([given], [0])
        assert (int(positive.sum()), int(negative.sum())) == wanted
        assert (given[positive] == 1).all()
        assert (given[negative] == 0).all()

    def test_class_numbers_are_positive_too(self) -> None:
        given = torch.tensor([7, 0, -1, 3, 0])
        (positive,), (negative,) = sample([given], [0])
        assert positive.tolist() == [True, False, False, True, False]
        assert negative.tolist() == [False, True, False, False, True]

    def test_candidates_are_equally_likely(self) -> None:
        given = labels(20, 40, 10)
        times = torch.zeros(len(given))
        for seed in range(400):
            (positive,), (negative,) = sample([given], [seed])
            times += positive.float() + negative.float()
        # 8 of 20 and 8 of 40; the standard error of 400 samples is at most 0.025.
        assert (times[given == 1] / 400 - 0.4).abs().max() < 0.1
        assert (times[given == 0] / 400 - 0.2).abs().max() < 0.1
        assert not times[given < 0].any()

    def test_samples_do_not_depend_on_neighbours(self) -> None:
        one, other = labels(10, 100, 5), labels(20, 50, 0)
        (alone,), (alone_negative,) = sample([one], [7])
        (_, beside), (_, beside_negative) = sample([other, one], [8, 7])
        assert torch.equal(alone, beside)
        assert torch.equal(alone_negative, beside_negative)
        (another,), _ = sample([one], [9])
        assert not torch.equal(alone, another)


class TestPictureDropout:
    def test_evaluation_changes_nothing(self) -> None:
        features = torch.rand(3, 4)
        assert PictureDropout(0.5, PictureRandom()).eval()(features, [3]) is features

    def test_keeps_the_mean(self) -> None:
        random = PictureRandom()
        random.reseed([0])
        out = PictureDropout(0.25, random).train()(torch.ones(50, 400), [50])
        assert out.unique().tolist() == pytest.approx([0, 1 / 0.75])
        # The standard error of 20,000 samples is 0.004.
        assert float(out.mean()) == pytest.approx(1.0, abs=0.02)

    def test_neighbours_do_not_matter(self) -> None:
        random = PictureRandom()
        dropout = PictureDropout(0.5, random).train()
        random.reseed([3, 4])
        together = dropout(torch.ones(5, 20), [2, 3])
        random.reseed([4])
        assert torch.equal(dropout(torch.ones(3, 20), [3]), together[2:])
