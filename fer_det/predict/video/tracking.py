"""Which face of a video's frame is which of the frames before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer_det.core.box import FaceBox


@dataclass(frozen=True)
class _Track:
    box: FaceBox
    """Where the face was last seen."""
    seconds: float
    """When that was."""
    frame: int
    """In which frame."""


class FaceTracker:
    """Gives each face a number that it keeps, by the overlap of its boxes from frame to frame.

    A face that is not seen for up to `patience` seconds, or in `patient_frames` frames where these
    take longer, keeps its number; the next one that overlaps its last place by `min_iou` or more
    takes it up again.
    """

    def __init__(
        self, min_iou: float = 0.3, patience: float = 1.0, patient_frames: int = 2
    ) -> None:
        self._min_iou = min_iou
        self._patience = patience
        self._patient_frames = patient_frames
        self._frame = 0
        self._tracks: dict[int, _Track] = {}
        self._last_number = 0

    @property
    def numbers(self) -> frozenset[int]:
        """The faces that are still waited for."""
        return frozenset(self._tracks)

    def follow(self, boxes: Sequence[FaceBox], seconds: float) -> list[int]:
        """The boxes of the next frame -> the number, from 1, of each; no two are the same."""
        self._frame += 1
        self._tracks = {
            number: track
            for number, track in self._tracks.items()
            if seconds - track.seconds <= self._patience
            or self._frame - track.frame - 1 <= self._patient_frames
        }
        number_of = self._claims(boxes)
        numbers = []
        for place, box in enumerate(boxes):
            if place not in number_of:
                self._last_number += 1
                number_of[place] = self._last_number
            self._tracks[number_of[place]] = _Track(box, seconds, self._frame)
            numbers.append(number_of[place])
        return numbers

    def _claims(self, boxes: Sequence[FaceBox]) -> dict[int, int]:
        """Place in `boxes` -> number, the greatest overlap first; new faces are left out."""
        overlaps = sorted(
            (
                (track.box.iou(box), -number, -place)
                for number, track in self._tracks.items()
                for place, box in enumerate(boxes)
            ),
            reverse=True,
        )
        number_of: dict[int, int] = {}
        taken: set[int] = set()
        for iou, minus_number, minus_place in overlaps:
            number, place = -minus_number, -minus_place
            if iou >= self._min_iou and place not in number_of and number not in taken:
                number_of[place] = number
                taken.add(number)
        return number_of
