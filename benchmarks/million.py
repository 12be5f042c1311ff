"""Seconds and memory of a million pictures: until a training begins, and of check, index and shard.

    python benchmarks/million.py [--counts '[10000, 100000, 1000000]'] [--xml 10000]
    python benchmarks/million.py --counts '[]' --checks '[10000, 100000]' --searches '[1000000]'

Writes a VOC folder of image sets and an index without any pictures, and opens it as each training
process does: the split, the hash of the data, and the sampler's first batch. Each count is measured
in a process of its own, import of torch included in its memory and not in its seconds. Up to --xml
pictures are opened without the index as well, from XML.

For --checks the folder has all its files, and the commands `check`, `index` and `shard` process it.
Its pictures are drawn at random from a space of FACTORS dimensions, where as many pairs of
strangers have near hashes as in photos of faces, and repeated within their split from DRAWN on. A
million take 6 GB below TMPDIR, and 3 GB for the shards. For --searches such thumbnails, all
different, are searched for copies in memory, which is the part of `check` that is no straight line.
"""

import contextlib
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
import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import torch
from _measure import BenchmarkConfig, Report
from memory import most_megabytes
from PIL import Image

from fer_det.checks.copies import find_copies
from fer_det.checks.likeness import SIDE, Thumbnails
from fer_det.cli.main import main as fer_det
from fer_det.config.check import CheckConfig
from fer_det.config.command import parse_config
from fer_det.core.box import FaceBox
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.data.sampler import EpochSampler
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import WorkerError
from fer_det.imaging.decode import encode_jpeg
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import IGNORE, VocAnnotation, VocObject, format_annotation
from fer_det.io.voc_index import INDEX, SEEN_AT_START, face_rows, index_schema
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware

