"""The settings of the commands that check and index a VOC folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fer_det.config.model import demand


@dataclass(frozen=True)
class CheckConfig:
    """Check a VOC folder for everything that would spoil a training or its scores.

    Prints one line for each defect, with its file, and ends with exit code 2 if the folder has a
    defect. Nothing in the folder is changed.
    """

    data: Path = Path("data/voc")
    """The VOC folder, as build-voc or balance writes it."""
    against: tuple[Path, ...] = ()
    """Other VOC folders, such as the one that a model was trained on: persons, films, clips and
    copies of pictures that both hold are defects too. Name more than one as [a,b]."""
    same: float = 0.9
    """Likeness, up to 1, from which a picture counts as a copy of one in another split, mirrored,
    rotated and cropped copies included; a defect."""
    alike: float = 0.85
    """Likeness from which two pictures of different splits are a warning."""
    strict: bool = False
    """Count every warning as a defect."""
    threads: int | None = None
    """Pictures that are read at the same time; null means one for each core."""

    def __post_init__(self) -> None:
        demand(0 < self.same <= 1, f"--same {self.same}", "a likeness above 0, up to 1")
        demand(
            0 < self.alike <= self.same,
            f"--alike {self.alike}",
            f"a likeness above 0, up to --same ({self.same})",
        )
        demand(
            self.threads is None or self.threads > 0, f"--threads {self.threads}", "a number from 1"
        )


@dataclass(frozen=True)
class IndexConfig:
    """Write index.parquet beside the manifest of a VOC folder: its annotations, a row a face.

    The other commands read it instead of the XML files, which saves minutes with a million
    pictures. build-voc and balance write it themselves; run this after annotations were changed and
    for folders of other tools.
    """

    data: Path = Path("data/voc")
    """The VOC folder."""


@dataclass(frozen=True)
class ShardConfig:
    """Write the pictures of a VOC folder as tar files in WebDataset's layout, for training.

    `--data` of train and train-classifier takes the folder of shards in place of the VOC folder,
    with the same results to the last bit. The other commands want the VOC folder.
    """

    data: Path = Path("data/voc")
    """The VOC folder."""
    out: Path = Path("data/shards")
    """Folder to write: tar files, lists, label map and index.parquet, which holds the place of each
    picture."""
    megabytes: int = 256
    """Size of a tar file, in millions of bytes."""
    overwrite: bool = False
    """Replace shards that are in --out."""

    def __post_init__(self) -> None:
        demand(self.megabytes > 0, f"--megabytes {self.megabytes}", "at least 1")
