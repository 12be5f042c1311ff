"""Seconds and memory until a training on a million pictures can begin.

    python benchmarks/million.py [--counts '[10000, 100000, 1000000]'] [--xml 10000]

Writes a VOC folder of image sets and an index without any pictures, and opens it as each training
process does: the split, the hash of the data, and the sampler's first batch. Each count is measured
in a process of its own, import of torch included in its memory and not in its seconds. Up to --xml
pictures are opened without the index as well, from XML.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import _project  # noqa: F401  (first: it may run this script again in .venv)
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import torch
from _measure import BenchmarkConfig, Report
from memory import most_megabytes

from fer_det.config.command import parse_config
from fer_det.core.box import FaceBox
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.data.sampler import EpochSampler
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import WorkerError
from fer_det.io.voc import IGNORE, VocAnnotation, VocFolder, VocObject, format_annotation
from fer_det.io.voc_index import INDEX, SEEN_AT_START, face_rows, index_schema
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware

ASK = "--one"
"""First word of the command line on which this script opens one folder in its process."""
LABELS = tuple(expression.label for expression in BASIC_EXPRESSIONS)
VALIDATION = 4
"""One of this number of pictures is for validation."""
AT_A_TIME = 20_000


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Measure how long a training takes to begin."""

    counts: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    """Numbers of pictures, each with one labelled face and every second with another face."""
    xml: int = 10_000
    """Up to this number of pictures, they are opened without the index as well."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "million.py", argv)
    report = Report("million", config, Hardware(torch.device("cpu"), "float32"))
    spent = 0.0
    for count in config.counts:
        with tempfile.TemporaryDirectory() as name:
            folder = VocFolder.create(Path(name))
            _write_folder(folder, count, count <= max(config.xml, SEEN_AT_START))
            if count <= config.xml:
                kept = (folder.home / INDEX).rename(folder.home / "kept")
                _open_apart(report, folder.home, f"{count} pictures, XML")
                kept.rename(folder.home / INDEX)
            spent = _open_apart(report, folder.home, f"{count} pictures, index")
    report.finish("PROCESSOR_SECONDS_TO_OPEN_THE_LARGEST", spent)
    return EXIT_OK


def _open_apart(report: Report, home: Path, setting: str) -> float:
    """Open a folder in a process of its own -> its processor time in seconds."""
    command = [sys.executable, __file__, ASK, str(home)]
    told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode:
        last = told.stderr.strip().splitlines()[-1:]
        raise WorkerError(f"{setting}: {last}", "a folder that opens", f"run {' '.join(command)}")
    seconds, of_processor, megabytes = json.loads(told.stdout.splitlines()[-1])
    report.figure(setting, "open, hash, first batch", [seconds], "s")
    report.figure(setting, "time of the processor", [of_processor], "s")
    report.figure(setting, "memory", [megabytes], "MB at most")
    return of_processor


def _write_folder(folder: VocFolder, count: int, with_files: bool) -> None:
    """Write image sets and index; with_files: the annotations and empty pictures too."""
    folder.write_label_map(LABELS)
    lists: dict[str, list[str]] = {"train": [], "val": []}
    path = folder.home / INDEX
    schema = index_schema()
    rows = [row for number in range(AT_A_TIME) for row in _rows(number)]
    table = pyarrow.Table.from_pylist(rows, schema.append(pyarrow.field("number", pyarrow.int64())))
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, count, AT_A_TIME):
            # The same rows again and again, under other names.
            part = table.filter(pyarrow.compute.less(table["number"], count - start))
            names = [_name(start + number) for number in part["number"].to_pylist()]
            part = part.set_column(0, "picture", pyarrow.array(names))
            writer.write_table(part.select(schema.names).replace_schema_metadata(schema.metadata))
    for number in range(count):
        lists["val" if number % VALIDATION == 0 else "train"].append(_name(number))
        if with_files:
            annotation = replace(_annotation(number % AT_A_TIME), image_id=_name(number))
            folder.write(annotation)
            folder.image_path(annotation.image_id).touch()
    for split, names in lists.items():
        folder.image_set_path(split).write_text("".join(f"{name}\n" for name in names))
    later = time.time_ns()
    os.utime(path, ns=(later, later))


def _rows(number: int) -> list[dict[str, object]]:
    annotation = _annotation(number)
    common = {
        "number": number,
        "split": "val" if number % VALIDATION == 0 else "train",
        "database": annotation.database,
        "width": annotation.width,
        "height": annotation.height,
        "depth": annotation.depth,
        "annotation_bytes": len(format_annotation(annotation)),
        "picture_bytes": 0,
        "group": f"person {number // 20}",
    }
    return face_rows(annotation, common)


def _name(number: int) -> str:
    return f"emotionet_train_{number:07d}"


def _annotation(number: int) -> VocAnnotation:
    """Half of the labels are soft."""
    x, y = number % 60, number % 41
    name = LABELS[number * number % len(LABELS)]
    other = LABELS[(number * number + 1) % len(LABELS)]
    votes = {name: 0.7, other: 0.3} if number % 2 else None
    faces = [VocObject(name, FaceBox(x, y, x + 80, y + 90), votes)]
    if number % 2:
        faces.append(VocObject(IGNORE, FaceBox(150, 100, 180, 140)))
    return VocAnnotation(_name(number), 200, 150, tuple(faces), "emotionet")


def _open(home: Path) -> None:
    """Open a folder as a training process does; print seconds and the most megabytes."""
    began, used = time.perf_counter(), time.process_time()
    train, validation = (VocDataset(home, split, 112, (0, 0, 0)) for split in ("train", "val"))
    train.hash()
    validation.hash()
    next(iter(EpochSampler(train.labels, 16, 0.5, seed=0)))
    spent = time.perf_counter() - began, time.process_time() - used
    print(json.dumps([*spent, most_megabytes()]))


if __name__ == "__main__":
    if sys.argv[1:2] == [ASK]:
        _open(Path(sys.argv[2]))
    else:
        sys.exit(main())
