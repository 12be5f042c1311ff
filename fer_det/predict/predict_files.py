"""Picture files looked at in batches, the broken ones told and skipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_det.core.detection import Detection
from fer_det.errors import DatasetNotFoundError, ImageError
from fer_det.imaging.decode import load_rgb8
from fer_det.predict.grouping import in_groups
from fer_det.predict.video.track_video import FindsFaces


@dataclass(frozen=True, eq=False)
class LookedAt:
    """A picture file and what was seen in it."""

    path: Path
    pixels: NDArray[np.uint8] | None
    """[H, W, 3] RGB, upright; None where it could not be read."""
    faces: tuple[Detection, ...] = ()
    """Surest first."""
    error: str = ""
    """Why it could not be read."""


def look_at(
    paths: Iterable[Path], predictor: FindsFaces, min_score: float, batch_size: int
) -> Iterator[LookedAt]:
    """Every path in its turn, read or not; no more pictures are held than a batch has."""
    for group in in_groups(map(_read, paths), batch_size, _pixel_count):
        read = [each.pixels for each in group if each.pixels is not None]
        answers = iter(predictor(read, min_score))
        for each in group:
            if each.pixels is None:
                yield each
            else:
                yield LookedAt(each.path, each.pixels, tuple(next(answers)))


def _read(path: Path) -> LookedAt:
    try:
        return LookedAt(path, load_rgb8(path))
    except (ImageError, DatasetNotFoundError) as error:
        return LookedAt(path, None, error=error.found)


def _pixel_count(each: LookedAt) -> int:
    return 0 if each.pixels is None else each.pixels.size // 3
