"""The command that writes a VOC folder as tar shards."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_det.config.check import ShardConfig
from fer_det.config.command import parse_config
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "shard_voc.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_shard, argv)


def _shard(argv: Sequence[str] | None) -> int:
    config = parse_config(ShardConfig, PROG, argv)
    # Imported here, since --help needs no XML library.
    from fer_det.io.shard_writer import write_shards
    from fer_det.io.voc import VocFolder
    from fer_det.runtime.progress import track

    folder = VocFolder(config.data)
    with folder.name_importer():
        pictures, shards = write_shards(
            folder,
            config.out,
            config.megabytes * 1_000_000,
            config.overwrite,
            lambda listed: track(listed, len(listed), "shards", "pictures"),
        )
    print(f"{config.out}: {pictures:,} pictures in {shards:,} tar files", flush=True)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
