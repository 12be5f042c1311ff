"""Clips of video data sets, as folders of frames or as video files, and the frames taken."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.expression import Expression
from fer_det.core.picture import PictureFile, PictureSource
from fer_det.core.sample import Clip, Face, Framing, Sample, Split
from fer_det.errors import ConfigError, DatasetNotFoundError
from voc_builder.readers.picture_index import is_picture, safe_id
from voc_builder.readers.tree import VIDEOS, Tree

Part = Literal["whole", "left", "right"]


@dataclass(frozen=True)
class ClipOptions:
    """Which frames of a clip become pictures."""

    frames: Literal["peak", "even"] = "peak"
    """peak: the frames in the middle of a clip, where its expression is strongest as a rule; even:
    evenly spaced frames."""
    count: int = 1
    """How many frames of a clip; all of a clip that has fewer."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"count {self.count}", "a number from 1", "change it")

    def choose(self, total: int) -> list[int]:
        """Positions, from 0 and rising, of the frames that are taken of a clip of `total`."""
        count = min(self.count, total)
        if self.frames == "peak":
            start = (total - count + 1) // 2
            return list(range(start, start + count))
        # The middles of `count` equal parts.
        return [(2 * part + 1) * total // (2 * count) for part in range(count)]


@dataclass(frozen=True)
class VideoFrame:
    """A picture that is one frame of a video file, decoded when it is read."""

    root: Path
    """The data set's folder."""
    file: str
    """The video's path below `root`, with slashes."""
    number: int
    """The frame's number, from 0."""
    part: Part = "whole"
    """Which half of the frame is the picture, where two views are side by side."""
    clockwise: int = 0
    """Quarter turns that bring a frame upright, before it is halved."""

    @property
    def path(self) -> Path:
        """The video file."""
        return self.root / self.file

    @property
    def name(self) -> str:
        """For example "Sessions/1/S001-001.avi#37"."""
        return f"{self.file}#{self.number}"

    def exists(self) -> bool:
        """Whether the video is there."""
        return self.path.is_file()

    def read(self) -> bytes:
        """The frame as a PNG file; DatasetNotFoundError or ImageError where that cannot be."""
        # PyAV is not needed for the commands' --help.
        import numpy as np
        from PIL import Image

        from fer_det.io.video import read_frame

        if not self.exists():
            raise DatasetNotFoundError(
                f"{self.path} is absent", "a video", "check the path, or complete the copy"
            )
        pixels = np.rot90(read_frame(self.path, self.number), -self.clockwise)
        middle = pixels.shape[1] // 2
        columns = {"whole": slice(None), "left": slice(middle), "right": slice(-middle, None)}
        buffer = io.BytesIO()
        halved = np.ascontiguousarray(pixels[:, columns[self.part]])
        Image.fromarray(halved).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def fingerprint(self) -> str | None:
        """The size of the video file."""
        return PictureFile(self.root, self.file).fingerprint()


@dataclass
class ClipFiles:
    """The files of one clip."""

    frames: list[tuple[int, PurePosixPath]] = field(default_factory=list)
    """(number, path) of its frames, where they are pictures."""
    video: PurePosixPath | None = None

    @property
    def place(self) -> PurePosixPath:
        """The first frame, or the video."""
        return min(self.frames)[1] if self.frames or self.video is None else self.video


@dataclass(frozen=True)
class ListedClip:
    """A clip that a list names, with its label."""

    name: str
    """Unique in the data set."""
    label: Expression
    split: Split
    group: str
    """The person, or the clip itself where persons are unknown."""
    framing: Framing
    attributes: Mapping[str, str] = field(default_factory=dict)


def take_clips(tree: Tree) -> dict[PurePosixPath, ClipFiles]:
    """Take frames with numbered names and videos: the frames' folder, or the video's path without
    its suffix -> the clip's files.
    """
    clips: dict[PurePosixPath, ClipFiles] = {}
    for path, number in tree.take(_frame_number):
        clips.setdefault(path.parent, ClipFiles()).frames.append((number, path))
    for path, _ in tree.take(lambda path: path.suffix.lower() in VIDEOS or None):
        clips.setdefault(path.with_suffix(""), ClipFiles()).video = path
    return clips


def one_form(
    clips: Mapping[PurePosixPath, ClipFiles], preferred: Sequence[str]
) -> dict[PurePosixPath, ClipFiles]:
    """The clips of one form, where a copy holds several: the folder above a clip names the form.

    preferred: parts of folder names in lower case, the most wanted first; others come last.
    """

    def rank(form: str) -> tuple[int, str]:
        found = [place for place, part in enumerate(preferred) if part in form.lower()]
        return (found[0] if found else len(preferred), form)

    best = min((key.parent.name for key in clips), key=rank, default="")
    return {key: files for key, files in clips.items() if key.parent.name == best}


def clip_samples(
    tree: Tree,
    dataset: str,
    clip: ListedClip,
    files: ClipFiles | None,
    options: ClipOptions,
    absent: PurePosixPath,
) -> Iterator[Sample]:
    """Yield the chosen frames of a clip.

    files: None for a clip that is listed and not there; one frame of it is then yielded, whose
    picture `absent` does not exist, so that the clip is counted as absent.
    """
    if files is None or not files.frames:
        video = files.video if files is not None else None
        if video is None:
            yield _sample(dataset, clip, tree.picture(absent), 0, f"{clip.name}_absent")
        else:
            for number in choose_of_video(tree.root / video, options):
                picture = VideoFrame(tree.root, video.as_posix(), number)
                yield _sample(dataset, clip, picture, number, f"{clip.name}_{number:04d}")
        return
    # Frames are not padded with zeros everywhere: by number.
    ordered = sorted(files.frames)
    for position in options.choose(len(ordered)):
        number, path = ordered[position]
        yield _sample(dataset, clip, tree.picture(path), number, f"{clip.name}_{path.stem}")


def choose_of_video(path: Path, options: ClipOptions) -> list[int]:
    """The frames that are taken of a video file, of which only the header is read.

    The first frame of one that cannot be read, so that the converter finds out and reports it.
    """
    from fer_det.io.video import count_frames

    return options.choose(count_frames(path)) or [0]


def _frame_number(path: PurePosixPath) -> int | None:
    number = re.search(r"(\d+)$", path.stem)
    return int(number[1]) if number and is_picture(path) and len(path.parts) > 1 else None


def _sample(
    dataset: str, clip: ListedClip, picture: PictureSource, number: int, name: str
) -> Sample:
    return Sample(
        sample_id=safe_id(dataset, name),
        dataset=dataset,
        picture=picture,
        faces=(Face(clip.label),),
        split=clip.split,
        framing=clip.framing,
        group=clip.group,
        clip=Clip(clip.name, number),
        attributes=clip.attributes,
    )
