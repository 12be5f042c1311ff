"""Convert a published state dict of a whole classifier into a model file of fer_det."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fer_det.config.model import ModelConfig
from fer_det.core.expression import expression_of_word
from fer_det.errors import WeightsError
from fer_det.models import build_model, find_model
from fer_det.models.layers import fold_batch_norm
from fer_det.weights.formats.classifiers import (
    CLASSIFIER_FORMATS,
    ClassifierFormat,
    find_classifier_format,
)
from fer_det.weights.formats.state_dict import read_state_dict
from fer_det.weights.model_file import ModelFile
from fer_det.weights.storage import file_hash

_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class ConvertedClassifier:
    """A model file, and what became of each layer of the published file."""

    path: Path
    format: ClassifierFormat
    file: ModelFile
    matched: Sequence[str]
    """Published layers that were taken, their batch norms folded in."""
    ignored: Sequence[str]
    """Published layers without a counterpart."""

    def describe(self) -> str:
        """Return what matched and what did not, several lines."""
        numbers = sum(each.numel() for each in self.file.tensors.values())
        lines = [
            f"{self.path}: {self.format.title}, {numbers:,} numbers",
            f"  matched: {len(self.matched)} layers of {self.file.config.name}, all that it has",
            f"  classes: {', '.join(self.file.classes)} ({self.file.info['trained_on']})",
        ]
        if self.ignored:
            shown = ", ".join(name[:40] for name in self.ignored[:5])
            more = f" and {len(self.ignored) - 5} more" if len(self.ignored) > 5 else ""
            lines.append(f"  ignored: {shown}{more}")
        return "\n".join(lines)


def convert_classifier(path: Path, classes: Sequence[str] = ()) -> ConvertedClassifier:
    """Read a published classifier and convert it; nothing in the file is run.

    classes: what its answers stand for, where their number leaves it open. Raises
    WeightsNotFoundError, and WeightsError for a file of no known format, that lacks a layer, has
    one of another shape or numbers that are not finite, or whose classes are not known.
    """
    state = read_state_dict(path)
    layers = {name.rpartition(".")[0] for name in state}
    found = find_classifier_format(layers)
    if found is None:
        titles = ", ".join(each.title for each in CLASSIFIER_FORMATS)
        raise WeightsError(
            f"{path} has no known format ({len(layers)} layers)", titles, "name another file"
        )
    own: dict[str, Tensor] = {}
    matched, ignored = [], []
    for name, tensor in state.items():
        layer, _, part = name.rpartition(".")
        if part == _COUNTER:
            continue
        renamed = found.own_name(layer)
        if renamed is None:
            ignored.append(layer)
            continue
        own[f"{renamed}.{part}"] = tensor.float()
        matched.append(layer)
    for name in [name for name in own if name.endswith(".norm.weight")]:
        conv = name.removesuffix(".norm.weight")
        own.setdefault(f"{conv}.bias", torch.zeros(len(own[name])))
    answers = len(own.get("class_score.bias", ()))
    labels, trained_on = _choose_classes(path, found, answers, classes)
    config = _config(found, own)
    with torch.device("meta"):
        described = build_model(config, labels).state_dict()
    tensors = _fitted(path, config, own, described, found, len(labels))
    info: dict[str, Any] = {
        "source": found.source,
        "licence": found.licence,
        "trained_on": trained_on,
        "notes": {"file": path.name, "file_sha256": file_hash(path)},
    }
    return ConvertedClassifier(
        path,
        found,
        ModelFile(tensors, config, labels, info),
        tuple(dict.fromkeys(matched)),
        tuple(dict.fromkeys(ignored)),
    )


def _config(found: ClassifierFormat, own: Mapping[str, Tensor]) -> ModelConfig:
    settings = dict(found.settings)
    if found.model == "dan":
        settings["heads"] = len({n.split(".")[1] for n in own if n.startswith("heads.")})
    return find_model(found.model).config_class()(**settings).without_batch_norm()  # type: ignore[arg-type]


def _choose_classes(
    path: Path, found: ClassifierFormat, answers: int, named: Sequence[str]
) -> tuple[tuple[str, ...], str]:
    """Return the classes and what the file was trained on."""
    known = found.classes.get(answers, ())
    if named:
        words = [expression_of_word(word) for word in named]
        labels = tuple(each.label for each in words if each is not None)
        wanted = len(known[0][1]) if known else answers
        if len(labels) != len(named) or len(set(labels)) != wanted or len(labels) != wanted:
            raise WeightsError(
                f"--classes {','.join(named)} for {path}",
                f"{wanted} expressions, each once",
                "correct the flag",
            )
        fitting = [name for name, each in known if tuple(each) == labels]
        return labels, fitting[0] if fitting else "unknown"
    if len(known) != 1:
        choices = " or ".join(f"{','.join(each)} ({name})" for name, each in known)
        raise WeightsError(
            f"{path} with {answers} classes, whose order the file does not tell",
            choices or "their names in order",
            "name them with --classes",
        )
    return tuple(known[0][1]), known[0][0]


def _fitted(
    path: Path,
    config: ModelConfig,
    own: Mapping[str, Tensor],
    described: Mapping[str, Tensor],
    found: ClassifierFormat,
    classes: int,
) -> dict[str, Tensor]:
    """Return the tensors of the model, folded; WeightsError where one is missing or misfits."""
    shaped = dict(own)
    for name, tensor in own.items():
        if name.startswith("class_score.") and tensor.ndim:
            shaped[name] = tensor[:classes]
        wanted = described.get(name)
        # Linear layers are convolutions of 1 x 1 where they are normalised.
        if wanted is not None and tensor.ndim == 2 and wanted.ndim == 4:
            shaped[name] = shaped[name][:, :, None, None]
    try:
        folded = fold_batch_norm(shaped, found.eps)
    except (KeyError, RuntimeError) as error:
        raise WeightsError(
            f"{path}, {found.title}, lacks a part of a layer, or has it in another shape ({error})",
            "all of its layers",
            "download it again",
        ) from error
    for name, wanted in described.items():
        shape = tuple(folded[name].shape) if name in folded else "not at all"
        if shape != tuple(wanted.shape):
            raise WeightsError(
                f"{path}, {found.title}, has {name} {shape}",
                f"{tuple(wanted.shape)} as in {config.name}",
                "download it again or name another file",
            )
        if not bool(folded[name].isfinite().all()):
            raise WeightsError(
                f"{path} with numbers in {name} that are not finite",
                "finite weights",
                "name another file",
            )
    return {name: folded[name].contiguous() for name in described}
