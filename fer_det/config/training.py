"""Every setting of the detector's commands: the field, its default and its --help, written once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from fer_det.errors import ConfigError
from fer_det.imaging.jitter import JitterRanges

Colour = tuple[float, float, float]
Precision = Literal["auto", "float32", "bfloat16", "float16"]

CONVOLUTIONS = 13
"""Of VGG16's backbone."""

C = TypeVar("C")


@dataclass(frozen=True)
class ModelConfig:
    """The network."""

    name: str = "frcnn_vgg16"
    """Which model, of those in fer_det.models."""
    input_size: int = 224
    """Side of the square that a picture is scaled into, in pixels; a multiple of 16."""
    head_width: int = 4096
    """Width of fc6 and fc7; VGG-Face's is 4096, and 512 is enough without it."""
    head_rank: int | None = None
    """Rank of fc6 and fc7, which are two thin layers each then; null: they are whole."""
    batch_norm: bool = True
    """Batch normalisation in the backbone while training; best.pth holds plain VGG16, folded."""
    dropout: float = 0.5
    """Part of fc6's and fc7's activations left out in training."""
    rpn_samples: int = 64
    """Anchors a picture that the RPN's loss looks at."""
    roi_samples: int = 16
    """Proposals a picture that the box head's loss looks at; few faces need few."""
    box_loss_weight: float = 0.25
    """Weight of the box head's box loss; at 1 it outweighs the expressions, learnt last."""
    train_proposals: int = 64
    """Proposals a picture kept in training."""
    test_proposals: int = 32
    """Proposals a picture kept in evaluation; at least the number of faces looked for."""
    detections: int = 32
    """Most boxes a picture answered."""
    nms_iou: float = 0.4
    """Of two boxes that overlap more than this only the better stays, whatever their classes."""
    image_mean: Colour = (0.5, 0.5, 0.5)
    """Subtracted from red, green and blue in 0..1; weights of others bring their own."""
    image_std: Colour = (0.25, 0.25, 0.25)
    """What red, green and blue are divided by afterwards."""
    face_margin: float = 0.0
    """Only for classifiers: how much they see around a box; a detector sees the whole picture."""

    def __post_init__(self) -> None:
        demand(
            self.input_size > 0 and self.input_size % 16 == 0,
            f"--model.input_size {self.input_size}",
            "a positive multiple of 16",
        )
        for name in ("head_width", "train_proposals", "test_proposals", "detections"):
            demand(getattr(self, name) > 0, f"--model.{name} {getattr(self, name)}", "at least 1")
        if self.head_rank is not None:
            demand(self.head_rank > 0, f"--model.head_rank {self.head_rank}", "at least 1")
        for name in ("rpn_samples", "roi_samples"):
            # At most half of them are faces, so a single one never would be.
            demand(getattr(self, name) > 1, f"--model.{name} {getattr(self, name)}", "at least 2")
        demand(
            self.box_loss_weight >= 0,
            f"--model.box_loss_weight {self.box_loss_weight}",
            "0 or more",
        )
        demand(0 <= self.dropout < 1, f"--model.dropout {self.dropout}", "0 <= dropout < 1")
        demand(0 < self.nms_iou <= 1, f"--model.nms_iou {self.nms_iou}", "0 < nms_iou <= 1")
        demand(0 <= self.face_margin <= 2, f"--model.face_margin {self.face_margin}", "0 to 2")
        demand(
            all(0 <= mean <= 1 for mean in self.image_mean),
            f"--model.image_mean {list(self.image_mean)}",
            "0 to 1",
        )
        demand(
            all(std > 0 for std in self.image_std),
            f"--model.image_std {list(self.image_std)}",
            "more than 0",
        )

    def without_batch_norm(self) -> ModelConfig:
        """The same network with its normalisation folded away."""
        return replace(self, batch_norm=False)

    @property
    def padding(self) -> tuple[int, int, int]:
        """The mean colour in 0..255, which fills what lies outside a picture."""
        red, green, blue = (round(255 * mean) for mean in self.image_mean)
        return red, green, blue


