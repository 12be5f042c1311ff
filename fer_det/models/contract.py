"""The contract of all models: how they are called, loaded, frozen, optimised and deployed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torchvision.ops import clip_boxes_to_image, nms, remove_small_boxes

from fer_det.config.model import ModelConfig
from fer_det.config.training import OptimizerConfig
from fer_det.errors import ConfigError, WeightsError
from fer_det.models.layers import NormalisedConv2d, fold_batch_norm, insert_batch_norm
from fer_det.models.transform import ViewTransform

SMALLEST_SIDE = 1e-2
"""Boxes with a shorter side, in input pixels, are dropped."""


class Pretrained(Protocol):
    """The parts of fer_det.weights.model_file.ModelFile that a model is loaded from."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """By the names of the state dict that they come from."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, ...; () for weights without classes."""


@dataclass(frozen=True)
class LoadReport:
    """Names of the layers that a model took from pretrained weights, and of the others."""

    backbone: tuple[str, ...]
    """Layers of the backbone, all of which were taken."""
    taken: tuple[str, ...]
    """Other layers that were taken."""
    fresh: tuple[str, ...]
    """Layers of the model that keep their random weights."""
    unused: tuple[str, ...]
    """Layers of the file that do not fit the model: by name, by shape or by class."""

    def describe(self) -> str:
        """Return some lines of text."""
        taken = ", ".join([f"{len(self.backbone)} layers of the backbone", *self.taken])
        lines = [("taken", taken), ("random", ", ".join(self.fresh))]
        lines.append(("unused", ", ".join(self.unused)))
        return "\n".join(f"  {title}: {names}" for title, names in lines if names)


