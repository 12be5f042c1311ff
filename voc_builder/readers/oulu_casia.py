"""Oulu-CASIA: 480 sequences a condition from neutral to the peak, 80 persons, six expressions.

Zhao, Huang, Taini, Li and Pietikainen, "Facial expression recognition from near-infrared videos",
Image and Vision Computing 2011. Cameras are VL (visible light) and NI (near infrared), lights
Strong, Weak and Dark:

    OriginalImg/VL/Strong/P001/Anger/000.jpeg       also B_OriginalImg
    PreProcess_Img/VL_Acropped/Strong/P001/Anger/000.jpeg

Papers take the last three frames of VL Strong and ten folds P001..P080[i::10].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.expression import Expression, expression_of_word
from fer_det.core.sample import Clip, Face, Framing, Sample, Split
from fer_det.errors import ConfigError
from voc_builder.readers.ckplus import FOLD_COUNT, subject_folds
from voc_builder.readers.picture_index import is_picture
from voc_builder.readers.tree import Tree

TITLE = "Oulu-CASIA"

_LAYOUT = "Oulu-CASIA's {VL,NI}/{Strong,Weak,Dark}/P001/Anger/000.jpeg"
_SEQUENCES = 480


@dataclass(frozen=True)
class Options:
    """How to read Oulu-CASIA."""

    camera: Literal["VL", "NI"] = "VL"
    """Visible light or near infrared."""
    light: Literal["Strong", "Weak", "Dark", "all"] = "Strong"
    """Which illumination, or all three."""
    images: Literal["auto", "original", "cropped"] = "auto"
    """Which pictures: whole frames, crops, or (auto) frames if there are any."""
    frames: Literal["last1", "last3"] = "last3"
    """Which frames have the label: the peak alone, or the last three, as most papers take them."""
    neutral: bool = False
    """Whether a sequence's first frame is a neutral face."""
    test_fold: int | None = None
    """Which of the ten subject-independent folds, 0 to 9, is the test split; null: all train."""

    def __post_init__(self) -> None:
        if self.test_fold is not None and not 0 <= self.test_fold < FOLD_COUNT:
            raise ConfigError(
                f"test_fold {self.test_fold}", f"a fold from 0 to {FOLD_COUNT - 1}", "change it"
            )


@dataclass(frozen=True)
class _Frame:
    path: PurePosixPath
    person: str
    expression: Expression
    camera: str
    light: str
    number: int
    cropped: bool

    @property
    def clip(self) -> str:
        return f"{self.camera}_{self.light}_{self.person}_{self.expression.label}"


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """480 sequences a condition."""
    if options.test_fold is not None:
        return ()
    lights = 3 if options.light == "all" else 1
    frames = (3 if options.frames == "last3" else 1) + options.neutral
    return [{"train": _SEQUENCES * lights * frames}]


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the frames by sequence. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    found = [frame for _, frame in tree.take(_parse)]
    whole = [frame for frame in found if not frame.cropped]
    cropped = [frame for frame in found if frame.cropped]
    chosen = cropped if options.images == "cropped" else whole
    if options.images == "auto":
        chosen = whole or cropped
    sequences: dict[str, list[_Frame]] = {}
    for frame in chosen:
        if frame.camera == options.camera and options.light in ("all", frame.light):
            sequences.setdefault(frame.clip, []).append(frame)
    if not sequences:
        what = f"{options.images} frames of {options.camera} {options.light}"
        raise tree.not_found(f"{root} holds no {what}" if found else "")
    folds = subject_folds({frame.person for frame in chosen})
    for frames in sequences.values():
        frames.sort(key=lambda frame: frame.number)
        last = frames[-3:] if options.frames == "last3" else frames[-1:]
        if options.neutral and frames[0] not in last:
            yield _sample(tree, frames[0], Expression.NEUTRAL, folds, options)
        for frame in last:
            yield _sample(tree, frame, frame.expression, folds, options)
    yield from tree.finish("oulu_casia")


def _parse(path: PurePosixPath) -> _Frame | None:
    """The frame that a path means: .../<camera>/<light>/P001/Anger/000.jpeg."""
    if len(path.parts) < 4 or not is_picture(path) or not path.stem.isdecimal():
        return None
    *above, light, person, word = path.parts[:-1]
    expression = expression_of_word(word)
    cameras = [name[:2].upper() for name in above if name[:2].upper() in ("VL", "NI")]
    known = person[:1].upper() == "P" and person[1:].isdecimal() and expression is not None
    if not known or not cameras or light.title() not in ("Strong", "Weak", "Dark"):
        return None
    assert expression is not None
    cropped = any("crop" in name.lower() for name in above)
    number = int(path.stem)
    return _Frame(path, person.upper(), expression, cameras[-1], light.title(), number, cropped)


def _sample(
    tree: Tree,
    frame: _Frame,
    label: Expression,
    folds: Mapping[str, int],
    options: Options,
) -> Sample:
    fold = folds[frame.person]
    split: Split = "test" if fold == options.test_fold else "train"
    framing: Framing = "face_crop" if frame.cropped else "photo"
    return Sample(
        sample_id=f"oulu_casia_{frame.clip}_{frame.number:03d}",
        dataset="oulu_casia",
        picture=tree.picture(frame.path),
        faces=(Face(label),),
        split=split,
        framing=framing,
        group=frame.person,
        clip=Clip(frame.clip, frame.number),
        attributes={"camera": frame.camera, "light": frame.light, "fold": str(fold)},
    )
