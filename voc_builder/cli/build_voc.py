"""The command that turns raw data sets into a VOC folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import field, fields, make_dataclass
from pathlib import Path
from typing import Any

from fer_det.config.command import parse_config
from fer_det.errors import ConfigError
from fer_det.runtime.command import EXIT_OK, run_command
from voc_builder.build.config import BuildConfig, Source
from voc_builder.readers import READERS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_build_voc, argv)


def _build_voc(argv: Sequence[str] | None) -> int:
    flags = parse_config(_flags_class(), "build_voc", argv)
    sources = [
        Source(name, getattr(flags, name), getattr(flags, f"{name}_options"))
        for name in READERS
        if getattr(flags, name) is not None
    ]
    if not sources:
        raise ConfigError(
            "no data set was given",
            f"at least one of {', '.join(f'--{name} ROOT' for name in READERS)}",
            "type, for example: fer-det build-voc --rafdb FOLDER --out data/voc",
        )
    # The converter's packages are not needed for --help.
    from voc_builder.build.build import build

    config = BuildConfig(**{each.name: getattr(flags, each.name) for each in fields(BuildConfig)})
    build(config, sources)
    return EXIT_OK


def _flags_class() -> type[Any]:
    """BuildConfig with two more fields for each reader, from the registry: folder and Options."""
    own: list[tuple[str, Any, Any]] = []
    for name, reader in READERS.items():
        sentence = {"help": f"Folder of the data set {reader.TITLE}."}
        own.append((name, Path | None, field(default=None, metadata=sentence)))
        own.append((f"{name}_options", reader.Options, field(default_factory=reader.Options)))
    made = make_dataclass("BuildFlags", own, bases=(BuildConfig,), frozen=True)
    made.__doc__ = BuildConfig.__doc__
    return made


if __name__ == "__main__":
    sys.exit(main())
