"""Train VGG16's backbone on made faces; see --help."""

import sys

import _environment  # noqa: F401  (first: it may run this script again in .venv)

from fer_det.cli.train_backbone import main

if __name__ == "__main__":
    sys.exit(main())
