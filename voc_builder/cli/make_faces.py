"""The command that makes faces."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_det.command import EXIT_OK, parse_config, run_command
from voc_builder.made import CAUTION
from voc_builder.synthetic.make import MakeConfig, make_faces


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_make_faces, argv)


def _make_faces(argv: Sequence[str] | None) -> int:
    make_faces(parse_config(MakeConfig, "make_faces", argv))
    print(CAUTION)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
