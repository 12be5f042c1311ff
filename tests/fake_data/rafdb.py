"""A tiny RAF-DB "basic" with the real one's folders and files, or its Kaggle form."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from fake_data.faces import Edges, draw

SIZE = (120, 90)
FACE: Edges = (50.0, 20.0, 90.0, 70.0)
OTHER_FACE: Edges = (5.0, 30.0, 35.0, 65.0)
FACE_IN_CROP: Edges = (15.0, 10.0, 85.0, 95.0)


def write(
    root: Path,
    train: int = 14,
    test: int = 7,
    form: Literal["basic", "kaggle"] = "basic",
    originals: bool = True,
    aligned: bool = True,
    boxes: Collection[str] | None = None,
    manual: Collection[str] = (),
    absent: Collection[str] = (),
    broken: Collection[str] = (),
    faceless: Collection[str] = (),
    crowded: Collection[str] = (),
) -> None:
    """Write the data set below `root`; labels go round from 1 to 7.

    boxes, manual: stems ("train_00001") that have such a file; None: all.  absent, broken,
    faceless, crowded: stems whose pictures are not there, cut off, empty, or show two faces.
    """
    stems = [f"train_{number:05d}" for number in range(1, train + 1)]
    stems += [f"test_{number:04d}" for number in range(1, test + 1)]
    labels = {stem: (int(stem.split("_")[1]) - 1) % 7 + 1 for stem in stems}
    for stem, label in labels.items():
        for path, size, faces in _pictures(root, stem, label, form, originals, aligned):
            if stem in absent:
                path.parent.mkdir(parents=True, exist_ok=True)
                continue
            shown = [] if stem in faceless else faces[: 2 if stem in crowded else 1]
            draw(path, size, shown)
            if stem in broken:
                path.write_bytes(path.read_bytes()[:-200])
    if form == "kaggle":
        _write_csv(root, labels)
        return
    _write(list_path(root), "".join(f"{stem}.jpg {label}\n" for stem, label in labels.items()))
    for stem in stems if boxes is None else boxes:
        _write(box_path(root, stem), " ".join(f"{edge:.6f}" for edge in FACE) + " \n")
    for stem in manual:
        _write(manual_path(root, stem), "60\t35\n80 35\n70\t45\n62\t60\n78\t60\n1\n2\n3\n")


def list_path(root: Path) -> Path:
    return root / "basic" / "EmoLabel" / "list_patition_label.txt"


def box_path(root: Path, stem: str) -> Path:
    return root / "basic" / "Annotation" / "boundingbox" / f"{stem}_boundingbox.txt"


def manual_path(root: Path, stem: str) -> Path:
    return root / "basic" / "Annotation" / "manual" / f"{stem}_manu_attri.txt"


def original_path(root: Path, stem: str) -> Path:
    return root / "basic" / "Image" / "original" / f"{stem}.jpg"


def aligned_path(root: Path, stem: str) -> Path:
    return root / "basic" / "Image" / "aligned" / f"{stem}_aligned.jpg"


def _pictures(
    root: Path, stem: str, label: int, form: str, originals: bool, aligned: bool
) -> list[tuple[Path, tuple[int, int], list[Edges]]]:
    crop = ((100, 100), [FACE_IN_CROP])
    if form == "kaggle":
        folder = root / "DATASET" / stem.split("_")[0] / str(label)
        return [(folder / f"{stem}_aligned.jpg", *crop)]
    photo = (original_path(root, stem), SIZE, [FACE, OTHER_FACE])
    return [photo] * originals + [(aligned_path(root, stem), *crop)] * aligned


def _write_csv(root: Path, labels: dict[str, int]) -> None:
    for split in ("train", "test"):
        own = {stem: label for stem, label in labels.items() if stem.startswith(split)}
        rows = "".join(f"{stem}_aligned.jpg,{label}\n" for stem, label in own.items())
        _write(root / f"{split}_labels.csv", f"image,label\n{rows}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
