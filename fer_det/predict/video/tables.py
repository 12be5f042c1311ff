"""The tables of faces through time: a line for each face in each frame, and one for each track."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fer_det.core.detection import TrackedFace
from fer_det.core.expression import Expression
from fer_det.io.files import atomic_path, atomic_writer
from fer_det.predict.outputs import PARQUET, PEOPLE, TRACKS
from fer_det.predict.results import BOX, DECIMALS, PROBABILITY_DECIMALS
from fer_det.predict.video.people import UNKNOWN, Person

ROWS = 1000
"""Rows of the Parquet file that are written together."""

_ABOUT = ("source", "frame", "seconds", "face")


class TrackTables:
    """Writes tracks and people line by line."""

    def __init__(
        self, tracks: Any, people: Any, parquet: Path | None, expressions: Sequence[Expression]
    ) -> None:
        self._labels = tuple(expression.label for expression in expressions)
        self._tracks = csv.DictWriter(tracks, self._track_columns(), lineterminator="\n")
        self._people = csv.DictWriter(people, self._people_columns(), lineterminator="\n")
        self._tracks.writeheader()
        self._people.writeheader()
        self._parquet = _Parquet(parquet, self._track_columns()) if parquet else None

    def add_frame(
        self, source: str, frame: int, seconds: float, faces: Iterable[TrackedFace]
    ) -> None:
        """Add a frame of a video; a frame without faces has no line."""
        for face in faces:
            smoothed = face.smoothed
            edges = (round(edge, DECIMALS) for edge in smoothed.box.as_tuple())
            row: dict[str, Any] = {
                **dict(zip(_ABOUT, (source, frame, round(seconds, 3), face.number), strict=True)),
                **dict(zip(BOX, edges, strict=True)),
                "size": round(smoothed.size, DECIMALS),
                "score": round(smoothed.score, PROBABILITY_DECIMALS),
                "label": face.label_name,
                "flags": " ".join(smoothed.flags),
            }
            for kind, one in (("frame", face.detection), ("smoothed", smoothed)):
                for expression, probability in one.probabilities.items():
                    name = f"{kind}_{expression.label}"
                    row[name] = round(probability, PROBABILITY_DECIMALS)
            self._tracks.writerow(row)
            if self._parquet is not None:
                self._parquet.add(row)

    def add_person(self, source: str, person: Person) -> None:
        """Add a track that has ended."""
        shares = person.shares
        named = {f"share_{each}": round(share, 4) for each, share in shares.items()}
        row = {
            "source": source,
            "face": person.number,
            "frames": person.frames,
            "first": round(person.first, 3),
            "last": round(person.last, 3),
            "seen": round(person.seen, 3),
            "size": round(person.size, DECIMALS),
            "longest_label": person.longest.label,
            "longest_start": round(person.longest.start, 3),
            "longest_seconds": round(person.longest.seconds, 3),
            "switches": person.switches,
            "frame_switches": person.frame_switches,
        }
        self._people.writerow(dict.fromkeys(self._people_columns(), 0) | row | named)

    def finish(self) -> None:
        """Write what is still held."""
        if self._parquet is not None:
            self._parquet.close()

    def _track_columns(self) -> tuple[str, ...]:
        kinds = ("frame", "smoothed")
        probabilities = (f"{kind}_{label}" for kind in kinds for label in self._labels)
        return (*_ABOUT, *BOX, "size", "score", "label", "flags", *probabilities)

    def _people_columns(self) -> tuple[str, ...]:
        longest = ("longest_label", "longest_start", "longest_seconds")
        shares = (f"share_{label}" for label in (*self._labels, UNKNOWN))
        about = ("source", "face", "frames", "first", "last", "seen", "size")
        return (*about, *shares, *longest, "switches", "frame_switches")


@contextmanager
def open_track_tables(folder: Path, expressions: Sequence[Expression]) -> Iterator[TrackTables]:
    """Open the tables; they appear when the block ends without error, or not at all.

    The Parquet file is written where the package pyarrow is installed.
    """
    with ExitStack() as stack:
        parquet = None
        if find_spec("pyarrow"):
            parquet = stack.enter_context(atomic_path(folder / PARQUET))
        texts = []
        for name in (TRACKS, PEOPLE):
            file = stack.enter_context(atomic_writer(folder / name))
            texts.append(io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline=""))
        tracks, people = texts
        tables = TrackTables(tracks, people, parquet, expressions)
        yield tables
        tables.finish()
        for text in texts:
            text.flush()
            text.detach()


class _Parquet:
    """Rows gathered into groups; columns that are no numbers are text."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {name: pa.string() for name in ("source", "label", "flags")}
        kinds |= {name: pa.int64() for name in ("frame", "face")}
        self._schema = pa.schema([(name, kinds.get(name, pa.float64())) for name in columns])
        self._writer = pq.ParquetWriter(path, self._schema)
        self._rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        source = row["source"].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        self._rows.append(row | {"source": source})
        if len(self._rows) == ROWS:
            self._write()

    def close(self) -> None:
        self._write()
        self._writer.close()

    def _write(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows = []
