"""Command make_faces: render synthetic faces."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_det.config.command import parse_config
from fer_det.core.sample import MADE_CAUTION
from fer_det.runtime.command import EXIT_OK, run_command
from made_faces.config import MakeConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_make_faces, argv)


def _make_faces(argv: Sequence[str] | None) -> int:
    config = parse_config(MakeConfig, "make_faces", argv)
    # Imported here, so that --help needs neither NumPy nor OpenCV.
    from made_faces.make import make_faces

    make_faces(config)
    print(MADE_CAUTION)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
