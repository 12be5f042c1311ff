"""Find and draw the faces of a picture; `python tools/predict.py --help` tells more."""

import sys

# First, since it goes on in the repository's own .venv where that is not the Python in use.
import _environment  # noqa: F401

from fer_det.cli.predict import main

if __name__ == "__main__":
    sys.exit(main())