ASK = "--one"
"""First word of the command line on which this script opens one folder in its process."""
SEARCH = "search"
"""Second word where thumbnails are searched."""
LABELS = tuple(expression.label for expression in BASIC_EXPRESSIONS)
VALIDATION = 4
"""One of this number of pictures is for validation."""
AT_A_TIME = 20_000
SOME = "ANY-PICTURE"
DRAWN = 100_000
"""Different pictures; a multiple of VALIDATION, so that one is repeated in its own split only."""
FACTORS, COARSE, CONTRAST, NOISE = 20, 6, 30, 8
"""Dimensions of the space of pictures, each a smooth pattern of 6 x 6 values; deviations, in gray
levels, of the patterns and of noise."""
WIDTH, HEIGHT = 100, 75


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Measure how long a training takes to begin."""

    counts: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    """Numbers of pictures, each with one labelled face and every second with another face."""
    xml: int = 10_000
    """Up to this number of pictures, they are opened without the index as well."""
    checks: tuple[int, ...] = (2_000,)
    """Numbers of pictures of folders with all files, for check, index and shard."""
    searches: tuple[int, ...] = (10_000,)
    """Numbers of thumbnails that are searched for copies between the splits."""


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
    for count in config.checks:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            folder = VocFolder.create(root / "voc")
            _write_folder(folder, count, with_files=True)
            _draw_pictures(folder, count)
            setting = f"{count} pictures"
            data = f"--data={folder.home}"
            _command_apart(report, setting, "check", data)
            _command_apart(report, setting, "index", data)
            _command_apart(report, setting, "shard", data, f"--out={root / 'shards'}")
    for count in config.searches:
        _command_apart(report, f"{count} thumbnails", SEARCH, str(count))
    report.finish("PROCESSOR_SECONDS_TO_OPEN_THE_LARGEST", spent)
    return EXIT_OK


def _open_apart(report: Report, home: Path, setting: str) -> float:
    """Open a folder in a process of its own -> its processor time in seconds."""
    seconds, of_processor, megabytes = _ask(setting, str(home))
    report.figure(setting, "open, hash, first batch", [seconds], "s")
    report.figure(setting, "time of the processor", [of_processor], "s")
    report.figure(setting, "memory", [megabytes], "MB at most")
    return of_processor


def _command_apart(report: Report, setting: str, *argv: str) -> None:
    """Run a command of fer-det in a process of its own."""
    seconds, of_processor, megabytes = _ask(f"{setting}, {argv[0]}", *argv)
    report.figure(setting, argv[0], [seconds], "s")
    report.figure(setting, f"{argv[0]}, time of the processor", [of_processor], "s")
    report.figure(setting, f"{argv[0]}, memory", [megabytes], "MB at most")


def _ask(setting: str, *argv: str) -> tuple[float, float, float]:
    """Measure a folder or command in a process of its own.

    -> seconds, seconds of the processor, and the most megabytes.
    """
    command = [sys.executable, __file__, ASK, *argv]
    told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode:
        last = told.stderr.strip().splitlines()[-1:]
        raise WorkerError(f"{setting}: {last}", "a folder that opens", f"run {' '.join(command)}")
    seconds, of_processor, megabytes = json.loads(told.stdout.splitlines()[-1])
    return seconds, of_processor, megabytes


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
    numbers = range(AT_A_TIME if with_files else 0)
    texts = [format_annotation(replace(_annotation(number), image_id=SOME)) for number in numbers]
    for number in range(count):
        name = _name(number)
        lists["val" if number % VALIDATION == 0 else "train"].append(name)
        if with_files:
            folder.annotation_path(name).write_text(texts[number % AT_A_TIME].replace(SOME, name))
            folder.image_path(name).touch()
    for split, names in lists.items():
        folder.image_set_path(split).write_text("".join(f"{name}\n" for name in names))
    later = time.time_ns()
    os.utime(path, ns=(later, later))


def _draw_pictures(folder: VocFolder, count: int) -> None:
    """Put a picture in the place of each empty one, the first DRAWN different from each other."""
    thumbnails = _thumbnails(min(count, DRAWN))
    for number in range(count):
        path = folder.image_path(_name(number))
        path.unlink()
        if number >= DRAWN:
            path.hardlink_to(folder.image_path(_name(number % DRAWN)))
            continue
        picture = Image.fromarray(thumbnails[number]).resize((WIDTH, HEIGHT), Image.BICUBIC)
        path.write_bytes(encode_jpeg(np.asarray(picture.convert("RGB")), quality=80))


def _thumbnails(count: int) -> Thumbnails:
    """[count, SIDE, SIDE]"""
    generator = np.random.default_rng(0)
    coarse = generator.normal(size=(FACTORS, COARSE, COARSE)).astype(np.float32) / FACTORS**0.5
    size = (SIDE, SIDE)
    smooth = [np.asarray(Image.fromarray(each).resize(size, Image.BICUBIC)) for each in coarse]
    drawn = np.empty((count, *size), np.uint8)
    for start in range(0, count, AT_A_TIME):
        part = drawn[start : start + AT_A_TIME]
        factors = CONTRAST * generator.standard_normal((len(part), FACTORS), np.float32)
        gray = np.tensordot(factors, np.stack(smooth), 1)
        gray += NOISE * generator.standard_normal(gray.shape, np.float32)
        part[:] = (128 + gray).clip(0, 255)
    return drawn


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
    x, y = number % 30, number % 31
    name = LABELS[number * number % len(LABELS)]
    other = LABELS[(number * number + 1) % len(LABELS)]
    votes = {name: 0.7, other: 0.3} if number % 2 else None
    faces = [VocObject(name, FaceBox(x, y, x + 40, y + 44), votes)]
    if number % 2:
        faces.append(VocObject(IGNORE, FaceBox(70, 40, 95, 70)))
    return VocAnnotation(_name(number), WIDTH, HEIGHT, tuple(faces), "emotionet")


def _open(home: Path) -> None:
    """Open a folder as a training process does; print seconds and the most megabytes."""
    began, used = time.perf_counter(), time.process_time()
    train, validation = (VocDataset(home, split, 112, (0, 0, 0)) for split in ("train", "val"))
    train.hash()
    validation.hash()
    next(iter(EpochSampler(train.labels, 16, 0.5, seed=0)))
    spent = time.perf_counter() - began, time.process_time() - used
    print(json.dumps([*spent, most_megabytes()]))


def _search(count: int) -> None:
    """Search thumbnails for copies as `check` does; print seconds and the most megabytes."""
    thumbnails = _thumbnails(count)
    splits = np.where(np.arange(count) % VALIDATION == 0, 1, 0).astype(np.intp)
    began, used = time.perf_counter(), time.process_time()
    found = find_copies(thumbnails, splits, CheckConfig().alike)
    spent = time.perf_counter() - began, time.process_time() - used
    print(f"{len(found)} pairs", file=sys.stderr)
    print(json.dumps([*spent, most_megabytes()]))


def _run(argv: Sequence[str]) -> None:
    """Run a command of fer-det; print seconds and the most megabytes."""
    began, used = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        code = fer_det(argv)
    # 2: some strangers look so alike that check counts them as copies.
    assert code in (0, 2), argv
    spent = time.perf_counter() - began, time.process_time() - used
    print(json.dumps([*spent, most_megabytes()]))


if __name__ == "__main__":
    if sys.argv[1:2] == [ASK] and len(sys.argv) == 3:
        _open(Path(sys.argv[2]))
    elif sys.argv[1:3] == [ASK, SEARCH]:
        _search(int(sys.argv[3]))
    elif sys.argv[1:2] == [ASK]:
        _run(sys.argv[2:])
    else:
        sys.exit(main())
