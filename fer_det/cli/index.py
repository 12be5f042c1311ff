"""The command that writes the index of a VOC folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_det.config.check import IndexConfig
from fer_det.config.command import parse_config
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "index_voc.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_index, argv)


def _index(argv: Sequence[str] | None) -> int:
    config = parse_config(IndexConfig, PROG, argv)
    # Imported here, since --help needs no XML library.
    from fer_det.io.voc import INDEX, VocFolder
    from fer_det.io.voc_index import write_index
    from fer_det.runtime.progress import track

    folder = VocFolder(config.data)
    with folder.name_importer():
        faces, pictures = write_index(
            folder, lambda listed: track(listed, len(listed), "index", "pictures")
        )
    print(f"{folder.home / INDEX}: {faces:,} faces in {pictures:,} pictures", flush=True)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
