"""The learning rate at each step."""

from __future__ import annotations

import math


def learning_rate(peak: float, step: int, total: int, warmup: int) -> float:
    """Rise in a line over `warmup` steps, then fall along half a cosine to 0 at `total`.

    step counts from 0. SGDR's cosine without restarts: Loshchilov and Hutter, 2017.
    """
    warmup = min(warmup, max(total // 10, 1))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))
