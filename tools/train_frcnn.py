"""Train the detector on a VOC folder; see --help."""

import sys

import _environment  # noqa: F401  (first: it may run this script again in .venv)

from fer_det.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
