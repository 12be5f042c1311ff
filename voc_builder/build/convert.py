"""From listed pictures to VOC files: read once, find the faces, write or say why not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from fer_det.core.box import FaceBox
from fer_det.core.sample import Sample
from fer_det.errors import DatasetNotFoundError, ImageError
from fer_det.faces.detector import DetectedFace, FaceDetector
from fer_det.imaging.decode import DecodedImage, decode_rgb8, encode_jpeg, read_image_bytes
from fer_det.io.files import write_together
from fer_det.io.voc import IGNORE, VocAnnotation, VocFolder, VocObject, format_annotation
from voc_builder.build.crops import find_face_in_crops
from voc_builder.build.manifest import Record, hash_sample
from voc_builder.build.selection import select_labelled_face

BoxChoice = Literal["mtcnn", "official"]

DATASET_BOX = "dataset"
"""The box source of a box that is the data set's own."""
MAX_PIXELS_AT_A_TIME = 24_000_000
"""How many decoded pixels a worker holds, save for a single picture that is larger."""
MAX_PICTURES_AT_A_TIME = 16
"""How many pictures are looked at together, and then written together."""


@dataclass(frozen=True)
class WorkItem:
    """A sample, where its picture lies below the data set's folder, and its split."""

    sample: Sample
    source: str
    split: str

    def rejected(self, reason: str, data: bytes | None = None) -> Record:
        """The record that says why this picture was not written."""
        sample = self.sample
        return Record(
            id=sample.sample_id,
            dataset=sample.dataset,
            source=self.source,
            sha256=None if data is None else hashlib.sha256(data).hexdigest(),
            bytes=None if data is None else len(data),
            status="rejected",
            reason=reason,
            split=self.split,
            expression=sample.expression.label,
            framing=sample.framing,
            subject=sample.subject,
            attributes=dict(sample.attributes),
            sample_hash=hash_sample(sample, self.source),
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


@dataclass(frozen=True)
class LabelledFace:
    """The face that carries the label, and the others in its picture."""

    box: FaceBox
    source: str
    score: float | None = None
    others: tuple[FaceBox, ...] = ()


class Converter:
    """Turns pictures into files of a VOC folder; one lives in each worker process."""

    def __init__(
        self, folder: VocFolder, detector: FaceDetector, boxes: BoxChoice, coarse_first: bool
    ) -> None:
        self._folder = folder
        self._detector = detector
        self._boxes = boxes
        self._coarse_first = coarse_first

    def convert(self, items: Sequence[WorkItem]) -> list[Record]:
        """Write what can be written; one record for each item, in their order.

        A picture that is absent or broken, or shows no face, becomes a rejected record. Raises
        OutputError where the folder cannot be written.
        """
        records: dict[str, Record] = {}
        # While the disk is waited for, the next pictures are looked at.
        with ThreadPoolExecutor(1) as writer:
            written = []
            for group in _groups_within_memory(self._open(items, records)):
                files: dict[Path, bytes] = {}
                for picture, face in zip(group, self._find_labelled_faces(group), strict=True):
                    record = self._make_files(picture, face, files)
                    records[record.id] = record
                written.append(writer.submit(write_together, files))
        for each in written:
            each.result()
        return [records[item.sample.sample_id] for item in items]

    def _open(self, items: Sequence[WorkItem], records: dict[str, Record]) -> Iterator[_Picture]:
        """Decode the pictures one by one; those that cannot be go to `records`."""
        for item in items:
            path, data = item.sample.image_path, None
            try:
                data = read_image_bytes(path)
                yield _Picture(item, data, decode_rgb8(data, "the file"))
            except (DatasetNotFoundError, ImageError) as error:
                # The reason goes into the manifest, where this machine's paths have no place.
                reason = error.found.replace(str(path), "the file")
                records[item.sample.sample_id] = self._reject(item.rejected(reason, data))

    def _find_labelled_faces(self, pictures: Sequence[_Picture]) -> list[LabelledFace | str]:
        """For each picture its labelled face, or the reason why there is none."""
        crops = [row for row, each in enumerate(pictures) if _is_crop(each)]
        photos = [row for row, each in enumerate(pictures) if not _is_crop(each)]
        found: dict[int, LabelledFace | str] = {}
        if crops:
            images = [pictures[row].decoded.pixels for row in crops]
            # A crop is the data set's own statement of where its face is; it has no box to take.
            for row, crop in zip(crops, find_face_in_crops(self._detector, images), strict=True):
                found[row] = LabelledFace(crop.box, crop.source, crop.score, crop.others)
        if photos:
            images = [pictures[row].decoded.pixels for row in photos]
            answers = self._detector.detect(images, coarse_first=self._coarse_first)
            for row, faces in zip(photos, answers, strict=True):
                sample = pictures[row].item.sample
                found[row] = choose_face(sample, pictures[row].size, faces, self._boxes)
        return [found[row] for row in range(len(pictures))]

    def _make_files(
        self, picture: _Picture, face: LabelledFace | str, files: dict[Path, bytes]
    ) -> Record:
        """Add the picture and its annotation to `files`; -> the record that is true then."""
        refused = picture.item.rejected(face if isinstance(face, str) else "", picture.data)
        if isinstance(face, str):
            return self._reject(refused)
        sample, decoded = picture.item.sample, picture.decoded
        others = [box for box in face.others if not is_same_face(box, face.box)]
        width, height = picture.size
        data = picture.data if decoded.copyable else encode_jpeg(decoded.pixels)
        labelled = VocObject(sample.expression.label, face.box)
        annotation = VocAnnotation(
            image_id=sample.sample_id,
            width=width,
            height=height,
            objects=(labelled, *(VocObject(IGNORE, box) for box in others)),
            database=sample.database,
        )
        files[self._folder.image_path(sample.sample_id)] = data
        annotation_path = self._folder.annotation_path(sample.sample_id)
        files[annotation_path] = format_annotation(annotation).encode()
        x_min, y_min, x_max, y_max = (round(edge, 2) for edge in face.box.as_tuple())
        return replace(
            refused,
            status="written",
            reason=None,
            box=(x_min, y_min, x_max, y_max),
            box_source=face.source,
            score=None if face.score is None else round(face.score, 4),
            ignored=len(others),
            picture="copied" if decoded.copyable else "encoded",
        )

    def _reject(self, record: Record) -> Record:
        """Leave no file of a rejected picture, as an earlier run may have written it."""
        self._folder.image_path(record.id).unlink(missing_ok=True)
        self._folder.annotation_path(record.id).unlink(missing_ok=True)
        return record


def choose_face(
    sample: Sample, size: tuple[int, int], faces: Sequence[DetectedFace], boxes: BoxChoice
) -> LabelledFace | str:
    """The labelled face of a photo of that (width, height), or the reason why there is none.

    boxes: "mtcnn" takes the found face that the data set's box or points show, and the data set's
    own box, clipped to the picture, where no face was found there; "official" always takes the
    data set's own box.
    """
    width, height = size
    own_box = None if sample.face_box is None else sample.face_box.clipped(width, height)
    if boxes == "mtcnn":
        index = select_labelled_face(faces, width, height, sample.face_box, sample.landmarks)
        if index is not None:
            others = tuple(face.box for row, face in enumerate(faces) if row != index)
            return LabelledFace(faces[index].box, "mtcnn", faces[index].score, others)
    if own_box is not None:
        return LabelledFace(own_box, DATASET_BOX, others=tuple(face.box for face in faces))
    if sample.face_box is not None:
        return "the data set's box lies outside the picture"
    if boxes == "official":
        return "the data set gives no box"
    return "no face where the data set's points are" if faces else "no face was found"


def is_same_face(first: FaceBox, second: FaceBox) -> bool:
    """Whether two boxes are drawn around one face: each holds the other's centre.

    Boxes of one face differ in size from one data set to the next, so their overlap says less.
    """
    return first.contains(*second.centre) and second.contains(*first.centre)


def _is_crop(picture: _Picture) -> bool:
    return picture.item.sample.framing == "face_crop"


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
