"""Convert a published file of VGG-Face into a weights file of fer_det; see --help."""

import sys

import _environment  # noqa: F401  (first: it may run this script again in .venv)

from fer_det.cli.convert_weights import main

if __name__ == "__main__":
    sys.exit(main())
