"""CK+ (extended Cohn-Kanade): posed sequences from a neutral face to the peak of an expression.

Lucey et al., "The extended Cohn-Kanade dataset (CK+)", CVPR workshops 2010; the codes of the
emotion files are those of its read-me:

    cohn-kanade-images/S005/001/S005_001_00000011.png       frames, S005 the subject
    Emotion/S005/001/S005_001_00000011_emotion.txt          "   3.0000000e+00", the peak's name
    cohn-kanade-images/intensity.txt                        "S005_001_00000011 0.93", made faces

The copies called "CK+48" hold 48 x 48 crops of the last frames in a folder for each expression.
Frames and emotion files are found by their names, in whatever folders.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.expression import Expression
from fer_det.core.sample import Clip, Face, Sample, Split
from fer_det.errors import ConfigError, DatasetFormatError
from voc_builder.readers.class_names import split_of_folders
from voc_builder.readers.table import REMEDY, Row, read_rows
from voc_builder.readers.tree import Tree

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

FOLD_COUNT = 10

_LAYOUT = "CK+'s {cohn-kanade-images,Emotion} or CK+48's {anger,contempt,...,surprise}"
_SEQUENCES, _CONTEMPT_SEQUENCES = 327, 18
_FIRST_LABELLED = {"last1": -1, "last3": -3, "all": 1}
"""Where a sequence's frames with its label begin."""
_FRAME = r"(S\d+)_(\d+)_(\d+)"


