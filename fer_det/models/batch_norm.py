"""Batch normalisation over the whole global batch, however many processes share it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fer_det.runtime.distributed import process_count, sum_over_processes


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d whose training statistics are those of all processes together.

    torch's SyncBatchNorm does the same and runs on accelerators only. Every process must hold
    equally many pixels. With one process this is BatchNorm2d itself.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        world = process_count()
        if not self.training or world == 1:
            return super().forward(input)
        wide = input.to(torch.promote_types(input.dtype, torch.float32))
        mean = sum_over_processes(wide.mean((0, 2, 3))) / world
        # About the global mean, because E[x^2] - E[x]^2 loses half the digits.
        squares = (wide - mean[:, None, None]).square().mean((0, 2, 3))
        variance = sum_over_processes(squares) / world
        with torch.no_grad():
            self._remember(mean, variance, count=world * input.numel() // input.shape[1])
        gain = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - gain * mean
        normalised: Tensor = wide * gain[:, None, None] + shift[:, None, None]
        return normalised.to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
