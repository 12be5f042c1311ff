"""Look through a VOC folder for defects before training on it; see --help."""

import sys

import _environment  # noqa: F401  (first: it may run this script again in .venv)

from fer_det.cli.check import main

if __name__ == "__main__":
    sys.exit(main())