@dataclass(frozen=True)
class AugmentConfig:
    """How pictures are varied anew in each epoch."""

    flip: float = 0.5
    """Probability of a mirror image."""
    scale: float = 0.15
    """Largest relative change of size."""
    shift: float = 0.06
    """Largest shift, as a part of the input size."""
    jitter: JitterRanges = field(default_factory=JitterRanges)
    """Brightness, colour and rotation, as the balancer's."""

    def __post_init__(self) -> None:
        demand(0 <= self.flip <= 1, f"--augment.flip {self.flip}", "0 to 1")
        demand(0 <= self.scale < 1, f"--augment.scale {self.scale}", "0 <= scale < 1")
        demand(0 <= self.shift <= 1, f"--augment.shift {self.shift}", "0 to 1")


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights are moved."""

    name: Literal["sgd", "adamw"] = "adamw"
    """AdamW, which learns from scratch, or SGD with Nesterov momentum."""
    learning_rate: float = 0.0005
    """The highest learning rate, after the warm-up; for sgd 0.02 is a place to start."""
    momentum: float = 0.9
    """SGD's momentum, or AdamW's first beta."""
    weight_decay: float = 0.05
    """Decay of weights, for sgd about 0.0005; biases and normalisation are left alone."""
    warmup_steps: int = 200
    """Steps in which the learning rate rises from nothing; at most a tenth of all."""
    clip_norm: float = 10.0
    """Longest gradient; a longer one is shortened to it."""
    backbone_lr_multiplier: float = 1.0
    """Factor of the backbone's learning rate; 0 leaves the backbone's weights as they are."""
    head_lr_multiplier: float = 1.0
    """Factor of fc6's and fc7's learning rate."""
    freeze_layers: int = 0
    """So many of the backbone's convolutions, the first, stay as --init brought them, norm and all."""

    def __post_init__(self) -> None:
        for name in ("learning_rate", "clip_norm"):
            value = getattr(self, name)
            demand(value > 0, f"--optimizer.{name} {value}", "more than 0")
        for name in (
            "weight_decay",
            "warmup_steps",
            "backbone_lr_multiplier",
            "head_lr_multiplier",
        ):
            value = getattr(self, name)
            demand(value >= 0, f"--optimizer.{name} {value}", "0 or more")
        frozen = f"--optimizer.freeze_layers {self.freeze_layers}"
        demand(0 <= self.freeze_layers <= CONVOLUTIONS, frozen, f"0 to {CONVOLUTIONS}")
        demand(0 <= self.momentum < 1, f"--optimizer.momentum {self.momentum}", "0 <= momentum < 1")


@dataclass(frozen=True)
class RunConfig:
    """What every training command can be told."""

    out: Path | None = None
    """Folder of the run; by default runs/frcnn-001, -002, ..., and the newest goes on if it can."""
    epochs: int = 30
    """Passes over the training split."""
    batch_size: int = 16
    """Pictures a step, over all processes together."""
    seed: int = 0
    """What everything random starts from."""
    balance: float = 0.5
    """Repeat rare classes by (largest / own count) to this power: 0 never, 1 to equal counts."""
    precision: Precision = "auto"
    """Arithmetic of the network; auto takes bfloat16 where the processor is fast at it."""
    device: str = "auto"
    """cpu, cuda, cuda:1, ...; auto takes a GPU where there is one."""
    workers: int = 2
    """Processes that prepare pictures, for each training process; 0 for none."""
    processes: int = 1
    """Training processes on this machine, as torchrun would start them; with GPUs one on each."""
    retries: int = 0
    """How often a run, one of whose processes died, goes on by itself from its last checkpoint."""
    save_minutes: float = 10.0
    """A run is also saved this often within an epoch."""
    overwrite: bool = False
    """Start anew even if --out holds another run."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """How pictures are varied."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """How the weights are moved."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            demand(value > 0, f"--{name} {value}", "at least 1")
        demand(self.workers >= 0, f"--workers {self.workers}", "0 or more")
        demand(self.processes > 0, f"--processes {self.processes}", "at least 1")
        demand(self.retries >= 0, f"--retries {self.retries}", "0 or more")
        demand(0 <= self.balance <= 1, f"--balance {self.balance}", "0 to 1")
        demand(0 <= self.seed < 2**63, f"--seed {self.seed}", "0 to 2**63 - 1")


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Train the detector on a VOC folder.

    Writes best.pth (by mean recall on the validation split, in which classes of few faces there
    have little say), last.pth, log.jsonl and TensorBoard files to --out. The same command typed
    again goes on where the run stopped, to the same bytes.
    """

    data: Path = Path("data/voc")
    """VOC folder with train and val splits, plain or balanced."""
    init: Path | None = None
    """Weights to start from: a weights file (.safetensors) or a best.pth; none by default."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""

    def __post_init__(self) -> None:
        super().__post_init__()
        demand_init(self.optimizer, self.init)


