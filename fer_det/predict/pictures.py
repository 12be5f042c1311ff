"""Read picture files, predict them in batches, and write the drawings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fer_det.config.predict import PredictConfig
from fer_det.core.detection import Detection
from fer_det.core.picture import read_image_bytes
from fer_det.errors import DatasetNotFoundError, ImageError, OutputError
from fer_det.imaging.decode import DecodedImage, decode_rgb8, encode_jpeg
from fer_det.io.files import make_folder, write_bytes
from fer_det.io.remote import RemoteFile
from fer_det.predict.drawing import draw_detections
from fer_det.predict.finish import GroupSummary
from fer_det.predict.outputs import Outputs
from fer_det.predict.results import PredictedPicture, Results, say
from fer_det.predict.sources import Failure, SourceFile
from fer_det.runtime.progress import track

FEW = 20
"""Up to this number of pictures each has its own line on the terminal."""
MOST_LINES = 20
"""Faces of a picture that have a line on the terminal; the tables have all."""
MOST_PIXELS = 32_000_000
"""A batch ends with the picture that reaches this, so that large ones do not fill the memory."""
BATCHES_A_CHUNK = 4
"""A batch also ends with its chunk, so that a model is shown the same pictures together by every
engine, and gives the same numbers to the last digit."""

REMOTE_AT_A_TIME = 8
"""Remote pictures that are fetched at the same time, while others are predicted."""

T = TypeVar("T")


class FindsFaces(Protocol):
    """The part of Predictor that is used here."""

    def __call__(
        self,
        picture: list[NDArray[np.uint8] | DecodedImage],
        min_score: float,
        batch_size: int,
    ) -> list[list[Detection]]:
        """Pictures -> the faces of each, highest score first."""


@dataclass(frozen=True)
class PictureWork:
    """A picture file, and where its drawing is to be written."""

    path: Path | RemoteFile
    drawing: Path | None


@dataclass(frozen=True, eq=False)
class PictureDone:
    """What became of a picture's work."""

    picture: PredictedPicture
    drawn: Path | None
    """Where its drawing was written."""
    unwritten: OutputError | None = None
    """Why it was not."""

    def without_pixels(self) -> PictureDone:
        """The same, small."""
        image = self.picture.image
        if image is None:
            return self
        image = replace(image, pixels=np.empty((0, 0, 3), np.uint8))
        return replace(self, picture=replace(self.picture, image=image))


Chunk = Sequence[PictureWork]


def plan_chunks(
    sources: Sequence[SourceFile], outputs: Outputs, batch_size: int
) -> list[list[PictureWork]]:
    """All pictures with the drawings that `outputs` plans, some batches in each chunk."""
    works = [PictureWork(each.path, outputs.pictures.get(each.path)) for each in sources]
    size = BATCHES_A_CHUNK * batch_size
    return [works[start : start + size] for start in range(0, len(works), size)]


def predict_pictures(
    done: Iterator[PictureDone], total: int, earlier: int, results: Results
) -> None:
    """Collect the work of `total` pictures and print what was found.

    done: such as `predict_chunk` yields. earlier: how many of them an earlier run has done.
    """
    few = total <= FEW
    if not few:
        done = chain(islice(done, earlier), track(done, total, "predicted", "pictures", earlier))
    for each in done:
        picture = each.picture
        if picture.image is None:
            results.add_unread_picture(Failure(str(picture.path), picture.error))
            continue
        if each.unwritten is not None:
            results.add_unwritten(each.unwritten)
        results.add_picture(picture, each.drawn)
        if few:
            say(describe_picture(picture))
    say(results.describe_pictures())


