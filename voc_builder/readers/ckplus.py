"""CK+ (extended Cohn-Kanade): posed sequences from a neutral face to the peak of an expression.

Lucey et al., "The extended Cohn-Kanade dataset (CK+)", CVPR workshops 2010; the codes of the
emotion files are those of its read-me:

    cohn-kanade-images/S005/001/S005_001_00000011.png       frames, S005 the subject
    Emotion/S005/001/S005_001_00000011_emotion.txt          "   3.0000000e+00", the peak's name

The copies called "CK+48" hold 48 x 48 crops of the last frames in a folder for each expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.core.expression import Expression
from fer_det.core.sample import Sample, Split
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.listing import (
    REMEDY,
    Row,
    entries,
    find_folder,
    read_rows,
    require_folder,
)

TITLE = "CK+"

EXPRESSIONS: Mapping[int, Expression] = {
    1: Expression.ANGER,
    2: Expression.CONTEMPT,
    3: Expression.DISGUST,
    4: Expression.FEAR,
    5: Expression.HAPPINESS,
    6: Expression.SADNESS,
    7: Expression.SURPRISE,
}
"""The codes of the emotion files; 0, neutral, is never given to a sequence."""

FOLDERS: Mapping[str, Expression] = {
    "anger": Expression.ANGER,
    "contempt": Expression.CONTEMPT,
    "disgust": Expression.DISGUST,
    "fear": Expression.FEAR,
    "happy": Expression.HAPPINESS,
    "sadness": Expression.SADNESS,
    "surprise": Expression.SURPRISE,
}
"""The folders of the CK+48 copies."""

FOLD_COUNT = 10

_LAYOUT = "CK+'s {cohn-kanade-images,Emotion} or CK+48's {anger,contempt,...,surprise}"
_IMAGES = ("cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images")
_EMOTIONS = ("Emotion", "Emotion_labels/Emotion")
_FRAME = re.compile(r"(S\d+)_(\d+)_(\d+)\.(?:png|PNG)")
_EMOTION = re.compile(r"(S\d+)_(\d+)_(\d+)_emotion\.txt")


@dataclass(frozen=True)
class Options:
    """How to read CK+."""

    frames: Literal["last1", "last3"] = "last3"
    """Which frames carry the label: the peak alone, or the last three, as most papers take them."""
    neutral: bool = True
    """Whether a labelled sequence's first frame is a neutral face (CK+48 holds no first frames)."""
    contempt: Literal["drop", "keep"] = "drop"
    """What becomes of the sequences that show contempt, which is not one of RAF-DB's seven."""
    test_fold: int | None = None
    """Which of the ten subject-independent folds, 0 to 9, is the test split; null: all train."""

    def __post_init__(self) -> None:
        if self.test_fold is not None and not 0 <= self.test_fold < FOLD_COUNT:
            raise ConfigError(
                f"test_fold {self.test_fold}",
                f"a fold from 0 to {FOLD_COUNT - 1}",
                "choose one, or leave it out",
            )


