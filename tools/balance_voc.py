"""Up-sample the training split of a VOC folder with jittered copies; see --help."""

import _environment  # noqa: F401

from voc_builder.cli.balance import main

if __name__ == "__main__":
    raise SystemExit(main())
