"""The settings of the composer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fer_det.config.model import demand


@dataclass(frozen=True)
class ComposeConfig:
    """Compose pictures with several labelled faces of all sizes, into a new VOC folder.

    Cuts the labelled faces of VOC folders out, scales them and pastes them on drawn scenes and on
    parts of other pictures without a face. A face stays in its split.
    """

    data: tuple[Path, ...] = (Path("data/voc"),)
    """The VOC folders whose faces are used; they are only read."""
    out: Path = Path("data/voc_composed")
    """The folder to write; a command that was interrupted continues where it stopped."""
    pictures: int = 12000
    """Training pictures; the other splits get as many in proportion to their faces."""
    faces: int = 8
    """Most faces of a picture; a number k is sampled with a probability proportional to 1 / k."""
    empty: float = 0.08
    """Share of training pictures without any face."""
    originals: float = 0.35
    """Share of the pictures with a face that are a picture of DATA as it is, in which the face is
    mostly large."""
    min_face: int = 16
    """Height in pixels of the smallest faces; the largest fill the picture. A picture's only face
    may have each height between, several are mostly small."""
    balance: float = 0.5
    """Use training faces of rare classes more often, by (largest / own count) to this power."""
    crop_face: tuple[float, float, float, float] = (0.09, 0.0, 0.91, 1.0)
    """Where the face is in a picture that is one face crop: left, top, right and bottom, as parts
    of the picture. The default is the median of MTCNN's boxes in FER2013's crops."""
    seed: int = 0
    """Seed of all that is random."""
    workers: int | None = None
    """Worker processes; null: one a core, 0: everything in the main process. The files are the same
    with any number."""
    overwrite: bool = False
    """Replace a composed folder that was made with other settings."""

    def __post_init__(self) -> None:
        demand(bool(self.data), "--data without a folder", "one or more VOC folders")
        for name in ("pictures", "faces"):
            demand(getattr(self, name) > 0, f"--{name} {getattr(self, name)}", "a number from 1")
        demand(0 <= self.empty < 1, f"--empty {self.empty}", "0 <= empty < 1")
        demand(0 <= self.originals <= 1, f"--originals {self.originals}", "0 to 1")
        demand(8 <= self.min_face <= 200, f"--min_face {self.min_face}", "8 to 200")
        demand(0 <= self.balance <= 1, f"--balance {self.balance}", "0 to 1")
        left, top, right, bottom = self.crop_face
        holds = 0 <= left < right <= 1 and 0 <= top < bottom <= 1
        demand(holds, f"--crop_face {self.crop_face}", "left < right and top < bottom, in 0 to 1")
        holds = self.workers is None or self.workers >= 0
        demand(holds, f"--workers {self.workers}", "a number from 0")
