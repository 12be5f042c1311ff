"""The files of a VOC folder one by one: pictures decoded whole, annotations that fit them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from fer_det.checks.likeness import Thumbnails, thumbnail_of
from fer_det.checks.lists import Finding, finding_of, is_image_id, place_of
from fer_det.core.picture import read_image_bytes
from fer_det.errors import FerDetError
from fer_det.imaging.decode import DecodedImage, decode_rgb8
from fer_det.io.voc import INDEX, VocFolder
from fer_det.io.voc_annotation import IGNORE, VocAnnotation

SUFFIXES = {"JPEGImages": ".jpg", "Annotations": ".xml"}


@dataclass(frozen=True)
class CheckedPicture:
    """What is known of one listed picture after both of its files were read."""

    image_id: str
    findings: tuple[Finding, ...]
    names: tuple[str, ...] | None = None
    """Names of the annotation's objects; None where the annotation cannot be trusted."""
    pixels: bytes | None = None
    """A hash of the decoded picture; None where it could not be decoded."""
    thumbnail: Thumbnails | None = None
    """[SIDE, SIDE]; None also for a picture of nearly one colour."""


def check_names(folder: VocFolder, listed: Collection[str]) -> Iterator[Finding]:
    """Find files that do not belong to the folder, or that no image set lists."""
    for name, suffix in SUFFIXES.items():
        inside = folder.root / name
        if not _stays_inside(inside, folder.root):
            yield Finding(name, "is a link out of the folder")
            continue
        for path in sorted(inside.iterdir()):
            place = place_of(path, folder.root)
            if path.is_dir():
                yield Finding(place, "is a folder, not a file")
            elif path.suffix != suffix or not is_image_id(path.stem):
                yield Finding(place, f"is not named with an image id and {suffix}")
            elif path.stem not in listed:
                yield Finding(place, "is in no image set")


def check_picture(
    folder: VocFolder,
    image_id: str,
    classes: Collection[str],
    sha256: str | None = None,
    indexed: VocAnnotation | None = None,
) -> CheckedPicture:
    """Read a listed picture and its annotation; links that lead out of the folder are not followed.

    sha256: what the picture's file must have, where that is known; indexed: the same for the
    annotation.
    """
    findings: list[Finding] = []
    annotation = _read_annotation(folder, image_id, classes, findings)
    if indexed is not None and annotation is not None and indexed != annotation:
        findings.append(Finding(INDEX, f"contradicts Annotations/{image_id}.xml"))
    names = None if annotation is None else tuple(face.name for face in annotation.objects)
    decoded = _decode(folder, image_id, sha256, findings)
    if decoded is None:
        return CheckedPicture(image_id, tuple(findings), names)
    height, width = decoded.pixels.shape[:2]
    if annotation is not None and (annotation.width, annotation.height) != (width, height):
        place = place_of(folder.annotation_path(image_id), folder.root)
        text = f"states {annotation.width} x {annotation.height} pixels, the picture has"
        findings.append(Finding(place, f"{text} {width} x {height}"))
    return _describe(image_id, decoded, findings, names)


def look_at_picture(folder: VocFolder, image_id: str) -> CheckedPicture:
    """Read a picture, also behind a link, without its annotation, to compare it with others."""
    path = folder.image_path(image_id)
    try:
        decoded = decode_rgb8(read_image_bytes(path), str(path))
    except FerDetError as error:
        return CheckedPicture(image_id, (finding_of(error, path, folder.root),))
    return _describe(image_id, decoded, [], None)


def _describe(
    image_id: str,
    decoded: DecodedImage,
    findings: list[Finding],
    names: tuple[str, ...] | None,
) -> CheckedPicture:
    digest = hashlib.blake2b(repr(decoded.pixels.shape).encode(), digest_size=16)
    digest.update(decoded.pixels.tobytes())
    thumbnail = thumbnail_of(decoded.pixels)
    return CheckedPicture(image_id, tuple(findings), names, digest.digest(), thumbnail)


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
    labels = [face.name for face in annotation.objects if face.name != IGNORE]
    findings += [
        Finding(place, f"names {label!r}, which is not in the label map")
        for label in labels
        if label not in classes
    ]
    if not annotation.objects:
        findings.append(Finding(place, "has no face", refuses=False))
    elif not labels:
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
        text = "is a JPEG that other programs show rotated or in other colours"
        findings.append(Finding(place, text))
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        findings.append(Finding(place, "is not the file that the manifest names"))
    return decoded


def _stays_inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())
