"""From the probabilities of a clip's frames to those of the clip: fixed rules and trained heads.

The heads get each frame's log probabilities as its features. Here they alone are trained;
`fer_det.clips.joint` goes on with them and the network together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from fer_det.clips.sequences import ClipFrames, ranks_of

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
        """Frames [B, T, C], padded, and lengths [B] on the CPU -> logits [B, C]."""
        there = torch.arange(frames.shape[1]) < lengths[:, None]
        scores = self.score(frames)[..., 0].masked_fill(~there.to(frames.device), -torch.inf)
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
        """Frames [B, T, C], padded, and lengths [B] on the CPU -> logits [B, C]."""
        packed = pack_padded_sequence(frames, lengths, batch_first=True, enforce_sorted=False)
        _, last = self.gru(packed)
        logits: Tensor = self.classify(last[-1])
        return logits


class Heads(nn.Module):
    """All that is trained on frames: two models of a clip's expression, one of their intensity.

    They share no weights: training them together is training each alone.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.of_clip = nn.ModuleDict({"attention": AttentionPooling(classes), "gru": Gru(classes)})
        self.of_frame = nn.Linear(classes, 1)

    def loss(self, features: Sequence[Tensor], clips: Sequence[ClipFrames]) -> Tensor:
        """Features [T, C] of each clip's frames -> sum of the heads' losses, [].

        The intensity is trained on the clips where it is known, if any.
        """
        frames = pad_sequence(list(features), batch_first=True)
        lengths = torch.tensor([len(own) for own in features])
        labels = torch.tensor([clip.label for clip in clips], device=frames.device)
        losses = [
            nn.functional.cross_entropy(head(frames, lengths), labels)
            for head in self.of_clip.values()
        ]
        if any(clip.known is not None for clip in clips):
            losses.append(intensity_loss(self.of_frame(frames)[..., 0], clips))
        return torch.stack(losses).sum()

    def rules(self) -> dict[str, Aggregation]:
        """Return the models of a clip's expression by name."""

        def rule(head: nn.Module) -> Aggregation:
            def aggregate(clip: ClipFrames) -> FloatValues:
                with torch.inference_mode():
                    logits = head(_features(clip)[None], torch.tensor([len(clip.numbers)]))
                return np.asarray(logits[0].double().softmax(0).numpy())

            return aggregate

        return {name: rule(head) for name, head in self.of_clip.items()}

    def intensity(self, clip: ClipFrames) -> FloatValues:
        """Return the found intensity of each frame, [T], 0..1."""
        with torch.inference_mode():
            scores = self.of_frame(_features(clip))[:, 0].double()
        return np.asarray(scores.sigmoid().numpy())


def intensity_loss(scores: Tensor, clips: Sequence[ClipFrames]) -> Tensor:
    """Scores [B, T] before the sigmoid, padded -> loss of the intensities and their order, [].

    Mean cross entropy of the intensities that are known, and of all pairs of a clip's frames to be
    in order (RankNet: Burges et al., ICML 2005).
    """
    nowhere = np.full(1, np.nan)
    known = [nowhere if clip.known is None else clip.known for clip in clips]
    wanted = _padded(known, scores).clamp(0, 1)
    there = wanted.isfinite()
    regression = nn.functional.binary_cross_entropy_with_logits(scores[there], wanted[there])
    # No pair has the padding, NaN, in it: it is not larger than anything.
    ranks = _padded([own if own is nowhere else ranks_of(own) for own in known], scores)
    rise = scores[:, None] - scores[:, :, None]
    ordered = ranks[:, None] > ranks[:, :, None]
    return regression + nn.functional.softplus(-rise[ordered]).mean()


def _padded(rows: Sequence[FloatValues], like: Tensor) -> Tensor:
    """B rows -> [B, T] of the type and width of `like`, filled up with NaN."""
    values = np.full(like.shape, np.nan)
    for row, own in zip(values, rows, strict=True):
        row[: len(own)] = own
    return torch.from_numpy(values).to(like)


def train(clips: Sequence[ClipFrames], epochs: int, seed: int) -> Heads:
    """Train heads on clips, all at a time, by Adam."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = Heads(clips[0].probabilities.shape[1])
    features = [_features(clip) for clip in clips]
    optimizer = torch.optim.Adam(heads.parameters(), lr=0.02, weight_decay=1e-4)
    for _ in range(epochs):
        optimizer.zero_grad()
        heads.loss(features, clips).backward()  # type: ignore[no-untyped-call]  # as torch does
        optimizer.step()
    return heads.eval()


def _features(clip: ClipFrames) -> Tensor:
    return features_of(torch.from_numpy(clip.probabilities)).float()


def features_of(probabilities: Tensor) -> Tensor:
    """Probabilities [T, C] -> what the heads get of each frame, [T, C]."""
    return (probabilities + LEAST).log()
