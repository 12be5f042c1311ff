"""Pictures for the benchmarks: made faces, or a folder's own, repeated into any number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_det.core.box import FaceBox
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.errors import DatasetNotFoundError
from fer_det.imaging.decode import decode_rgb8
from fer_det.io.files import make_folder
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import VocAnnotation, VocObject
from fer_det.runtime.progress import track

SEED = 20
"""Of the made faces; not the default, whose pictures may be those of a training."""
LABELS = tuple(expression.label for expression in BASIC_EXPRESSIONS)


@dataclass(frozen=True)
class Photo:
    """A picture's file and a face in it."""

    data: bytes
    width: int
    height: int
    box: FaceBox


def take_photos(folder: Path | None, count: int) -> list[Photo]:
    """The first pictures of a folder, boxes unknown and so the whole; without one, made faces.

    Raises DatasetNotFoundError where the folder has no .jpg.
    """
    if folder is None:
        return _make_photos(count)
    paths = sorted(folder.glob("*.jpg"))[:count]
    if not paths:
        raise DatasetNotFoundError(f"{folder} has no .jpg", "a folder of photos", "name another")
    return [_photo(path.read_bytes(), None) for path in paths]


def write_rafdb(root: Path, photos: Sequence[Photo], count: int, faces: str = "original") -> Path:
    """List `count` pictures in RAF-DB's layout, the photos repeated under new names; -> root.

    faces: "original" photos or "aligned" crops, as which the photos are then given out.
    """
    images = make_folder(root / "basic" / "Image" / faces)
    ending = "_aligned.jpg" if faces == "aligned" else ".jpg"
    stems = [f"train_{number:06d}" for number in range(count)]
    for number, stem in enumerate(stems):
        (images / f"{stem}{ending}").write_bytes(photos[number % len(photos)].data)
    rows = [f"{stem}.jpg {1 + number % len(LABELS)}\n" for number, stem in enumerate(stems)]
    lists = make_folder(root / "basic" / "EmoLabel")
    (lists / "list_patition_label.txt").write_text("".join(rows), encoding="utf-8")
    return root


def write_voc(root: Path, photos: Sequence[Photo], counts: dict[str, int]) -> Path:
    """Write a VOC folder with so many pictures a split, the photos repeated; -> root."""
    folder = VocFolder.create(root)
    folder.write_label_map(LABELS)
    ids = {split: [f"{split}_{n:06d}" for n in range(count)] for split, count in counts.items()}
    labels = {}
    for names in ids.values():
        for number, name in enumerate(names):
            photo = photos[number % len(photos)]
            labels[name] = (LABELS[number % len(LABELS)],)
            face = VocObject(labels[name][0], photo.box)
            annotation = VocAnnotation(name, photo.width, photo.height, (face,), "benchmark")
            folder.write(annotation)
            folder.image_path(name).write_bytes(photo.data)
    folder.write_image_sets(ids, labels)
    return root


def _make_photos(count: int) -> list[Photo]:
    # Only here, since most benchmarks are asked for with photos of the user's own or need none.
    from made_faces.config import MIN_IMAGES, MakeConfig
    from made_faces.layouts.assignment import assign_photos
    from made_faces.recipe import sample_photo
    from made_faces.render import make_picture

    photos = []
    roles = assign_photos(SEED, max(count, MIN_IMAGES))[:count]
    for role in track(roles, count, "made faces", "pictures"):
        made = make_picture(sample_photo(SEED, role, MakeConfig().variety))
        photos.append(_photo(made.jpeg, made.box))
    return photos


def _photo(data: bytes, box: FaceBox | None) -> Photo:
    height, width = decode_rgb8(data, "a picture").pixels.shape[:2]
    whole = FaceBox(0.0, 0.0, float(width), float(height))
    return Photo(data, width, height, (box.clipped(width, height) if box else None) or whole)
