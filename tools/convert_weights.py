"""Turn a public file of VGG-Face into a weights file of ours.

`python tools/convert_weights.py --help` tells more.
"""

import sys

# First, since it goes on in the repository's own .venv where that is not the Python in use.
import _environment  # noqa: F401

from fer_det.cli.convert_weights import main

if __name__ == "__main__":
    sys.exit(main())
