"""`fer-det COMMAND`: the list of commands and their start. `python -m fer_det` is the same.

A new command is one line in COMMANDS. Its module has a function `main(argv)`, which returns the
exit code, and is imported when the command is run. What it imports from torch and other heavy
packages it imports in the function that does the work, so that --help stays fast.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module

from fer_det import __version__
from fer_det.errors import ConfigError
from fer_det.runtime.command import EXIT_OK, PROGRAM, run_command

PROG = "fer-det"

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "data": {
        "make-faces": ("made_faces.cli", "Render synthetic faces with expressions."),
        "build-voc": ("voc_builder.cli.build_voc", "Convert data sets into one VOC folder."),
        "balance": ("voc_builder.cli.balance", "Add varied copies of the rare classes."),
        "compose": ("voc_builder.cli.compose", "Paste labelled faces of all sizes on scenes."),
        "check": ("fer_det.cli.check", "Look for defects and leaks in a VOC folder."),
        "shard": ("fer_det.cli.shard", "Write a VOC folder as tar files for training."),
        "index": ("fer_det.cli.index", "Index a VOC folder, so that it opens at once."),
    },
    "weights": {
        "fetch-weights": ("fer_det.cli.fetch_weights", "Download and convert published weights."),
        "convert-weights": ("fer_det.cli.convert_weights", "Convert a published weights file."),
    },
    "training": {
        "train": ("fer_det.cli.train", "Train a detector on a VOC folder."),
        "train-classifier": (
            "fer_det.cli.train_classifier",
            "Train a classifier on the faces of a VOC folder.",
        ),
        "folds": ("fer_det.cli.folds", "Train and score folds that share no person."),
    },
    "evaluation": {
        "eval": ("fer_det.cli.eval", "Score a checkpoint and write a report."),
        "clips": ("fer_det.cli.clips", "Score ways to tell a clip's expression from its frames."),
        "calibrate": ("fer_det.cli.calibrate", "Fit the temperature of a checkpoint."),
        "compare": ("fer_det.cli.compare", "Compare runs that were scored on the same faces."),
        "leaderboard": ("fer_det.cli.leaderboard", "Rank scored models on the same faces."),
        "truncate-head": ("fer_det.cli.truncate_head", "Make a smaller, faster checkpoint."),
    },
    "use": {
        "predict": ("fer_det.cli.predict", "Find faces and expressions in pictures and videos."),
        "export": ("fer_det.cli.export", "Write a model as an ONNX or LiteRT file and check it."),
        "web": ("fer_det.cli.web", "Serve the page that recognises faces in the browser."),
    },
}
"""Commands by group and name: the module that runs it, and what it does."""

MODULES = {name: module for group in COMMANDS.values() for name, (module, _) in group.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first of `argv` names; return its exit code.

    argv: by default the arguments of the process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in MODULES:
        return run(words[0], words[1:])
    return run_command(_answer, words)


def run(command: str, argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run a command by its name; return its exit code.

    argv: its flags, by default the process's arguments. prog: the name in --help and messages,
    where it is not `fer-det COMMAND`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    named = PROGRAM.set(prog or f"{PROG} {command}")
    try:
        code: int = import_module(MODULES[command]).main(words)
        return code
    finally:
        PROGRAM.reset(named)


def _answer(argv: Sequence[str] | None) -> int:
    """Answer a command line without a known command."""
    word = argv[0] if argv else "--help"
    if word in ("-h", "--help"):
        print("\n".join(_help()))
        return EXIT_OK
    if word == "--version":
        print(f"{PROG} {__version__}")
        return EXIT_OK
    name = word.replace("_", "-").lower()
    near = get_close_matches(name, MODULES, n=1)
    raise ConfigError(
        f"unknown command {word}",
        f"a command, such as {near[0]}" if near else "a command",
        f"see {PROG} --help",
    )


def _help() -> Iterator[str]:
    yield f"usage: {PROG} COMMAND [--FLAG VALUE ...]\n"
    yield "Facial expression recognition as object detection."
    for title, commands in COMMANDS.items():
        yield f"\n{title}:"
        for name, (_, sentence) in commands.items():
            yield f"  {name:18}{sentence}"
    yield f"\n{PROG} COMMAND --help lists the flags of a command; {PROG} --version is the version."