def predict_chunk(
    chunk: Chunk, predictor: FindsFaces, config: PredictConfig
) -> Iterator[PictureDone]:
    """Predict pictures and write their drawings, each when it is asked for."""
    drawings = {work.path: work.drawing for work in chunk}
    for each in predict_files(drawings, predictor, config.min_score, config.batch_size):
        drawn = drawings[each.path]
        if each.image is None or drawn is None:
            yield PictureDone(each, None)
            continue
        try:
            drawing = draw_detections(each.image.pixels, each.faces, each.size)
            make_folder(drawn.parent)
            write_bytes(drawn, encode_jpeg(drawing))
        except OutputError as error:
            yield PictureDone(each, None, error)
        else:
            yield PictureDone(each, drawn)


def predict_files(
    paths: Iterable[Path | RemoteFile], predictor: FindsFaces, min_score: float, batch_size: int
) -> Iterator[PredictedPicture]:
    """Every path in its order, read or not; no more pictures are in memory than a batch has.

    Of remote files REMOTE_AT_A_TIME are fetched ahead.
    """
    for batch in in_batches(_read_all(list(paths)), batch_size, _pixel_count):
        read: list[NDArray[np.uint8] | DecodedImage] = [e.image for e in batch if e.image]
        answers = iter(predictor(read, min_score, batch_size))
        for each in batch:
            yield replace(each, faces=tuple(next(answers))) if each.image else each


def in_batches(items: Iterable[T], size: int, pixels_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Lists of at most `size` items and about MOST_PIXELS pixels, in order, read when asked for."""
    batch: list[T] = []
    pixels = 0
    for item in items:
        batch.append(item)
        pixels += pixels_of(item)
        if len(batch) == size or pixels >= MOST_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def describe_picture(each: PredictedPicture) -> Iterator[str]:
    """A line for each face, or one that says there is none, and the summary of several."""
    name = f"{each.path} ({each.note})" if each.note else str(each.path)
    if each.image is not None and not each.faces:
        yield f"{name}: no face"
    for face in each.faces[:MOST_LINES]:
        yield f"{name}: {describe_face(face)}"
    if len(each.faces) > MOST_LINES:
        yield f"{name}: and {len(each.faces) - MOST_LINES} more, see the tables"
    if len(each.faces) > 1:
        yield f"{name}: {GroupSummary.of(each.faces).describe()}"


def describe_face(face: Detection) -> str:
    """Return 'fear 0.75, face 0.90 at (1, 2, 30, 40), 38 px, low resolution'."""
    edges = ", ".join(f"{edge:.0f}" for edge in face.box.as_tuple())
    found = f"face {face.score:.2f} at ({edges}), {face.size:.0f} px"
    if face.expression is None:
        return f"{face.label}, {found}"
    sure = f"{face.probabilities[face.expression]:.2f}"
    guess = f" ({face.expression.label} {sure})" if "unknown" in face.flags else f" {sure}"
    poor = ", low resolution" if "low_resolution" in face.flags else ""
    return f"{face.label}{guess}, {found}{poor}"


def _read_all(paths: Sequence[Path | RemoteFile]) -> Iterator[PredictedPicture]:
    begun: dict[int, Future[bytes]] = {}
    handed = 0
    for place, path in enumerate(paths):
        while handed < min(place + REMOTE_AT_A_TIME, len(paths)):
            ahead = paths[handed]
            if isinstance(ahead, RemoteFile):
                begun[handed] = _threads().submit(ahead.read)
            handed += 1
        if isinstance(path, RemoteFile):
            yield _decode(path, begun.pop(place).result)
        else:
            yield _decode(path, partial(read_image_bytes, path))


@cache
def _threads() -> ThreadPoolExecutor:
    """Kept, since each thread keeps its connections."""
    return ThreadPoolExecutor(REMOTE_AT_A_TIME)


def _decode(path: Path | RemoteFile, read: Callable[[], bytes]) -> PredictedPicture:
    try:
        return PredictedPicture(path, decode_rgb8(read(), str(path), reduce=True))
    except (ImageError, DatasetNotFoundError) as error:
        return PredictedPicture(path, None, error=error.found)


def _pixel_count(each: PredictedPicture) -> int:
    return 0 if each.image is None else each.image.pixels.size // 3
