"""Sequences in the folders and files of CK+, for the reader of the real data set.

    cohn-kanade-images/S001/001/S001_001_00000001.png           frames, the first is neutral
    cohn-kanade-images/intensity.txt                            "S001_001_00000001 0.0000" a frame
    Landmarks/S001/001/S001_001_00000001_landmarks.txt          68 rows x y for each frame
    Emotion/S001/001/S001_001_00000014_emotion.txt              "   3.0000000e+00" of the peak

An unlabelled sequence has an empty folder below Emotion. The emotion files are written last, so
that the reader refuses an unfinished folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.core.expression import Expression
from fer_det.imaging.decode import decode_rgb8
from fer_det.io.files import make_folder, write_bytes, write_text
from made_faces.layouts.assignment import SequenceAssignment, assign_sequences
from made_faces.recipe import sample_frame
from made_faces.render import Maker, make_picture
from made_faces.surface import Floats

FRAME_SIZE = (640, 490)
"""Width and height of CK+'s frames."""
INTENSITY_NAME = "intensity.txt"
"""0 neutral, 1 full strength. CK+ has no such file; its reader takes it where there is one."""

_CODES = {
    Expression.ANGER: 1,
    Expression.CONTEMPT: 2,
    Expression.DISGUST: 3,
    Expression.FEAR: 4,
    Expression.HAPPINESS: 5,
    Expression.SADNESS: 6,
    Expression.SURPRISE: 7,
}


@dataclass(frozen=True)
class FrameTask:
    """One frame of a sequence, counted from 0."""

    sequence: SequenceAssignment
    frame: int


@dataclass(frozen=True)
class CkplusLayout:
    """A folder that contains cohn-kanade-images/, and what to write into it."""

    root: Path
    seed: int
    sequences: int
    maker: Maker = make_picture

    unit = "frames"
    contents = ("cohn-kanade-images", "Landmarks", "Emotion")

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that determine the files."""
        return {"seed": self.seed, "sequences": self.sequences}

    def tasks(self) -> Sequence[FrameTask]:
        """Return the frames of all sequences in CK+'s order."""
        assigned = assign_sequences(self.seed, self.sequences)
        return [
            FrameTask(sequence, frame) for sequence in assigned for frame in range(sequence.frames)
        ]

    def is_complete(self, task: FrameTask) -> bool:
        """Return whether both files of that frame exist."""
        return all(path.is_file() for path in self._paths(task.sequence, task.frame))

    def make_folders(self) -> None:
        """Make the folders."""
        for sequence in assign_sequences(self.seed, self.sequences):
            for path in self._paths(sequence, 0):
                make_folder(path.parent)

    def make(self, task: FrameTask) -> None:
        """Render one frame and write its files, each whole or not at all."""
        picture = self.maker(sample_frame(self.seed, task.sequence, task.frame))
        pixels = decode_rgb8(picture.jpeg, "a made frame").pixels
        frame = cv2.resize(pixels, FRAME_SIZE, interpolation=cv2.INTER_CUBIC)
        scale = np.array(FRAME_SIZE, np.float32) / (pixels.shape[1], pixels.shape[0])
        landmarks, image = self._paths(task.sequence, task.frame)
        write_text(landmarks, _format_landmarks(picture.landmarks68 * scale.astype(np.float32)))
        write_bytes(image, encode_png(frame.astype(np.uint8, copy=False)))

    def is_finished(self) -> bool:
        """Return whether the files that `finish` writes exist."""
        assigned = assign_sequences(self.seed, self.sequences)
        return self._intensity_path.is_file() and all(
            path.is_file() if sequence.labelled else path.parent.is_dir()
            for sequence, path in zip(assigned, map(self._emotion_path, assigned), strict=True)
        )

    def finish(self) -> None:
        """Write the frames' intensities, then the emotion files."""
        lines = (
            f"{_frame_name(task.sequence, task.frame)}"
            f" {sample_frame(self.seed, task.sequence, task.frame).intensity:.4f}\n"
            for task in self.tasks()
        )
        write_text(self._intensity_path, "".join(lines))
        for sequence in assign_sequences(self.seed, self.sequences):
            path = self._emotion_path(sequence)
            make_folder(path.parent)
            if sequence.labelled:
                write_text(path, f"   {_CODES[sequence.expression]:.7e}\n")

    def summary(self) -> str:
        """Return one line about the content."""
        assigned = assign_sequences(self.seed, self.sequences)
        subjects = len({sequence.subject for sequence in assigned})
        labelled = sum(sequence.labelled for sequence in assigned)
        return (
            f"{self.root}: {len(assigned)} sequences of {subjects} subjects in CK+'s layout,"
            f" {labelled} of them labelled, {len(self.tasks())} frames"
        )

    @property
    def _intensity_path(self) -> Path:
        return self.root / "cohn-kanade-images" / INTENSITY_NAME

    def _paths(self, sequence: SequenceAssignment, frame: int) -> tuple[Path, Path]:
        """Return landmarks and picture, in the order in which they are written."""
        place = Path(sequence.subject) / sequence.name
        name = _frame_name(sequence, frame)
        return (
            self.root / "Landmarks" / place / f"{name}_landmarks.txt",
            self.root / "cohn-kanade-images" / place / f"{name}.png",
        )

    def _emotion_path(self, sequence: SequenceAssignment) -> Path:
        name = f"{_frame_name(sequence, sequence.frames - 1)}_emotion.txt"
        return self.root / "Emotion" / sequence.subject / sequence.name / name


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode [H, W, 3] RGB as PNG, with one channel where the picture is gray."""
    gray = bool((pixels == pixels[..., :1]).all())
    shown = pixels[..., 0] if gray else pixels[..., ::-1]
    done, buffer = cv2.imencode(".png", np.ascontiguousarray(shown))
    assert done
    return bytes(buffer.tobytes())


def _frame_name(sequence: SequenceAssignment, frame: int) -> str:
    """CK+ counts frames from 1."""
    return f"{sequence.subject}_{sequence.name}_{frame + 1:08d}"


def _format_landmarks(points: Floats) -> str:
    return "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points.tolist())
