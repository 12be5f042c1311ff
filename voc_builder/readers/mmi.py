"""MMI: videos of posed expressions from neutral over the peak to neutral, in sessions.

Pantic, Valstar, Rademaker and Maat, "Web-based database for facial expression analysis", ICME 2005;
Valstar and Pantic, "Induced disgust, happiness and surprise", LREC workshops 2010.

    Sessions/1/S001-001.avi         the video; S001 is the person
    Sessions/1/S001-001.xml         <Metatag Name="Emotion" Value="1"/>
    Sessions/1/session.xml          <track view="0">

Many sessions have no emotion. View 2 shows the frontal and the profile view side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.expression import Expression
from fer_det.core.sample import Clip, Face, Sample
from fer_det.errors import ConfigError, DatasetFormatError, FerDetError
from voc_builder.readers.ckplus import FOLD_COUNT, subject_folds
from voc_builder.readers.clips import ClipOptions, VideoFrame, choose_of_video
from voc_builder.readers.picture_index import is_picture, safe_id
from voc_builder.readers.table import whole_number
from voc_builder.readers.tree import VIDEOS, Tree

TITLE = "MMI"

EXPRESSIONS: Mapping[int, Expression] = {
    1: Expression.ANGER,
    2: Expression.DISGUST,
    3: Expression.FEAR,
    4: Expression.HAPPINESS,
    5: Expression.SADNESS,
    6: Expression.SURPRISE,
}
"""The values of the metatag Emotion; others exist and name none of ours."""

_LAYOUT = "MMI's Sessions/<number>/{S001-001.avi,S001-001.xml,session.xml}"
_NAME = r"(S\d+)-(\d+)"
_PROFILE, _BOTH = 1, 2


@dataclass(frozen=True)
class Options(ClipOptions):
    """How to read MMI."""

    count: int = 3
    """How many frames of a clip; all of a clip that has fewer."""
    neutral: bool = False
    """Whether a video's first frame is a neutral face."""
    frontal_half: Literal["left", "right"] = "left"
    """Which half of a video with two views is the frontal one."""
    turn_clockwise: tuple[int, ...] = ()
    """Numbers of sessions whose videos have to be turned by a quarter clockwise to be upright."""
    turn_anticlockwise: tuple[int, ...] = ()
    """The same, anticlockwise."""
    test_fold: int | None = None
    """Which of the ten subject-independent folds, 0 to 9, is the test split; null: all train."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.test_fold is not None and not 0 <= self.test_fold < FOLD_COUNT:
            raise ConfigError(
                f"test_fold {self.test_fold}", f"a fold from 0 to {FOLD_COUNT - 1}", "change it"
            )
        both = set(self.turn_clockwise) & set(self.turn_anticlockwise)
        if both:
            raise ConfigError(
                f"turn_clockwise and turn_anticlockwise with {min(both)}", "one of them", "drop one"
            )


@dataclass
class _Session:
    """What the files of a folder say of its video."""

    folder: PurePosixPath
    subject: str = ""
    video: PurePosixPath | None = None
    emotion: str | None = None
    """The value of the metatag as it is written; None without one."""
    view: int = 0
    pictures: list[PurePosixPath] = field(default_factory=list)

    @property
    def number(self) -> int:
        """The session's number, or 0 for a folder without one."""
        return whole_number(self.folder.name) or 0

    @property
    def left_out(self) -> str | None:
        """Why the session is not used, None for one that is."""
        if self.video is None:
            return "no video"
        if self.emotion is None:
            return "no emotion"
        if whole_number(self.emotion) not in EXPRESSIONS:
            return "another emotion"
        return "a profile view" if self.view == _PROFILE else None


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """Papers use different parts of the sessions, which grew over the years."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the frames by session. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    sessions = _read_sessions(tree)
    if not any(session.subject for session in sessions):
        raise tree.not_found()
    used = [each for each in sessions if each.left_out is None]
    folds = subject_folds({each.subject for each in used})
    for session in sessions:
        reason = session.left_out
        if reason is not None:
            place = session.video or (session.pictures or [session.folder / "session.xml"])[0]
            yield tree.left_out("mmi", place, reason)
            continue
        yield from _read_session(tree, session, folds[session.subject], options)
        for path in session.pictures:
            yield tree.left_out("mmi", path, "a picture beside the video")
    yield from tree.finish("mmi")


def _read_session(tree: Tree, session: _Session, fold: int, options: Options) -> Iterator[Sample]:
    assert session.video is not None
    label = EXPRESSIONS[whole_number(session.emotion or "") or 0]
    chosen = choose_of_video(tree.root / session.video, options)
    frames = [(number, label) for number in chosen]
    if options.neutral and chosen[0] > 0:
        frames.insert(0, (0, Expression.NEUTRAL))
    clockwise = session.number in options.turn_clockwise
    turns = clockwise - (session.number in options.turn_anticlockwise)
    clip = f"{session.folder.name}_{session.video.stem}"
    for number, shown in frames:
        picture = VideoFrame(
            tree.root,
            session.video.as_posix(),
            number,
            options.frontal_half if session.view == _BOTH else "whole",
            turns,
        )
        yield Sample(
            sample_id=safe_id("mmi", f"{clip}_{number:04d}"),
            dataset="mmi",
            picture=picture,
            faces=(Face(shown),),
            split="test" if fold == options.test_fold else "train",
            group=session.subject,
            clip=Clip(clip, number),
            attributes={"fold": str(fold), "view": str(session.view)},
        )


def _read_sessions(tree: Tree) -> list[_Session]:
    """The folders with descriptions, videos or pictures, by number."""
    sessions: dict[PurePosixPath, _Session] = {}
    for path, subject in tree.take(_subject_of):
        session = sessions.setdefault(path.parent, _Session(path.parent))
        session.subject = subject or session.subject
        if is_picture(path):
            session.pictures.append(path)
        elif path.suffix.lower() == ".xml":
            _read_description(tree.root / path, session)
            if subject and session.video is None:
                # Expected beside its description, until it is found.
                session.video = path.with_suffix(".avi")
        elif session.video is None or session.video.with_suffix("") == path.with_suffix(""):
            session.video = path
        else:
            raise DatasetFormatError(
                f"{tree.root / path.parent} is for {session.video.name} and {path.name}",
                "one video a session",
                "move one to a session of its own",
            )
    return sorted(sessions.values(), key=lambda each: (each.number, each.folder.as_posix()))


def _subject_of(path: PurePosixPath) -> str | None:
    """The person that a file is named after, '' for session.xml; None for other files."""
    suffix = path.suffix.lower()
    name = re.fullmatch(_NAME, path.stem, re.IGNORECASE)
    if name and (suffix in VIDEOS or suffix == ".xml" or is_picture(path)):
        return name[1].upper()
    return "" if path.name.lower() == "session.xml" else None


def _read_description(path: Path, session: _Session) -> None:
    # lxml is not needed for the commands' --help.
    from fer_det.io.voc_annotation import parse_any_xml

    try:
        elements = list(parse_any_xml(path, "MMI's description of a session").iter("*"))
    except FerDetError as error:
        raise DatasetFormatError(error.found, error.wanted, "copy it again") from error
    for element in elements:
        values = {str(key).lower(): str(value) for key, value in element.attrib.items()}
        tag = str(element.tag).lower()
        if tag == "metatag" and values.get("name", "").lower() == "emotion":
            session.emotion = values.get("value", "")
        elif tag == "track":
            session.view = whole_number(values.get("view", "")) or 0