class FaceModel(nn.Module):
    """A model for C expressions. Calls are torchvision's.

    Training: images [3, H, W] in 0..1 and targets {boxes [N, 4] float, labels [N] int64 (1..C, or
    -1 for a face to ignore), label_probabilities [N, C] (optional: the distribution of a soft
    label), seed [] int64 (optional: of the picture's random numbers)} -> dict of named losses, each
    a mean over the batch.

    Evaluation: a dict for each picture {boxes [M, 4] in its own pixels, scores [M] (probability of
    a face), labels [M], probabilities [M, C] (given a face)}, highest score first. Where targets
    with boxes are given, also target_probabilities [N, C], the expressions of these boxes.

    A subclass sets `config`, `classes` and `transform`, keeps its backbone in `backbone`, and uses
    NormalisedConv2d where it normalises.
    """

    config: ModelConfig
    classes: tuple[str, ...]
    transform: ViewTransform
    backbone: nn.Module

    head_prefixes: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of head layers that can be pretrained; see head_lr_multiplier."""
    class_layers: tuple[str, ...] = ()
    """Layers with one output for each class, which fit only a model of the same classes."""
    training_prefixes: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of what only training needs."""
    optional_prefixes: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of backbone layers that stay random where --init lacks them."""
    published_prefixes: ClassVar[Mapping[str, str]] = {}
    """Beginnings of the names in published weights -> beginnings of this model's names."""

    traces_batches: ClassVar[bool] = False
    """Whether the traced raw_outputs takes any number of pictures; otherwise one."""

    _frozen: Sequence[nn.Module] = ()

    def load_pretrained(self, file: Pretrained, batches: Iterable[Tensor] = ()) -> LoadReport:
        """Take every layer that fits by name, shape and class, in place; the others stay random.

        batches: pictures [B, 3, S, S] in 0..1 without augmentation, on which the model's batch
        normalisation is calibrated, since published and deployed weights have none. Raises
        WeightsError where a layer of the backbone is missing or a weight is not finite.
        """
        wanted = _by_layer({n: t for n, t in self.state_dict().items() if ".norm." not in n})
        offered = _by_layer(fold_batch_norm(self._own_names(file.tensors)))
        same_classes = file.classes in ((), self.classes)
        # A layer is taken whole or not at all: a bias without its weights is useless.
        taken = {
            layer: tensors
            for layer, tensors in offered.items()
            if _shapes(tensors) == _shapes(wanted.get(layer, {}))
            and (same_classes or layer not in self.class_layers)
        }
        backbone = tuple(
            layer
            for layer in wanted
            if layer.startswith("backbone.")
            and (layer in taken or not layer.startswith(self.optional_prefixes or " "))
        )
        if missing := [layer for layer in backbone if layer not in taken]:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise WeightsError(
                f"--init without a fitting {', '.join(missing[:3])}{more}",
                f"the whole backbone of {self.config.name}",
                "name another file with --init",
            )
        state = {name: tensor for tensors in taken.values() for name, tensor in tensors.items()}
        for name, tensor in state.items():
            if not bool(tensor.isfinite().all()):
                raise WeightsError(
                    f"--init with numbers in {name} that are not finite",
                    "finite weights",
                    "name another file with --init",
                )
        self.load_state_dict(state, strict=False)
        self._calibrate_norms(taken, batches)
        return LoadReport(
            backbone,
            tuple(layer for layer in taken if layer not in backbone),
            tuple(layer for layer in wanted if layer not in taken),
            tuple(layer for layer in offered if layer not in taken),
        )

    def backbone_layers(self) -> list[nn.Module]:
        """Return the layers of the backbone from input to output, as freeze_layers counts them."""
        raise NotImplementedError

    def freeze(self, layers: int) -> None:
        """Keep the first layers of the backbone as they are while the others are trained.

        Their batch normalisation is frozen too: in training it uses its running statistics. Raises
        ConfigError where there are fewer layers.
        """
        found = self.backbone_layers() if layers else []
        if layers > len(found):
            raise ConfigError(
                f"--optimizer.freeze_layers {layers}", f"0 to {len(found)}", "change the flag"
            )
        self._frozen = found[:layers]
        for layer in self._frozen:
            layer.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> FaceModel:
        """Switch between training and evaluation; frozen layers stay in evaluation."""
        super().train(mode)
        for layer in self._frozen:
            layer.eval()
        return self

    def parameter_groups(self, config: OptimizerConfig) -> list[dict[str, Any]]:
        """Return an optimizer's groups of trained parameters: weights, then biases and norms.

        Biases and norms are not decayed. Each group has its `multiplier` of the learning rate.
        """
        by_multiplier: dict[float, list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                multiplier = self._multiplier(name, config)
                by_multiplier.setdefault(multiplier, []).append(parameter)
        groups = []
        for multiplier, parameters in by_multiplier.items():
            rate = {"lr": multiplier * config.learning_rate, "multiplier": multiplier}
            weights = [p for p in parameters if p.ndim > 1]
            others = [p for p in parameters if p.ndim <= 1]
            groups.append({"params": weights, "weight_decay": config.weight_decay, **rate})
            groups.append({"params": others, "weight_decay": 0.0, **rate})
        return groups

    def deployable(self) -> tuple[dict[str, Tensor], ModelConfig]:
        """Return the state dict, on the CPU, and the config of what best.pth holds.

        Batch normalisation is folded, and nothing is left that only training needs.
        """
        state = {
            name: tensor.cpu()
            for name, tensor in self.state_dict().items()
            if not name.startswith(self.training_prefixes)
        }
        return fold_batch_norm(state), self.config.without_batch_norm()

    def raw_outputs(
        self,
        pictures: Tensor,
        candidates: int | None = None,  # noqa: ARG002  (of detectors)
    ) -> dict[str, Tensor]:
        """Return what the layers answer to pictures [B, 3, S, S] in 0..1, before any suppression.

        Exporters trace it. A classifier: logits [B, C]. A detector, of one picture: logits
        [1, A, 1 + C], background first, deltas [1, A, 4], which BoxCoder decodes with
        `config.box_weights`, and anchors [A, 4]. candidates: only those anchors, at most, that have
        the highest log odds of a face. Here a classifier of one picture; logits are right up to a
        constant.
        """
        return {"logits": torch.cat([each["probabilities"] for each in self(pictures)]).log()}

    def truncated(self, rank: int) -> tuple[dict[str, Tensor], ModelConfig]:
        """Return state dict and config with low-rank head layers; ConfigError where it has none."""
        raise ConfigError(
            f"--rank {rank} for the model {self.config.name}",
            "a model with wide fully connected layers",
            "name another file",
        )

    def _own_names(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        renamed = dict(tensors)
        for published, own in self.published_prefixes.items():
            for name in tensors:
                if name.startswith(published):
                    renamed[own + name.removeprefix(published)] = renamed.pop(name)
        return renamed

    def _multiplier(self, name: str, config: OptimizerConfig) -> float:
        if name.startswith("backbone."):
            return config.backbone_lr_multiplier
        return config.head_lr_multiplier if name.startswith(self.head_prefixes) else 1.0

    def _calibrate_norms(self, taken: Mapping[str, object], batches: Iterable[Tensor]) -> None:
        layers = [
            module
            for name, module in self.named_modules()
            if isinstance(module, NormalisedConv2d) and name in taken
        ]
        if layers:
            training = self.training
            self.eval()
            insert_batch_norm(layers, self._run_normalised, batches)
            self.train(training)

    def _run_normalised(self, pictures: Tensor) -> object:
        """Run the layers that normalise on pictures [B, 3, S, S] in 0..1."""
        batch, _ = self.transform(pictures)
        return self.backbone(batch.tensors)


def select_detections(
    boxes: Tensor, logits: Tensor, image_shape: tuple[float, float], nms_iou: float, most: int
) -> dict[str, Tensor]:
    """Boxes [R, 4] and logits [R, 1 + C], background first -> the answer of one picture.

    Boxes are ranked by the log odds of a face, and scores are float64: the probability in float32
    is exactly 1 from log odds of 17, where equal scores would decide which box is the best.
    """
    boxes = clip_boxes_to_image(boxes, image_shape)
    odds = logits[:, 1:].logsumexp(-1) - logits[:, 0]
    keep = remove_small_boxes(boxes, SMALLEST_SIDE)
    keep = keep[nms(boxes[keep], odds[keep], nms_iou)][:most]
    probabilities = logits[keep, 1:].softmax(-1)
    return {
        "boxes": boxes[keep],
        "scores": odds[keep].double().sigmoid(),
        "labels": probabilities.argmax(-1) + 1,
        "probabilities": probabilities,
    }


def _by_layer(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the tensors of a state dict, still by their whole names, grouped by layer."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        layers.setdefault(name.rpartition(".")[0], {})[name] = tensor
    return layers


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}
