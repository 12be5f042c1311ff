"""Random numbers for a training step, drawn for each picture from a seed of its own.

What a picture draws then depends neither on its neighbours in the batch nor on how many processes
share the batch, and a resumed run draws what the killed one would have drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class PictureRandom:
    """One generator a picture of the current batch; reseeded before every training step."""

    def __init__(self) -> None:
        self._generators: list[torch.Generator] = []

    def reseed(self, seeds: Sequence[int]) -> None:
        """Start afresh for a batch of len(seeds) pictures."""
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def uniform(self, picture: int, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1) for the picture at that place in the batch; on the CPU."""
        return torch.rand(*shape, generator=self._generators[picture])


def picture_seed(target: Mapping[str, Tensor]) -> int:
    """What a picture's random draws start from: its target's own seed, or any where it has none."""
    seed = target.get("seed")
    return int(seed) if seed is not None else int(torch.randint(2**63 - 1, ()))


class BalancedSampler:
    """Which boxes of each picture the loss looks at: some positive, the others negative.

    Takes the place of torchvision's BalancedPositiveNegativeSampler, which draws from the global
    generator. Labels: positive > 0, negative 0, ignored < 0.
    """

    def __init__(self, random: PictureRandom, per_picture: int, positive_fraction: float) -> None:
        self._random = random
        self._per_picture = per_picture
        self._most_positive = int(per_picture * positive_fraction)

    def __call__(self, labels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """labels, [N_i] a picture -> masks [N_i] bool of the drawn positives and negatives."""
        positives, negatives = [], []
        for picture, of_picture in enumerate(labels):
            priority = self._random.uniform(picture, len(of_picture)).to(of_picture.device)
            positive = _draw(of_picture > 0, priority, self._most_positive)
            rest = self._per_picture - int(positive.sum())
            positives.append(positive)
            negatives.append(_draw(of_picture == 0, priority, rest))
        return positives, negatives


def _draw(candidates: Tensor, priority: Tensor, count: int) -> Tensor:
    """Mask of the `count` candidates of highest priority, or of all where there are fewer."""
    chosen = torch.where(candidates, priority, -1.0).topk(min(count, len(priority))).indices
    mask = torch.zeros_like(candidates)
    mask[chosen] = True
    return mask & candidates
