"""Training of a classifier together with the heads, on whole clips, and its answers after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fer_det.clips.aggregation import Heads, features_of
from fer_det.clips.sequences import ClipFrames
from fer_det.config.clips import ClipsConfig
from fer_det.config.training import OptimizerConfig
from fer_det.data.face_crops import FaceCrops
from fer_det.data.loader import Batch, make_loader
from fer_det.data.sampler import Draw, draw_seed
from fer_det.engine.optimizer import Optimization
from fer_det.engine.scoring import score_crops, to_unit_range
from fer_det.errors import TrainingDivergedError
from fer_det.models.contract import FaceModel
from fer_det.runtime.device import Hardware
from fer_det.runtime.progress import track
from fer_det.weights.model_file import ModelFile, restore_model

CLIPS_A_STEP = 8
HEADS_MULTIPLIER = 10.0
"""Of the heads' learning rate: they are small."""
_UNDERFLOW = 1e-12


class ClipNetwork(nn.Module):
    """A classifier of frames and the heads on it."""

    def __init__(self, frames: FaceModel, heads: Heads, temperature: float) -> None:
        """temperature: of the frames' probabilities, as where the heads were trained alone."""
        super().__init__()
        self.frames, self.heads, self._temperature = frames, heads, temperature

    def forward(self, images: Tensor, boxes: Sequence[Tensor]) -> Tensor:
        """Crops [N, 3, S, S] in 0..1, each with a box [1, 4] -> the heads' features [N, C].

        The classifier is in evaluation mode, without dropout and with fixed norms.
        """
        answers = self.frames(images, [{"boxes": box} for box in boxes])
        found = torch.cat([answer["target_probabilities"] for answer in answers]).float()
        logits = found.clamp_min(_UNDERFLOW).log() / self._temperature
        return features_of(logits.softmax(1))

    def parameter_groups(self, config: OptimizerConfig) -> list[dict[str, Any]]:
        """See FaceModel."""
        heads = {"params": list(self.heads.parameters()), "weight_decay": 0.0}
        rate = config.learning_rate * HEADS_MULTIPLIER
        own = {**heads, "lr": rate, "multiplier": HEADS_MULTIPLIER}
        return [*self.frames.parameter_groups(config), own]


@dataclass(frozen=True)
class JointTraining:
    """Goes on with trained heads and the classifier's own weights; see scores.Refinement."""

    file: ModelFile
    hardware: Hardware
    crops: FaceCrops
    """All pictures, with the augmentation of training."""
    config: ClipsConfig

    def __call__(
        self, heads: Heads, clips: Sequence[ClipFrames], unseen: Sequence[ClipFrames]
    ) -> list[ClipFrames]:
        """Train on clips, and return the unseen ones with the network's new answers."""
        file, hardware = self.file, self.hardware
        model = restore_model(file, self.config.weights).to(hardware.device).eval()
        network = ClipNetwork(model, heads.to(hardware.device), file.temperature)
        optimization = Optimization(
            network, OptimizerConfig(learning_rate=self.config.learning_rate), hardware
        )
        turns = self._turns(len(clips))
        batches = self._load(self.crops, [[clips[place] for place in own] for own in turns])
        steps = track(range(len(turns)), len(turns), "joint training", "steps")
        for step in steps:
            seen = [clips[place] for place in turns[step]]
            pictures, targets = next(batches)
            images = to_unit_range(pictures, hardware.device)
            with hardware.autocast():
                features = network(images, [t["boxes"].to(hardware.device) for t in targets])
            loss = heads.loss(features.split([len(clip.numbers) for clip in seen]), seen)
            if not bool(loss.isfinite()):
                raise TrainingDivergedError(
                    f"a loss that is not finite at step {step}",
                    "finite losses",
                    "lower --learning_rate or use --precision float32",
                )
            optimization.compute_gradients(loss)
            optimization.step(step, len(turns))
        heads.cpu()
        return self._answers(hardware.prepare(model), unseen)

    def _turns(self, count: int) -> list[list[int]]:
        """Return the clips of each step of all epochs."""
        dice = np.random.default_rng(self.config.seed)
        orders = [dice.permutation(count).tolist() for _ in range(self.config.joint_epochs)]
        return [
            order[start : start + CLIPS_A_STEP]
            for order in orders
            for start in range(0, count, CLIPS_A_STEP)
        ]

    def _answers(self, model: nn.Module, clips: Sequence[ClipFrames]) -> list[ClipFrames]:
        crops = self.crops.without_augmentation()
        batches = self._load(crops, [[clip] for clip in clips])
        rows = score_crops(model, self.hardware, crops, batches, self.file.temperature)
        return [
            replace(clip, probabilities=np.array([next(rows)[1] for _ in clip.numbers], np.float64))
            for clip in clips
        ]

    def _load(self, crops: FaceCrops, groups: Sequence[Sequence[ClipFrames]]) -> Iterator[Batch]:
        """Yield the frames of each group; all of a clip are augmented alike."""
        draws = [
            [
                Draw(self._places[name], draw_seed(self.config.seed, turn, place))
                for place, clip in enumerate(group)
                for name in clip.pictures
            ]
            for turn, group in enumerate(groups)
        ]
        pinned = self.hardware.device.type == "cuda"
        return make_loader(crops, draws, self.config.workers, pinned)

    @cached_property
    def _places(self) -> dict[str, int]:
        """Image id -> the place of its first face among the crops."""
        named: dict[str, int] = {}
        for place, crop in enumerate(self.crops.pictures):
            named.setdefault(crop.picture.image_id, place)
        return named
