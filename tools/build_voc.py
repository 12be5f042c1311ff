"""Turn raw data sets into a VOC folder; `python tools/build_voc.py --help` tells more."""

import sys

# First, since it goes on in the repository's own .venv where that is not the Python in use.
import _environment  # noqa: F401

from voc_builder.cli.build_voc import main

if __name__ == "__main__":
    sys.exit(main())
