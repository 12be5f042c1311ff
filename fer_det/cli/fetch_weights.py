"""The command that downloads a published file of weights and converts it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_det.config.command import parse_config
from fer_det.config.weights import ConvertWeightsConfig, FetchWeightsConfig
from fer_det.errors import WeightsError
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "fetch_weights.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_fetch, argv)


def _fetch(argv: Sequence[str] | None) -> int:
    config = parse_config(FetchWeightsConfig, PROG, argv)
    # Imported here, since --help needs no torch.
    from fer_det.cli.convert_weights import write_converted
    from fer_det.weights.formats.convert import convert_weights
    from fer_det.weights.formats.fetch import PUBLIC_FILES, fetch, unpacked
    from fer_det.weights.model_file import read_model_file

    if config.out.is_file():
        source = read_model_file(config.out).source
        print(f"{config.out} is there already ({source}); delete it to write it again")
        return EXIT_OK
    file = PUBLIC_FILES[config.file]
    path = fetch(file, config.folder, config.timeout)
    with unpacked(file, path) as weights:
        converted = convert_weights(weights)
        print(converted.describe(), flush=True)
        if converted.parameters != file.parameters:
            raise WeightsError(
                f"{path} has {converted.parameters:,} parameters",
                f"{file.parameters:,}",
                "delete it and give the same command again",
            )
        conversion = ConvertWeightsConfig(weights=weights, out=config.out, dtype=config.dtype)
        write_converted(converted, conversion)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
