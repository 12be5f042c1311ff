"""What a model was trained on, compared with the data that it is scored on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from fer_det.config.check import CheckConfig
from fer_det.config.scoring import Leaks
from fer_det.errors import FerDetError
from fer_det.io.voc import TRAINVAL, VocFolder
from fer_det.weights.model_file import DATASETS

TRAINING_SPLITS = ("train", "val")
"""The validation split chose the epoch, so that it is training data too."""


class Shared(NamedTuple):
    """What a training's data and the scored pictures have in common."""

    text: str
    """One sentence without its full stop."""
    ids: frozenset[str] = frozenset()
    """The scored pictures that share something."""


@dataclass(frozen=True)
class Stage:
    """One of the trainings that a model went through."""

    datasets: str
    """Names of the data sets, or what published weights say of them; '' where unknown."""
    path: Path | None
    """The VOC folder; None where unknown."""


def stages(info: Mapping[str, Any]) -> Iterator[Stage]:
    """Yield the model's own training, then that of its initial weights, and so on.

    info: what the model file records of its training.
    """
    stage: Mapping[str, Any] | None = info
    while stage is not None:
        data = stage.get("data", {})
        path = data.get("path")
        names = str(data.get(DATASETS) or stage.get("trained_on") or "")
        folder = None if path is None else Path(path)
        yield Stage(names or _datasets_in(folder), folder)
        stage = stage.get("init")


def _datasets_in(folder: Path | None) -> str:
    """Names of a folder's data sets, for model files that hold none; '' where it is not known."""
    try:
        built = (
            {}
            if folder is None
            else VocFolder(folder, sharded=True).build_summary().get("datasets", {})
        )
    except FerDetError:
        built = {}
    return " + ".join(sorted(each.get("database", name) for name, each in built.items()))


def describe_training(info: Mapping[str, Any]) -> str:
    """Return 'ferplus, from weights of rafdb'; '' where nothing is known of the last training."""
    names = [stage.datasets for stage in stages(info)]
    if not names[0]:
        return ""
    return ", from weights of ".join(dict.fromkeys(name or "unknown data" for name in names))


def compare_with_training(
    info: Mapping[str, Any],
    data: Path,
    split: str,
    datasets: Sequence[str],
    leaks: Leaks = "compare",
) -> tuple[Shared, ...]:
    """Say for each training what its data share with the split.

    datasets: names of those in the split. leaks: see EvalConfig; with "drop" trainings on `data`
    itself count too. Raises what `Pictures.read` raises for `data`.
    """
    return tuple(
        _compare(stage, data, split, datasets, leaks)
        for stage in stages(info)
        if leaks == "drop" or stage.path is None or stage.path.resolve() != data.resolve()
    )


def _compare(stage: Stage, data: Path, split: str, datasets: Sequence[str], leaks: Leaks) -> Shared:
    # Imported here: most scores are on a model's own data.
    from fer_det.checks.across import Pictures, compare_pictures, find_related

    name = stage.path or stage.datasets or "the unknown training data"
    related = "".join(f"; {why}" for why in find_related(datasets, stage.datasets.split(" + ")))
    if leaks == "skip":
        return Shared(f"Not compared with {name} (--leaks skip){related}")
    if stage.path is None or not stage.path.is_dir():
        return Shared(f"Not compared with {name}, which is not here{related}")
    limits = CheckConfig()
    tested = Pictures.read(data, TRAINVAL if split == "trainval" else (split,), None)
    try:
        trained = Pictures.read(stage.path, TRAINING_SPLITS, None)
    except FerDetError as error:
        return Shared(f"Not compared with {name} ({error.found}){related}")
    overlap = compare_pictures(tested, trained, limits.same, limits.alike, None)
    text = overlap.describe()
    return Shared(text[0].upper() + text[1:], overlap.concerned)
