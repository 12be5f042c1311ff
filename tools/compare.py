"""Compare runs that were scored on the same faces; see --help."""

import sys

import _environment  # noqa: F401  (first: it may run this script again in .venv)

from fer_det.cli.compare import main

if __name__ == "__main__":
    sys.exit(main())
