"""Make a smaller and faster checkpoint; `python tools/truncate_head.py --help` tells more."""

import sys

# First, since it goes on in the repository's own .venv where that is not the Python in use.
import _environment  # noqa: F401

from fer_det.cli.truncate_head import main

if __name__ == "__main__":
    sys.exit(main())
