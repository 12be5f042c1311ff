"""Number faces so that each keeps its number from frame to frame; notice scene cuts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox

PATIENCE = 1.5
"""Seconds for which a face may be hidden and keeps its number."""
PATIENT_FRAMES = 2
"""Frames that may be missed where they come so slowly that they take longer than that."""
BUFFER = 0.3
"""Part of its sides by which a box is widened before overlaps are measured (Yang et al., WACV
2023): faces are small for the way that they move between two frames."""


class FaceTracker:
    """OC-SORT (Cao et al., CVPR 2023) of the package `trackers`, with numbers from the first box.

    Each track has a motion model, which says where its face is in the next frame, also after it
    was hidden. All boxes may continue a track, so that a face that is partly covered is followed;
    only those of a high score start one.
    """

    def __init__(self, rate: float, high_score: float = 0.5, patience: float = PATIENCE) -> None:
        """rate: frames per second, on average. high_score: least score of a track's first box."""
        # Imported here: it takes most of a second, and pictures do not need it.
        from trackers import BIoU, OCSORTTracker

        self._tracker: Any = OCSORTTracker(
            frame_rate=rate,
            minimum_consecutive_frames=1,
            high_conf_det_threshold=0.0,
            iou=BIoU(BUFFER),
        )
        self._high_score, self._patience = high_score, patience
        self._last_number = 0
        self._seconds: float | None = None

    @property
    def numbers(self) -> frozenset[int]:
        """Tracks that may go on."""
        return frozenset(track.tracker_id for track in self._tracker.tracks)

    def end_all(self) -> None:
        """End all tracks, as a cut does; numbers are not used again."""
        self._tracker.tracks = []

    def assign(
        self, boxes: Sequence[FaceBox], scores: Sequence[float], seconds: float
    ) -> list[int | None]:
        """Return each box's number, from 1, in the next frame; None for a low score without track.

        seconds: time of the frame; never less than that of the frame before.
        """
        from supervision import Detections

        # Frames of the same time stand one after the other all the same.
        step = 0.0 if self._seconds is None else max(1e-3, seconds - self._seconds)
        self._seconds = seconds if self._seconds is None else self._seconds + step
        patience = max(self._patience, (PATIENT_FRAMES + 1.5) * step)
        self._tracker.maximum_time_without_update = patience
        known = self.numbers
        corners = np.array([box.as_tuple() for box in boxes], np.float64).reshape(-1, 4)
        found = self._tracker.update(
            Detections(
                xyxy=corners,
                confidence=np.array(scores, np.float64).reshape(-1),
                class_id=np.zeros(len(boxes), np.int64),
                data={"place": np.arange(len(boxes))},
            ),
            timestamp=self._seconds,
        )
        numbers: list[int | None] = [None] * len(boxes)
        for place, number in zip(found.data.get("place", ()), found.tracker_id, strict=True):
            if number in known:
                numbers[int(place)] = int(number)
        self._number_new_tracks(known, corners, scores, numbers)
        return numbers

    def _number_new_tracks(
        self,
        known: frozenset[int],
        corners: NDArray[np.float64],
        scores: Sequence[float],
        numbers: list[int | None],
    ) -> None:
        """Number the tracks that `update` has just started; drop those of a low score.

        By itself the package numbers a track with its second box, a frame late.
        """
        kept = []
        for track in self._tracker.tracks:
            if track.tracker_id not in known:
                # A new track's state is its box.
                apart = np.abs(corners - track.get_state_bbox()).max(axis=1)
                apart[[number is not None for number in numbers]] = np.inf
                place = int(apart.argmin())
                if scores[place] < self._high_score:
                    continue
                self._last_number += 1
                track.tracker_id = numbers[place] = self._last_number
            kept.append(track)
        self._tracker.tracks = kept


class CutDetector:
    """Says which frames begin a new scene.

    A cut changes the values of a frame more than the frames before, and either its pattern of light
    or, where somebody bright is at the same place in both scenes, most of its places, whatever the
    exposure. Compared are small copies of the frames.
    """

    SIZE = (32, 18)
    """Width and height of the copies."""
    LEAST_CHANGE = 20.0
    """Mean difference of the copies' values, 0..255, that a cut makes at least."""
    STEP = 2.5
    """How many times greater than in the frames before the difference is at a cut."""
    LEAST_LIKENESS = 0.5
    """Correlation of the copies' brightness below which the pattern is another one."""
    MOST_PLACES = 0.6
    """Part of the places above which most have changed, each by LEAST_CHANGE on average."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._usual = 0.0

    def is_cut(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether this frame, [H, W, 3], belongs to another scene than the one before it."""
        small = cv2.resize(pixels, self.SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
        last, self._last = self._last, small
        if last is None:
            return False
        change = float(np.abs(small - last).mean())
        usual, self._usual = self._usual, 0.8 * self._usual + 0.2 * change
        if change < max(self.LEAST_CHANGE, self.STEP * usual):
            return False
        if not self._is_other(small, last):
            return False
        self._usual = usual
        return True

    def _is_other(self, small: NDArray[np.float32], last: NDArray[np.float32]) -> bool:
        """Whether two copies [h, w, 3] show different things, and not the same in another light."""
        if _correlation(small.mean(axis=2), last.mean(axis=2)) < self.LEAST_LIKENESS:
            return True
        exposure = (np.median(small) + 1) / (np.median(last) + 1)
        changes = np.abs(small - (last * exposure).clip(0, 255)).mean(axis=2)
        return float((changes > self.LEAST_CHANGE).mean()) > self.MOST_PLACES


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Pearson's; 0 where one of them is even."""
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / spread if spread > 0 else 0.0