@dataclass(frozen=True)
class _Frame:
    path: Path
    subject: str
    sequence: str
    number: int

    @property
    def name(self) -> str:
        return self.path.stem


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the labelled frames by subject, sequence and frame.

    root: the folder that holds the pictures' and the emotions' folders, or CK+48 or the folder
    that holds it. Raises DatasetNotFoundError for a missing folder and DatasetFormatError for an
    emotion file that says something else than it should.
    """
    require_folder(root, _LAYOUT)
    for base in (root / "CK+48", root):
        if any((base / name).is_dir() for name in FOLDERS):
            yield from _read_crops(base, options)
            return
    if not any((root / name.split("/")[0]).is_dir() for name in (*_IMAGES, *_EMOTIONS)):
        raise DatasetNotFoundError(
            f"{root} is not laid out as CK+", _LAYOUT, "check the path that was given"
        )
    yield from _read_sequences(root, options)


def subject_folds(subjects: set[str]) -> dict[str, int]:
    """Deal the subjects, in the order of their numbers, to ten folds in turn.

    This is how papers make the folds ("sorted by ID and sampled with step ten"). The subjects are
    all that have a label, so that the folds are the same with contempt and without.
    """
    return {subject: rank % FOLD_COUNT for rank, subject in enumerate(sorted(subjects))}


def _read_sequences(root: Path, options: Options) -> Iterator[Sample]:
    images = find_folder(root, _IMAGES, "CK+'s sequences of frames")
    emotions = find_folder(root, _EMOTIONS, "CK+'s labels")
    peaks = list(_read_peaks(images, emotions))
    if not peaks:
        raise DatasetNotFoundError(
            f"{emotions} holds no emotion file",
            "files such as S005/001/S005_001_00000011_emotion.txt",
            "complete the copy of the data set",
        )
    folds = subject_folds({peak.subject for peak, _ in peaks})
    for peak, expression in peaks:
        if expression is Expression.CONTEMPT and options.contempt == "drop":
            continue
        frames = _frames_until(peak)
        last = frames[-3:] if options.frames == "last3" else frames[-1:]
        # A sequence too short for both gives its frames to the expression.
        if options.neutral and frames[0] not in last:
            yield _sequence_sample(frames[0], Expression.NEUTRAL, folds, options)
        for frame in last:
            yield _sequence_sample(frame, expression, folds, options)


def _read_peaks(images: Path, emotions: Path) -> Iterator[tuple[_Frame, Expression]]:
    """The peak frame of each labelled sequence; an empty emotion folder means "no label"."""
    for subject in _folders_in(emotions):
        for sequence in _folders_in(subject):
            paths = [path for path in entries(sequence) if path.name.endswith("_emotion.txt")]
            if len(paths) > 1:
                raise DatasetFormatError(
                    f"{sequence} holds {len(paths)} emotion files", "one a sequence", REMEDY
                )
            for path in paths:
                name = _EMOTION.fullmatch(path.name)
                if name is None or (name[1], name[2]) != (subject.name, sequence.name):
                    raise DatasetFormatError(
                        f"{path} is not named after its folders",
                        f"a name such as {subject.name}_{sequence.name}_00000011_emotion.txt",
                        REMEDY,
                    )
                picture = f"{path.name[: -len('_emotion.txt')]}.png"
                peak = images / subject.name / sequence.name / picture
                yield _Frame(peak, name[1], name[2], int(name[3])), _read_emotion(path)


def _read_emotion(path: Path) -> Expression:
    rows = read_rows(path, "CK+'s label of a sequence")
    row = rows[0] if rows else Row(path, 1, "")
    remedy = "correct the file, or remove it if the sequence has no label"
    return EXPRESSIONS[row.integer(row.text, tuple(EXPRESSIONS), "emotion", remedy)]


def _frames_until(peak: _Frame) -> list[_Frame]:
    """The sequence's frames in order, the peak last, whose file may be absent.

    Their numbers are not contiguous everywhere, so "the frame before" is the file before.
    """
    folder = peak.path.parent
    found = [_parse_frame(path) for path in (entries(folder) if folder.is_dir() else ())]
    before = [frame for frame in found if frame and _precedes(frame, peak)]
    return [*sorted(before, key=lambda frame: frame.number), peak]


def _precedes(frame: _Frame, peak: _Frame) -> bool:
    same = (frame.subject, frame.sequence) == (peak.subject, peak.sequence)
    return same and frame.number < peak.number


def _parse_frame(path: Path) -> _Frame | None:
    name = _FRAME.fullmatch(path.name)
    return _Frame(path, name[1], name[2], int(name[3])) if name else None


def _sequence_sample(
    frame: _Frame, expression: Expression, folds: Mapping[str, int], options: Options
) -> Sample:
    return Sample(
        sample_id=f"ckplus_{frame.name}",
        dataset="ckplus",
        image_path=frame.path,
        expression=expression,
        split=_split_of(folds[frame.subject], options),
        subject=frame.subject,
        attributes=_attributes(frame, folds[frame.subject]),
    )


def _attributes(frame: _Frame, fold: int) -> dict[str, str]:
    return {"sequence": frame.sequence, "frame": str(frame.number), "fold": str(fold)}


def _split_of(fold: int, options: Options) -> Split:
    return "test" if fold == options.test_fold else "train"


def _read_crops(base: Path, options: Options) -> Iterator[Sample]:
    """CK+48: the label is the folder's, the subject is in the file's name where it has one."""
    pictures = {
        path: expression
        for name, expression in FOLDERS.items()
        if (base / name).is_dir()
        for path in require_folder(base / name, "CK+48's pictures")
        if path.suffix.lower() == ".png"
    }
    if not pictures:
        raise DatasetNotFoundError(
            f"{base} holds no .png", _LAYOUT, "check the path that was given"
        )
    frames = {path: _parse_frame(path) for path in pictures}
    _refuse_unnamed(frames, options)
    folds = subject_folds({frame.subject for frame in frames.values() if frame})
    peaks = _peaks_of([frame for frame in frames.values() if frame])
    for path, expression in pictures.items():
        frame = frames[path]
        if expression is Expression.CONTEMPT and options.contempt == "drop":
            continue
        if frame and options.frames == "last1" and frame not in peaks:
            continue
        yield Sample(
            sample_id=f"ckplus_{frame.name}" if frame else _plain_id(path),
            dataset="ckplus",
            image_path=path,
            expression=expression,
            split=_split_of(folds[frame.subject], options) if frame else "train",
            framing="face_crop",
            subject=frame.subject if frame else None,
            attributes=_attributes(frame, folds[frame.subject]) if frame else {},
        )


def _refuse_unnamed(frames: Mapping[Path, _Frame | None], options: Options) -> None:
    unnamed = [path for path, frame in frames.items() if frame is None]
    if unnamed and options.test_fold is not None:
        raise DatasetFormatError(
            f"{len(unnamed)} pictures do not name their subject, the first is {unnamed[0]}",
            "names such as S010_004_00000017.png for a test split that shares no person",
            "leave test_fold out",
        )


def _peaks_of(frames: list[_Frame]) -> set[_Frame]:
    """The last frame of each sequence."""
    last: dict[tuple[str, str], _Frame] = {}
    for frame in sorted(frames, key=lambda frame: frame.number):
        last[frame.subject, frame.sequence] = frame
    return set(last.values())


def _plain_id(path: Path) -> str:
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem)
    return f"ckplus_{path.parent.name}_{stem}"


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in entries(folder) if path.is_dir()]
