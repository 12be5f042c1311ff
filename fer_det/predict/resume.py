"""Predictions of many files that go on where an earlier run ended."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from fer_det import __version__
from fer_det.config.predict import PredictConfig
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.errors import DatasetFormatError, OutputError
from fer_det.imaging.decode import DecodedImage
from fer_det.io.files import hold_folder
from fer_det.io.journal import (
    Journal,
    describe_differences,
    open_journal,
    read_header,
    read_parts,
)
from fer_det.predict.pictures import Chunk, PictureDone, PictureWork
from fer_det.predict.results import PredictedPicture
from fer_det.predict.sources import Sources

JOURNAL_NAME = ".predict_journal.jsonl"
"""Holds a line with the answers of each chunk of pictures, written after their drawings."""

_NO_PART = (
    *("sources", "weights", "out", "show", "overwrite"),
    *("backend", "device", "precision", "engine", "address"),
)
"""Settings that change no answer, or that stand in the header in other words."""
_REMEDY = "choose another --out, or add --overwrite"

Predict = Callable[[Sequence[Chunk]], Iterator[PictureDone]]


def is_unfinished(folder: Path) -> bool:
    """True if an earlier run was interrupted there."""
    return (folder / JOURNAL_NAME).is_file()


def make_header(
    config: PredictConfig, weights: Path, engine: str, sources: Sources
) -> dict[str, Any]:
    """All that the answers depend on. engine: what runs the model, and its precision.

    Raises OSError where the weights, which were read before, are gone.
    """
    names = [str(each.path) for each in (*sources.pictures, *sources.videos)]
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()
    with weights.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    settings = {name: value for name, value in asdict(config).items() if name not in _NO_PART}
    return settings | {
        "version": __version__,
        "weights": f"{weights.name} ({content[:12]})",
        "engine": engine,
        "files": len(names),
        "names": digest[:12],
    }


class Progress:
    """Which chunks of pictures an earlier run has done, and the journal of this one."""

    def __init__(
        self, path: Path, journal: Journal | None, done: int, found_by: Counter[str]
    ) -> None:
        """done: number of chunks, from the first. found_by: Predictor.found_by, added to here."""
        self._path = path
        self._journal = journal
        self.done = done
        self._found_by = found_by
        for part in islice(read_parts(path), max(done - 1, 0), done):
            found_by.update(part["found_by"])

    def work(self, chunks: Sequence[Chunk], predict: Predict) -> Iterator[PictureDone]:
        """Yield the work of all chunks in order; what an earlier run has not done is noted."""
        for chunk, part in zip(chunks, islice(read_parts(self._path), self.done), strict=False):
            yield from _read_part(part, chunk)
        done = predict(chunks[self.done :])
        for chunk in chunks[self.done :]:
            stamps = [_stamp(work) for work in chunk]
            pictures = []
            for each in islice(done, len(chunk)):
                pictures.append(_to_json(each))
                yield each
            if self._journal is not None:
                found_by = dict(self._found_by)
                part = {"stamps": stamps, "pictures": pictures, "found_by": found_by}
                self._journal.append(part)


@contextmanager
def open_progress(
    folder: Path,
    header: Mapping[str, Any],
    chunks: Sequence[Chunk],
    found_by: Counter[str],
    overwrite: bool,
) -> Iterator[Progress]:
    """Find what an earlier run has done in `folder`; forget it when the block ends without error.

    Of a single file nothing is noted. Raises OutputError where another process is writing there,
    and unless `overwrite` says that the earlier run's work may be lost, OutputError where it had
    other settings or files, and DatasetFormatError where its journal is damaged.
    """
    path = folder / JOURNAL_NAME
    if path.is_file():
        try:
            _demand_same(folder, read_header(path, _REMEDY), header)
        except (DatasetFormatError, OutputError):
            if not overwrite:
                raise
            with hold_folder(folder):
                path.unlink()
    if header["files"] < 2:
        yield Progress(path, None, 0, found_by)
        return
    done = _count_done(path, chunks) if path.is_file() else 0
    with open_journal(path, header, keep=done) as journal:
        yield Progress(path, journal, done, found_by)
        path.unlink()


def _demand_same(folder: Path, earlier: Mapping[str, Any], header: Mapping[str, Any]) -> None:
    if earlier != header:
        raise OutputError(
            f"{folder} holds an unfinished run with {describe_differences(earlier, header)}, and "
            f"this command has {describe_differences(header, earlier)}",
            "the settings and files of that run",
            _REMEDY,
        )


def _count_done(path: Path, chunks: Sequence[Chunk]) -> int:
    """The number of chunks, from the first, whose pictures are unchanged and drawings are there."""
    done = 0
    for chunk, part in zip(chunks, read_parts(path), strict=False):
        if part is None or part["stamps"] != [_stamp(work) for work in chunk]:
            break
        drawings = [w.drawing for w, p in zip(chunk, part["pictures"], strict=True) if p["drawn"]]
        if not all(drawing is not None and drawing.is_file() for drawing in drawings):
            break
        done += 1
    return done


def _stamp(work: PictureWork) -> list[int] | None:
    """Changes when the file does; None for a remote file and where there is none."""
    if not isinstance(work.path, Path):
        return None
    try:
        status = work.path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _to_json(done: PictureDone) -> dict[str, Any]:
    picture, image = done.picture, done.picture.image
    return {
        "size": list(picture.size),
        "format": image and [image.format, image.copyable, image.frames],
        "faces": [
            {
                "box": [float(edge) for edge in face.box.as_tuple()],
                "score": float(face.score),
                "probabilities": {e.label: float(p) for e, p in face.probabilities.items()},
                "flags": list(face.flags),
            }
            for face in picture.faces
        ],
        "error": picture.error,
        "drawn": done.drawn is not None,
        "unwritten": done.unwritten and done.unwritten.args,
    }


def _read_part(part: Mapping[str, Any], chunk: Chunk) -> Iterator[PictureDone]:
    for entry, work in zip(part["pictures"], chunk, strict=True):
        image = None
        if entry["format"]:
            name, copyable, frames = entry["format"]
            nothing = np.empty((0, 0, 3), np.uint8)
            image = DecodedImage(nothing, name, copyable, tuple(entry["size"]), frames)
        faces = tuple(
            Detection(
                FaceBox(*face["box"]),
                face["score"],
                {Expression.from_label(e): p for e, p in face["probabilities"].items()},
                tuple(face["flags"]),
            )
            for face in entry["faces"]
        )
        yield PictureDone(
            PredictedPicture(work.path, image, faces, entry["error"]),
            work.drawing if entry["drawn"] else None,
            OutputError(*entry["unwritten"]) if entry["unwritten"] else None,
        )
