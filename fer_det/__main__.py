"""`python -m fer_det COMMAND`, the same as `fer-det COMMAND`."""

import sys

from fer_det.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
