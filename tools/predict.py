"""Find and draw the faces of pictures and videos: the same as `fer-det predict`."""

import sys

# First, since it goes on in the repository's own .venv where that is not the Python in use.
import _environment  # noqa: F401

from fer_det.cli.predict import main

if __name__ == "__main__":
    sys.exit(main())
