"""Random numbers of a training step, from one seed for each picture.

A picture's random numbers then depend neither on its neighbours in the batch nor on the number of
processes, and a resumed run gets the same numbers as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class PictureRandom:
    """One generator for each picture of the current batch; reseeded before every training step."""

    def __init__(self) -> None:
        self._generators: list[torch.Generator] = []

    def reseed(self, seeds: Sequence[int]) -> None:
        """Create the generators of a batch of len(seeds) pictures."""
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def uniform(self, picture: int, *shape: int) -> Tensor:
        """Return uniform numbers in [0, 1), on the CPU; picture: its index in the batch."""
        return torch.rand(*shape, generator=self._generators[picture])


def picture_seed(target: Mapping[str, Tensor]) -> int:
    """Return the seed in a picture's target; without one, a seed from torch's global generator."""
    seed = target.get("seed")
    return int(seed) if seed is not None else int(torch.randint(2**63 - 1, ()))


class BalancedSampler:
    """Samples the boxes of each picture that enter the loss: some positive, the others negative.

    Replaces torchvision's BalancedPositiveNegativeSampler, which uses the global generator. Labels:
    positive > 0, negative 0, ignored < 0.
    """

    def __init__(self, random: PictureRandom, per_picture: int, positive_fraction: float) -> None:
        self._random = random
        self._per_picture = per_picture
        self._most_positive = int(per_picture * positive_fraction)

    def __call__(self, labels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Labels, [N_i] for each picture -> masks [N_i] bool of sampled positives and negatives."""
        positives, negatives = [], []
        for picture, of_picture in enumerate(labels):
            priority = self._random.uniform(picture, len(of_picture)).to(of_picture.device)
            positive = _highest(of_picture > 0, priority, self._most_positive)
            rest = self._per_picture - int(positive.sum())
            positives.append(positive)
            negatives.append(_highest(of_picture == 0, priority, rest))
        return positives, negatives


class PictureDropout(nn.Module):
    """Dropout whose mask comes from each picture's own generator."""

    def __init__(self, probability: float, random: PictureRandom) -> None:
        super().__init__()
        self.probability = probability
        self._random = random

    def forward(self, features: Tensor, counts: list[int]) -> Tensor:
        """features [sum(counts), W], the rows of each picture together -> the same shape."""
        if not self.training or self.probability == 0:
            return features
        numbers = [
            self._random.uniform(picture, count, features.shape[1])
            for picture, count in enumerate(counts)
        ]
        kept = torch.cat(numbers).to(features.device) >= self.probability
        return features * (kept / (1 - self.probability)).to(features.dtype)


def _highest(candidates: Tensor, priority: Tensor, count: int) -> Tensor:
    """Mask of the `count` candidates of highest priority, or of all where there are fewer."""
    chosen = torch.where(candidates, priority, -1.0).topk(min(count, len(priority))).indices
    mask = torch.zeros_like(candidates)
    mask[chosen] = True
    return mask & candidates
