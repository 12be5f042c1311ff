"""Download a published file of weights and convert it; see --help."""

import sys

import _environment  # noqa: F401  (first: it may run this script again in .venv)

from fer_det.cli.fetch_weights import main

if __name__ == "__main__":
    sys.exit(main())
