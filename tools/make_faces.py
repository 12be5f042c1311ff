"""Make faces that show expressions; `python tools/make_faces.py --help` tells more."""

import sys

# First, since it goes on in the repository's own .venv where that is not the Python in use.
import _environment  # noqa: F401

from made_faces.cli import main

if __name__ == "__main__":
    sys.exit(main())
