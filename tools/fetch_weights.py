"""Download a public file of weights and turn it into a weights file of ours.

`python tools/fetch_weights.py --help` tells more.
"""

import sys

# First, since it goes on in the repository's own .venv where that is not the Python in use.
import _environment  # noqa: F401

from fer_det.cli.fetch_weights import main

if __name__ == "__main__":
    sys.exit(main())
