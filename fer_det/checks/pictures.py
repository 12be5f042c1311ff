"""The files of a VOC folder one by one: pictures decoded whole, annotations that fit them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from fer_det.checks.finding import Finding, finding_of, place_of
from fer_det.checks.likeness import Likeness, likeness_of
from fer_det.checks.lists import labels_of
from fer_det.core.picture import read_image_bytes
from fer_det.errors import FerDetError
from fer_det.imaging.decode import DecodedImage, decode_rgb8
from fer_det.io.voc import IGNORE, VocAnnotation, VocFolder, check_image_id

KINDS = {"JPEGImages": ".jpg", "Annotations": ".xml"}


@dataclass(frozen=True)
class Checked:
    """What is known of one listed picture after both of its files were read."""

    image_id: str
    findings: tuple[Finding, ...]
    annotation: VocAnnotation | None = None
    """None where it cannot be trusted."""
    pixels: str | None = None
    """A hash of the decoded picture, None where it could not be decoded."""
    likeness: Likeness | None = None


def check_names(folder: VocFolder, listed: Collection[str]) -> Iterator[Finding]:
    """Files that do not belong, or that no image set lists."""
    for name, suffix in KINDS.items():
        inside = folder.root / name
        if not _stays_inside(inside, folder.root):
            yield Finding(name, "is a link out of the folder")
            continue
        for path in sorted(inside.iterdir()):
            place = place_of(path, folder.root)
            if path.is_dir():
                yield Finding(place, "is a folder, not a file")
            elif path.suffix != suffix or not _is_id(path.stem):
                yield Finding(place, f"is not named as an id and {suffix}")
            elif path.stem not in listed:
                yield Finding(place, "is in no image set")


def check_picture(
    folder: VocFolder, image_id: str, classes: Collection[str], sha256: str | None = None
) -> Checked:
    """Read a listed picture and its annotation; files that links lead to elsewhere are not opened.

    sha256: of the picture's file, where that is known.
    """
    findings: list[Finding] = []
    annotation = _read_annotation(folder, image_id, classes, findings)
    decoded = _decode(folder, image_id, sha256, findings)
    if decoded is None:
        return Checked(image_id, tuple(findings), annotation)
    height, width = decoded.pixels.shape[:2]
    if annotation is not None and (annotation.width, annotation.height) != (width, height):
        path = folder.annotation_path(image_id)
        said = f"says {annotation.width} x {annotation.height} pixels, the picture has"
        findings.append(Finding(place_of(path, folder.root), f"{said} {width} x {height}"))
    digest = hashlib.blake2b(repr(decoded.pixels.shape).encode(), digest_size=16)
    digest.update(decoded.pixels.tobytes())
    return Checked(
        image_id, tuple(findings), annotation, digest.hexdigest(), likeness_of(decoded.pixels)
    )


def _read_annotation(
    folder: VocFolder, image_id: str, classes: Collection[str], findings: list[Finding]
) -> VocAnnotation | None:
    path = folder.annotation_path(image_id)
    place = place_of(path, folder.root)
    if not _stays_inside(path, folder.root):
        findings.append(Finding(place, "is a link out of the folder"))
        return None
    try:
        annotation = folder.read(image_id)
    except FerDetError as error:
        findings.append(finding_of(error, path, folder.root))
        return None
    for face in annotation.objects:
        if face.name != IGNORE and face.name not in classes:
            findings.append(Finding(place, f"names {face.name!r}, which the label map does not"))
    if not labels_of(annotation):
        findings.append(Finding(place, "has no labelled face"))
    return annotation


def _decode(
    folder: VocFolder, image_id: str, sha256: str | None, findings: list[Finding]
) -> DecodedImage | None:
    path = folder.image_path(image_id)
    place = place_of(path, folder.root)
    if not _stays_inside(path, folder.root):
        findings.append(Finding(place, "is a link out of the folder"))
        return None
    try:
        data = read_image_bytes(path)
        decoded = decode_rgb8(data, str(path))
    except FerDetError as error:
        findings.append(finding_of(error, path, folder.root))
        return None
    if decoded.format != "JPEG":
        findings.append(Finding(place, f"is a {decoded.format}, not a JPEG"))
    elif not decoded.copyable:
        said = "is a JPEG that other programs show turned or in other colours"
        findings.append(Finding(place, said))
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        findings.append(Finding(place, "is not the file that the manifest tells of"))
    return decoded


def _stays_inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def _is_id(name: str) -> bool:
    try:
        check_image_id(name)
    except FerDetError:
        return False
    return True