@dataclass(frozen=True)
class Options:
    """How to read CK+."""

    frames: Literal["last1", "last3", "all"] = "last3"
    """Which frames have the label: the peak alone, the last three, as most papers take them, or all
    after the first, of which the early ones show it weakly, for clips."""
    neutral: bool = True
    """Whether a labelled sequence's first frame is a neutral face (CK+48 holds no first frames)."""
    contempt: Literal["drop", "keep"] = "drop"
    """Whether sequences that show contempt, which is not one of RAF-DB's seven, are used."""
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
    path: PurePosixPath
    subject: str
    sequence: str
    number: int

    @property
    def clip(self) -> Clip:
        return Clip(f"{self.subject}_{self.sequence}", self.number)


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The counts of the data set's paper, with and without the neutral frames (CK+48)."""
    if options.test_fold is not None or options.frames == "all":
        return ()
    sequences = _SEQUENCES - (_CONTEMPT_SEQUENCES if options.contempt == "drop" else 0)
    peaks = sequences * (3 if options.frames == "last3" else 1)
    return [{"train": peaks + sequences * options.neutral}, {"train": peaks}]


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the labelled frames by subject, sequence and frame.

    root: the folder that holds the pictures' and the emotions' folders, or CK+48 or the folder
    that holds it. Raises DatasetNotFoundError where pictures or labels are absent and
    DatasetFormatError for an emotion file or folder that cannot be understood.
    """
    tree = Tree(root, TITLE, _LAYOUT)
    tree.know(r".*_(landmarks|facs)\.txt")
    emotions = [path for path, _ in tree.take_named(r".*_emotion\.txt")]
    if emotions:
        yield from _read_sequences(tree, emotions, options)
    else:
        yield from _read_crops(tree, options)
    yield from tree.finish("ckplus")


def subject_folds(subjects: set[str]) -> dict[str, int]:
    """Deal the subjects, in the order of their numbers, to ten folds in turn.

    This is how papers make the folds ("sorted by ID and sampled with step ten"). The subjects are
    all that have a label, so that the folds are the same with contempt and without.
    """
    return {subject: rank % FOLD_COUNT for rank, subject in enumerate(sorted(subjects))}


def _read_sequences(
    tree: Tree, emotions: Sequence[PurePosixPath], options: Options
) -> Iterator[Sample]:
    frames = _frames_by_sequence(tree)
    if not frames:
        raise tree.not_found(f"{tree.root} has emotion files and none of CK+'s frames")
    intensities = {
        row.cells[0].upper(): str(row.numbers([1], "an intensity")[0])
        for path, _ in tree.take_named(r"intensity\.txt")
        for row in read_rows(tree.root / path, "names of frames and their intensities")
    }
    peaks = [_read_peak(tree, path, frames) for path in emotions]
    _refuse_two_emotions(tree, peaks, emotions)
    folds = subject_folds({peak.subject for peak, _ in peaks})
    for peak, expression in peaks:
        # Frame numbers have gaps, so "the frame before" is the file before.
        sequence = frames.get((peak.subject, peak.sequence), [])
        sequence = [*(frame for frame in sequence if frame.number < peak.number), peak]
        last = sequence[_FIRST_LABELLED[options.frames] :] or sequence
        # A sequence too short for both gives its frames to the expression.
        if options.neutral and sequence[0] not in last:
            label = Expression.NEUTRAL
            yield _sample(tree, sequence[0], label, expression, folds, intensities, options)
        for frame in last:
            yield _sample(tree, frame, expression, expression, folds, intensities, options)


def _frames_by_sequence(tree: Tree) -> dict[tuple[str, str], list[_Frame]]:
    """(subject, sequence) -> its frames by number; DatasetFormatError for a frame in two places."""
    frames: dict[tuple[str, str], list[_Frame]] = {}
    for path, name in tree.take_pictures(_FRAME):
        frame = _Frame(path, name[1].upper(), name[2], int(name[3]))
        frames.setdefault((frame.subject, frame.sequence), []).append(frame)
    for sequence in frames.values():
        sequence.sort(key=lambda frame: frame.number)
        for first, second in itertools.pairwise(sequence):
            if first.number == second.number:
                raise DatasetFormatError(
                    f"{tree.root} has the frames {first.path} and {second.path}",
                    "each frame once",
                    "give the folder of one copy of the data set",
                )
    return frames


def _read_peak(
    tree: Tree, path: PurePosixPath, frames: Mapping[tuple[str, str], Sequence[_Frame]]
) -> tuple[_Frame, Expression]:
    """The peak frame that an emotion file is named after, whose picture may be absent."""
    name = re.fullmatch(_FRAME, path.name[: -len("_emotion.txt")], re.IGNORECASE)
    subject, sequence = path.parent.parent.name, path.parent.name
    in_folders = re.fullmatch(r"S\d+", subject, re.IGNORECASE) and sequence.isdecimal()
    if name is None or (in_folders and (name[1], name[2]) != (subject, sequence)):
        raise DatasetFormatError(
            f"{tree.root / path} is not named after its folders",
            f"a name such as {subject}_{sequence}_00000011_emotion.txt",
            REMEDY,
        )
    key, number = (name[1].upper(), name[2]), int(name[3])
    own = frames.get(key, ())
    here = [frame for frame in own if frame.number == number]
    if here:
        return here[0], _read_emotion(tree, path)
    any_frame = next(iter(frames.values()))[0]
    folder = own[0].path.parent if own else any_frame.path.parents[2] / key[0] / key[1]
    place = folder / f"{'_'.join(name.groups())}.png"
    return _Frame(place, *key, number), _read_emotion(tree, path)


def _read_emotion(tree: Tree, path: PurePosixPath) -> Expression:
    rows = read_rows(tree.root / path, "CK+'s label of a sequence")
    row = rows[0] if rows else Row(tree.root / path, 1, ("",))
    remedy = "correct the file, or remove it if the sequence has no label"
    return EXPRESSIONS[row.integer(0, tuple(EXPRESSIONS), "emotion", remedy)]


def _refuse_two_emotions(
    tree: Tree, peaks: Sequence[tuple[_Frame, Expression]], paths: Sequence[PurePosixPath]
) -> None:
    first: dict[str, PurePosixPath] = {}
    for (peak, _), path in zip(peaks, paths, strict=True):
        other = first.setdefault(peak.clip.id, path)
        if other is not path:
            raise DatasetFormatError(
                f"{tree.root} has the emotion files {other} and {path}", "one a sequence", REMEDY
            )


def _sample(
    tree: Tree,
    frame: _Frame,
    label: Expression,
    shown: Expression,
    folds: Mapping[str, int],
    intensities: Mapping[str, str],
    options: Options,
) -> Sample:
    """The sample of a frame; `shown` is the expression of its sequence."""
    if shown is Expression.CONTEMPT and options.contempt == "drop":
        return tree.left_out("ckplus", frame.path, "contempt")
    intensity = intensities.get(frame.path.stem.upper())
    stated = {} if intensity is None else {"intensity": intensity}
    return Sample(
        sample_id=f"ckplus_{frame.path.stem}",
        dataset="ckplus",
        picture=tree.picture(frame.path),
        faces=(Face(label),),
        split=_split_of(folds[frame.subject], options),
        group=frame.subject,
        clip=frame.clip,
        attributes={"fold": str(folds[frame.subject])} | stated,
    )


def _split_of(fold: int, options: Options) -> Split:
    return "test" if fold == options.test_fold else "train"


def _read_crops(tree: Tree, options: Options) -> Iterator[Sample]:
    """CK+48: the label is the folder's, the subject is in the file's name where it has one."""
    pictures = tree.take_class_folders()
    if not pictures:
        what = "CK+'s frames, and neither emotion files nor class folders"
        raise tree.not_found(f"{tree.root} has {what}" if tree.take_pictures(_FRAME) else "")
    frames = {path: _parse_frame(path) for path, _ in pictures}
    _refuse_unnamed(tree, frames, options)
    folds = subject_folds({frame.subject for frame in frames.values() if frame})
    peaks = _peaks_of([frame for frame in frames.values() if frame])
    for path, expression in pictures:
        frame = frames[path]
        if expression is None:
            yield tree.left_out("ckplus", path, "no expression")
        elif expression is Expression.CONTEMPT and options.contempt == "drop":
            yield tree.left_out("ckplus", path, "contempt")
        elif expression is Expression.NEUTRAL and not options.neutral:
            yield tree.left_out("ckplus", path, "neutral")
        elif frame and options.frames == "last1" and frame not in peaks:
            yield tree.left_out("ckplus", path, "not the last frame")
        else:
            own_split = split_of_folders(path) if options.test_fold is None else None
            fold = folds[frame.subject] if frame else None
            yield Sample(
                sample_id=f"ckplus_{frame.path.stem}" if frame else _plain_id(path),
                dataset="ckplus",
                picture=tree.picture(path),
                faces=(Face(expression),),
                split=own_split or ("train" if fold is None else _split_of(fold, options)),
                framing="face_crop",
                group=frame.subject if frame else None,
                clip=frame.clip if frame else None,
                attributes={} if fold is None else {"fold": str(fold)},
            )


def _parse_frame(path: PurePosixPath) -> _Frame | None:
    name = re.fullmatch(_FRAME, path.stem, re.IGNORECASE)
    return _Frame(path, name[1].upper(), name[2], int(name[3])) if name else None


def _refuse_unnamed(
    tree: Tree, frames: Mapping[PurePosixPath, _Frame | None], options: Options
) -> None:
    unnamed = [path for path, frame in frames.items() if frame is None]
    if unnamed and options.test_fold is not None:
        raise DatasetFormatError(
            f"{len(unnamed)} pictures do not name their subject, the first is"
            f" {tree.root / unnamed[0]}",
            "names such as S010_004_00000017.png for a test split that shares no person",
            "leave test_fold out",
        )


def _peaks_of(frames: list[_Frame]) -> set[_Frame]:
    """The last frame of each sequence."""
    last: dict[str, _Frame] = {}
    for frame in sorted(frames, key=lambda frame: frame.number):
        last[frame.clip.id] = frame
    return set(last.values())


def _plain_id(path: PurePosixPath) -> str:
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem)
    return f"ckplus_{path.parent.name}_{stem}"
