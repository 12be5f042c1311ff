"""From samples to VOC files: read once, place the faces, write or record the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path

from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError, DatasetNotFoundError, ImageError
from fer_det.faces.detector import FaceDetector
from fer_det.imaging.decode import DecodedImage, decode_rgb8, encode_jpeg
from fer_det.io.files import write_together
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import IGNORE, VocAnnotation, VocObject, format_annotation
from fer_det.runtime.pool import Pool
from voc_builder.build.config import BoxChoice
from voc_builder.build.faces import PlacedFace, PlacedFaces, place_faces, place_faces_in_crops
from voc_builder.build.records import (
    FaceRecord,
    Record,
    hash_sample,
    probabilities_by_name,
)

MAX_PIXELS_AT_A_TIME = 24_000_000
"""How many decoded pixels a worker holds, save for a single picture that is larger."""
MAX_PICTURES_AT_A_TIME = 16
"""How many pictures are given to the detector together."""
MAX_BYTES_AT_A_TIME = 32_000_000
"""How many bytes of files are collected at most, where no detector is run between them."""


@dataclass(frozen=True)
class WorkItem:
    """A sample, its split, and which box its faces get."""

    sample: Sample
    split: str
    boxes: BoxChoice = "mtcnn"

    @property
    def needs_detector(self) -> bool:
        """Whether a face detector is run on the picture."""
        return self.sample.framing == "photo" or self.boxes != "whole"

    def rejected(self, reason: str, data: bytes | None = None) -> Record:
        """The record of a picture that was not written, with the reason."""
        sample = self.sample
        return Record(
            id=sample.sample_id,
            dataset=sample.dataset,
            source=sample.picture.name,
            sha256=None if data is None else hashlib.sha256(data).hexdigest(),
            fingerprint=sample.picture.fingerprint(),
            status="rejected",
            reason=reason,
            split=self.split,
            faces=tuple(FaceRecord.of_label(label) for label in sample.labels),
            framing=sample.framing,
            group=sample.group,
            clip=sample.clip.id if sample.clip else None,
            frame=sample.clip.frame if sample.clip else None,
            attributes=dict(sample.attributes),
            sample_hash=hash_sample(sample),
        )


@dataclass(frozen=True)
class _Picture:
    item: WorkItem
    data: bytes
    decoded: DecodedImage

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        height, width = self.decoded.pixels.shape[:2]
        return width, height


class Converter:
    """Turns samples into files of a VOC folder; one in each worker process.

    load_detector: called when the first picture needs a face detector.
    """

    def __init__(
        self, folder: VocFolder, load_detector: Callable[[], FaceDetector], coarse_first: bool
    ) -> None:
        self._folder = folder
        self._load_detector = load_detector
        self._coarse_first = coarse_first

    def convert(self, items: Sequence[WorkItem]) -> list[Record]:
        """Write what can be written; one record for each item, in their order.

        A picture that is absent or broken, or shows no face, becomes a rejected record. Raises
        OutputError where the folder cannot be written.
        """
        records: dict[str, Record] = {}
        files: dict[Path, bytes] = {}
        written: list[Future[None]] = []
        # While files go to the disk, the next pictures are searched.
        with ThreadPoolExecutor(1) as writer:
            for group in _groups_within_memory(self._open(items, records)):
                for picture, placed in zip(group, self._place_faces(group), strict=True):
                    record = self._make_files(picture, placed, files)
                    records[record.id] = record
                # Each call waits for the disk once, so that small files are worth collecting.
                searched = any(picture.item.needs_detector for picture in group)
                if searched or sum(map(len, files.values())) > MAX_BYTES_AT_A_TIME:
                    written.append(writer.submit(write_together, files))
                    files = {}
            if files:
                written.append(writer.submit(write_together, files))
        for each in written:
            each.result()
        return [records[item.sample.sample_id] for item in items]

    @cached_property
    def _detector(self) -> FaceDetector:
        return self._load_detector()

    def _open(self, items: Sequence[WorkItem], records: dict[str, Record]) -> Iterator[_Picture]:
        """Decode the pictures one by one; those that cannot be go to `records`."""
        for item in items:
            data = None
            try:
                data = item.sample.open()
                yield _Picture(item, data, decode_rgb8(data, "the file"))
            except (DatasetNotFoundError, DatasetFormatError, ImageError) as error:
                # The reason goes into the manifest, which never holds this machine's paths.
                path = getattr(item.sample.picture, "path", item.sample.picture.name)
                reason = error.found.replace(str(path), "the file")
                records[item.sample.sample_id] = self._reject(item.rejected(reason, data))

    def _place_faces(self, pictures: Sequence[_Picture]) -> list[PlacedFaces]:
        """The faces of each picture."""
        found: dict[int, PlacedFaces] = {}
        choices: dict[tuple[bool, BoxChoice], list[int]] = {}
        for row, each in enumerate(pictures):
            key = each.item.sample.framing == "face_crop", each.item.boxes
            choices.setdefault(key, []).append(row)
        for (cropped, boxes), rows in choices.items():
            samples = [pictures[row].item.sample for row in rows]
            images = [pictures[row].decoded.pixels for row in rows]
            if cropped:
                placed = place_faces_in_crops(samples, images, lambda: self._detector, boxes)
            else:
                detected = self._detector.detect(images, coarse_first=self._coarse_first)
                placed = [
                    place_faces(sample, pictures[row].size, faces, boxes)
                    for sample, row, faces in zip(samples, rows, detected, strict=True)
                ]
            found |= dict(zip(rows, placed, strict=True))
        return [found[row] for row in range(len(pictures))]

    def _make_files(
        self, picture: _Picture, placed: PlacedFaces, files: dict[Path, bytes]
    ) -> Record:
        """Add the picture and its annotation to `files`; -> the record that is true then."""
        labelled = [face for face in placed.faces if face.box is not None]
        if not labelled:
            reasons = [face.reason or "" for face in placed.faces]
            reason = reasons[0] if reasons else "no labelled face"
            return self._reject(picture.item.rejected(reason, picture.data))
        sample, decoded = picture.item.sample, picture.decoded
        width, height = picture.size
        ignored = [VocObject(IGNORE, box) for box in placed.ignored]
        annotation = VocAnnotation(
            image_id=sample.sample_id,
            width=width,
            height=height,
            objects=(*map(_voc_object, labelled), *ignored),
            database=sample.database,
        )
        data = picture.data if decoded.copyable else encode_jpeg(decoded.pixels)
        files[self._folder.image_path(sample.sample_id)] = data
        annotation_path = self._folder.annotation_path(sample.sample_id)
        files[annotation_path] = format_annotation(annotation).encode()
        return replace(
            picture.item.rejected("", picture.data),
            status="written",
            reason=None,
            faces=tuple(FaceRecord.of(face) for face in placed.faces),
            ignored=len(ignored),
            picture="copied" if decoded.copyable else "encoded",
        )

    def _reject(self, record: Record) -> Record:
        """Leave no file of a rejected picture: an earlier run may have written it."""
        self._folder.image_path(record.id).unlink(missing_ok=True)
        self._folder.annotation_path(record.id).unlink(missing_ok=True)
        return record


def load_mtcnn() -> FaceDetector:
    """MTCNN on one thread: the workers share the cores among themselves.

    One thread also makes the answers the same with any number of workers. The process keeps the
    memory that it frees, since pyramids of the same sizes are needed again and again.
    """
    import cv2
    import torch

    from fer_det.faces.mtcnn.cascade import Mtcnn
    from fer_det.runtime.memory import keep_freed_memory

    keep_freed_memory()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return Mtcnn()


@dataclass(frozen=True)
class ConverterPlan:
    """All that a worker process needs to make its converter."""

    out: Path
    coarse_first: bool
    load_detector: Callable[[], FaceDetector] = load_mtcnn
    """A module's own function, so that it can be pickled."""


