"""The command that converts a published file of weights into a weights file of fer_det."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fer_det.config.command import parse_config
from fer_det.config.weights import ConvertWeightsConfig
from fer_det.errors import WeightsError
from fer_det.io.files import refuse_existing
from fer_det.runtime.command import EXIT_OK, other_command, run_command

if TYPE_CHECKING:
    from fer_det.weights.formats.convert import ConvertedWeights
    from fer_det.weights.recognise import RecognisedFile

PROG = "convert_weights.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_convert, argv)


def write_converted(converted: ConvertedWeights, config: ConvertWeightsConfig) -> None:
    """Write the weights file; print its hash and the command to train with it.

    Raises OutputError, and WeightsError for a network narrower than VGG16.
    """
    import torch

    from fer_det.weights.formats.layers import FULL_HEAD, FULL_WIDTH
    from fer_det.weights.model_file import save_weights

    width = len(converted.tensors["features.0.bias"])
    if width != FULL_WIDTH:
        raise WeightsError(
            f"{converted.path} has {width} channels in conv1_1",
            f"VGG16's {FULL_WIDTH}",
            "name another file",
        )
    dtype = {"float32": torch.float32, "float16": torch.float16}[config.dtype]
    digest = save_weights(config.out, converted.tensors, converted.info, dtype)
    head = f" --model.head_width {FULL_HEAD}" if "fc6" in converted.matched else ""
    print(f"{config.out}: sha256 {digest}")
    print(f"next: {other_command('train')} --init {shlex.quote(str(config.out))}{head}")


def _convert(argv: Sequence[str] | None) -> int:
    config = parse_config(ConvertWeightsConfig, PROG, _with_flag(argv))
    # Imported here, since --help needs no torch.
    from fer_det.weights.formats.convert import convert_weights
    from fer_det.weights.recognise import recognise_weights

    refuse_existing(config.out, config.overwrite)
    if _is_classifier(recognise_weights(config.weights)):
        return _convert_classifier(config)
    converted = convert_weights(config.weights, config.head, config.channels)
    print(converted.describe(), flush=True)
    write_converted(converted, config)
    return EXIT_OK


def _is_classifier(recognised: RecognisedFile) -> bool:
    from fer_det.weights.formats.classifiers import CLASSIFIER_FORMATS

    return recognised.description in {each.title for each in CLASSIFIER_FORMATS}


def _convert_classifier(config: ConvertWeightsConfig) -> int:
    import torch

    from fer_det.weights.formats.convert_classifier import convert_classifier
    from fer_det.weights.model_file import write_model_file

    converted = convert_classifier(config.weights, config.classes)
    print(converted.describe(), flush=True)
    write_model_file(config.out, converted.file, getattr(torch, config.dtype))
    print(f"next: {other_command('eval')} --weights {shlex.quote(str(config.out))} --data FOLDER")
    return EXIT_OK


def _with_flag(argv: Sequence[str] | None) -> list[str]:
    """The same words, with --weights before a file that comes first without it."""
    words = list(sys.argv[1:] if argv is None else argv)
    bare = bool(words) and not words[0].startswith("-")
    return [f"--weights={words[0]}", *words[1:]] if bare else words


if __name__ == "__main__":
    sys.exit(main())
