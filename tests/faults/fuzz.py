"""Coverage-guided fuzzing of what reads untrusted files; any exception but a FerDetError ends it.

    pip install atheris
    PYTHONPATH=.:tests python tests/faults/fuzz.py --target voc --minutes 10

Targets: voc (an annotation), rafdb (RAF-DB's list), checkpoint (a .pth), weights (a safetensors
header). What crashed lies in crash-... in the current folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fer_det", "voc_builder"]):
    import fer_det.errors
    import fer_det.weights.model_file
    import voc_builder.readers.rafdb
    from fer_det.io.voc_annotation import (
        VocAnnotation,
        VocObject,
        format_annotation,
        read_annotation,
    )
from fake_data import rafdb
from fake_data.hostile_files import checkpoints, content, saved, weights_files

from fer_det.core.box import FaceBox


def fuzz_voc(folder: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    """(what reads one document, documents to begin with)."""
    path = folder / "a.xml"
    face = VocObject("fear", FaceBox(1, 2, 30, 40))
    whole = format_annotation(VocAnnotation("a", 50, 60, (face,)))

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return read_annotation(path)

    return read, [whole.encode(), whole.encode("utf-16"), b"<!DOCTYPE a>" + whole.encode()]


def fuzz_rafdb(folder: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    """The same for RAF-DB's list."""
    rafdb.write(folder, train=2, test=1)
    path = rafdb.list_path(folder)
    options = voc_builder.readers.rafdb.Options()

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return list(voc_builder.readers.rafdb.read(folder, options))

    return read, [path.read_bytes(), b"../../a.jpg 3\r\n", b"\xef\xbb\xbftrain_00001.jpg\t7\n"]


def fuzz_checkpoint(folder: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    """The same for a checkpoint."""
    path = folder / "best.pth"

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return fer_det.weights.model_file.read_model_file(path)

    hostile = checkpoints(folder / "proof")
    return read, [saved(content()), hostile["code in a zip"], hostile["bare pickle"]]


def fuzz_weights(folder: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    """The same for the header of a weights file."""
    path = folder / "a.safetensors"

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return fer_det.weights.model_file.read_model_file(path)

    return read, list(weights_files().values())


TARGETS = {
    "voc": fuzz_voc,
    "rafdb": fuzz_rafdb,
    "checkpoint": fuzz_checkpoint,
    "weights": fuzz_weights,
}


def main() -> None:
    """Fuzz one target for so many minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", choices=TARGETS, required=True)
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    # Atheris ends the process from C, so nothing is swept behind it.
    folder = Path(tempfile.mkdtemp(prefix=f"fer_det-fuzz-{asked.target}-"))
    work, corpus = folder / "work", folder / "corpus"
    work.mkdir()
    read, seeds = TARGETS[asked.target](work)
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)

    def one(data: bytes) -> None:
        try:
            read(data)
        except fer_det.errors.FerDetError as error:
            if "\n" in str(error):
                raise AssertionError(f"{error!r} is more than one line") from error

    seconds = round(60 * asked.minutes)
    argv = [sys.argv[0], f"-max_total_time={seconds}", "-print_final_stats=1", str(corpus)]
    atheris.Setup(argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