def convert_batches(
    plan: ConverterPlan, batches: Sequence[Sequence[WorkItem]], pool: Pool
) -> Iterator[list[Record]]:
    """Yield the records of each batch in its order, each as soon as it is done.

    Raises WorkerError where a process dies.
    """
    # Batch by batch, so that a build that is killed loses no more than those in hand.
    return pool(partial(_convert, plan), batches)


def _convert(plan: ConverterPlan, items: Sequence[WorkItem]) -> list[Record]:
    return _make_converter(plan).convert(items)


@cache
def _make_converter(plan: ConverterPlan) -> Converter:
    """One a process, made at its first batch, so that an error there reaches the user."""
    return Converter(VocFolder.create(plan.out), plan.load_detector, plan.coarse_first)


def _voc_object(face: PlacedFace) -> VocObject:
    assert face.box is not None
    record = FaceRecord.of_label(face.label)
    probabilities = probabilities_by_name(face.label)
    return VocObject(record.expression, face.box, probabilities, face.landmarks)


def _groups_within_memory(pictures: Iterable[_Picture]) -> Iterator[list[_Picture]]:
    group: list[_Picture] = []
    pixels = 0
    for picture in pictures:
        width, height = picture.size
        is_full = len(group) == MAX_PICTURES_AT_A_TIME
        if group and (is_full or pixels + width * height > MAX_PIXELS_AT_A_TIME):
            yield group
            group, pixels = [], 0
        group.append(picture)
        pixels += width * height
    if group:
        yield group