@dataclass(frozen=True)
class EvalConfig:
    """Score a checkpoint by per-class accuracy on the test split of a VOC folder."""

    weights: Path
    """Checkpoint; a bare file name that is not here is looked for in the newest run of runs/."""
    data: Path | None = None
    """VOC folder; by default the one that the checkpoint was trained on."""
    split: str = "test"
    """Which image set."""
    out: Path | None = None
    """Folder for scores.json; by default it lies beside the checkpoint."""
    subset: tuple[str, ...] = ()
    """Classes over which one more mean recall is printed, such as those with enough pictures."""
    batch_size: int = 32
    """Pictures at a time."""
    precision: Precision = "auto"
    """Arithmetic of the network; auto takes bfloat16 where the processor is fast at it."""
    device: str = "auto"
    """cpu, cuda, cuda:1, ...; auto takes a GPU where there is one."""
    workers: int = 2
    """Processes that prepare pictures; 0 for none."""
    resamples: int = 2000
    """Bootstrap resamples behind each interval."""
    report: Path | None = None
    """HTML file to write as well, with all figures and some faces in it; none by default."""
    hide_faces: bool = False
    """Leave all pictures out of the report, for those who may not see or share them."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "resamples"):
            value = getattr(self, name)
            demand(value > 0, f"--{name} {value}", "at least 1")
        demand(self.workers >= 0, f"--workers {self.workers}", "0 or more")
        hides = self.report is not None or not self.hide_faces
        demand(hides, "--hide_faces without --report", "a report that could show some")
        demand_file("--report", self.report)


def to_plain(config: Any) -> dict[str, Any]:
    """A configuration as JSON's plain values, as checkpoints keep it."""
    return {name: _plain(value) for name, value in asdict(config).items()}


def from_plain(config_class: type[C], values: dict[str, Any]) -> C:
    """The flat configuration that `to_plain` wrote; fields unknown here are an error."""
    known = {entry.name for entry in fields(config_class)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - known):
        raise ConfigError(
            f"a {config_class.__name__} with {', '.join(unknown)}",
            f"only {', '.join(sorted(known))}",
            "use the version of fer_det that wrote it, or a newer one",
        )
    return config_class(
        **{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, Path) else value


def demand(holds: bool, found: str, wanted: str) -> None:
    """Raise ConfigError unless a flag holds."""
    if not holds:
        raise ConfigError(found, wanted, "change the flag")


def demand_file(flag: str, path: Path | None) -> None:
    """Raise ConfigError where a file to write is a folder."""
    is_folder = path is not None and path.is_dir()
    demand(not is_folder, f"{flag} {path}, which is a folder", "the name of a file")


def demand_init(optimizer: OptimizerConfig, init: Path | None) -> None:
    """Raise ConfigError where random weights would be frozen."""
    if optimizer.freeze_layers and init is None:
        raise ConfigError(
            f"--optimizer.freeze_layers {optimizer.freeze_layers} without --init",
            "weights that are worth keeping",
            "name some with --init, or freeze nothing",
        )
