"""From the probabilities of a clip's frames to those of the clip: fixed rules and trained models.

The trained models get each frame's log probabilities as its features; the network that gave them
is not trained further. All models of a kind have the same numbers from the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from fer_det.clips.sequences import ClipFrames

FloatValues = NDArray[np.float64]
LEAST = 1e-4
"""Added to probabilities before their logarithm."""

Aggregation = Callable[[ClipFrames], FloatValues]
"""A clip -> [C] probabilities."""


def mean(clip: ClipFrames) -> FloatValues:
    """Average over all frames."""
    return np.asarray(clip.probabilities.mean(axis=0))


def maximum(clip: ClipFrames) -> FloatValues:
    """The highest probability of each class in any frame, divided by their sum."""
    highest = clip.probabilities.max(axis=0)
    return np.asarray(highest / highest.sum())


def top_k(neutral: int, count: int) -> Aggregation:
    """Average over the `count` frames with the highest intensity, 1 - p(neutral)."""

    def aggregate(clip: ClipFrames) -> FloatValues:
        order = np.argsort(-clip.intensity(neutral), kind="stable")
        return np.asarray(clip.probabilities[order[:count]].mean(axis=0))

    return aggregate


class AttentionPooling(nn.Module):
    """A weighted average of the frames, and a linear classifier of it.

    A frame's weight is the softmax over the clip of a linear score (as frame attention networks
    do: Meng et al., ICIP 2019). It begins as the plain average of log probabilities.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.score, self.classify = nn.Linear(classes, 1), nn.Linear(classes, classes)
        nn.init.zeros_(self.score.weight)
        nn.init.eye_(self.classify.weight)
        nn.init.zeros_(self.classify.bias)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Frames [B, T, C], padded, and lengths [B] -> logits [B, C]."""
        there = torch.arange(frames.shape[1]) < lengths[:, None]
        scores = self.score(frames)[..., 0].masked_fill(~there, -torch.inf)
        pooled = (scores.softmax(1)[..., None] * frames).sum(1)
        logits: Tensor = self.classify(pooled)
        return logits


class Gru(nn.Module):
    """A gated recurrent unit over the frames, and a linear classifier of its last state."""

    def __init__(self, classes: int, hidden: int = 16) -> None:
        super().__init__()
        self.gru = nn.GRU(classes, hidden, batch_first=True)
        self.classify = nn.Linear(hidden, classes)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Frames [B, T, C], padded, and lengths [B] -> logits [B, C]."""
        packed = pack_padded_sequence(frames, lengths, batch_first=True, enforce_sorted=False)
        _, last = self.gru(packed)
        logits: Tensor = self.classify(last[-1])
        return logits


TRAINED: dict[str, Callable[[int], nn.Module]] = {"attention": AttentionPooling, "gru": Gru}


def train(name: str, clips: Sequence[ClipFrames], epochs: int, seed: int) -> Aggregation:
    """Train a model of TRAINED on clips, all at a time, by Adam on the cross entropy."""
    classes = clips[0].probabilities.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TRAINED[name](classes)
    frames, lengths = _batch(clips)
    labels = torch.tensor([clip.label for clip in clips])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-4)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(frames, lengths), labels)
        loss.backward()  # type: ignore[no-untyped-call]  # as torch declares it
        optimizer.step()
    model.eval()

    def aggregate(clip: ClipFrames) -> FloatValues:
        with torch.inference_mode():
            answer = model(*_batch([clip]))[0].double().softmax(0)
        return np.asarray(answer.numpy())

    return aggregate


def _batch(clips: Sequence[ClipFrames]) -> tuple[Tensor, Tensor]:
    rows = [torch.from_numpy(np.log(clip.probabilities + LEAST)).float() for clip in clips]
    return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])
