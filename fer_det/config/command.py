"""What every command shares: flags out of a dataclass, and mistakes told in one line."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentError
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from typing import Any, TypeVar

from jsonargparse import ArgumentParser, set_parsing_settings

from fer_det.config.yaml_file import check_config_files
from fer_det.errors import ConfigError, FerDetError, OutputError
from fer_det.runtime.memory import skip_last_collections

EXIT_OK = 0
EXIT_USER_MISTAKE = 2
EXIT_INTERRUPTED = 130
EXIT_NOBODY_READS = 141
"""What a shell says of a program that a broken pipe ended."""

C = TypeVar("C")

# The sentence below a dataclass field is its --help.
set_parsing_settings(docstring_parse_attribute_docstrings=True)


def parse_config(config_class: type[C], prog: str, argv: Sequence[str] | None) -> C:
    """Turn flags, and YAML files given with --config, into a `config_class`.

    The class's docstring is the command's description and the sentence below each field its help.
    A field with `metadata={"positional": NAME}` is a tuple of the words that stand without a flag.
    Raises ConfigError for unknown, missing or contradictory flags; --help and --print_config end
    the process.
    """
    parser = ArgumentParser(prog=prog, description=config_class.__doc__, exit_on_error=False)
    parser.add_argument("--config", action="config", help="YAML file of flags; later flags win.")
    words = _positional_fields(config_class)
    parser.add_class_arguments(config_class, as_group=False, as_positional=bool(words))
    _let_switches_stand_alone(parser)
    _let_words_stand_without_flag(parser, words)
    check_config_files(sys.argv[1:] if argv is None else argv)
    try:
        values = vars(parser.instantiate(parser.parse_args(argv)))
        values |= {name: tuple(values[name]) for name in words}
        return config_class(**{name: values[name] for name in values if name != "config"})
    except ArgumentError as error:
        raise ConfigError(
            f"{prog}: {error.message}", "flags as --help lists them", f"see {prog} --help"
        ) from error
    except FerDetError:
        raise
    except (ValueError, OverflowError, RecursionError) as error:
        # A number of thousands of digits, and whatever else the parser does not expect.
        raise ConfigError(
            f"{prog}: {str(error).splitlines()[0]}",
            "flags as --help lists them",
            f"see {prog} --help",
        ) from error


def run_command(command: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None) -> int:
    """Run a command and return its exit code: a user's mistake is one line on stderr and 2."""
    skip_last_collections()
    try:
        code = command(argv)
        # What cannot be written should be known while there is somebody to tell it.
        sys.stdout.flush()
        return code
    except FerDetError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_MISTAKE
    except BrokenPipeError:
        _drop_output()
        return EXIT_NOBODY_READS
    except OSError as error:
        # Whatever the system refuses, and nobody nearer to it has put into better words.
        _drop_output()
        print(f"error: {_refusal(error)}", file=sys.stderr)
        return EXIT_USER_MISTAKE
    except KeyboardInterrupt:
        print("interrupted: type the same command again to go on", file=sys.stderr)
        return EXIT_INTERRUPTED


def _refusal(error: OSError) -> OutputError:
    return OutputError(
        f"{error.filename or 'the output'} could not be used ({error.strerror or error})",
        "files and folders with room, which may be read and written",
        "free some space, check the permissions or choose another place",
    )


def _drop_output() -> None:
    """Let python's own flush at the end find a place that takes everything."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _let_switches_stand_alone(parser: ArgumentParser) -> None:
    """Let --flag mean --flag true; jsonargparse wants the word for each field that is a bool."""
    for action in parser._actions:
        if getattr(action, "_typehint", None) is bool:
            action.nargs, action.const = "?", True


def _positional_fields(config_class: type[Any]) -> dict[str, str]:
    """Field -> what --help calls one of its words; such a class has no other required field."""
    return {
        each.name: each.metadata["positional"]
        for each in fields(config_class)
        if "positional" in each.metadata
    }


def _let_words_stand_without_flag(parser: ArgumentParser, words: Mapping[str, str]) -> None:
    """Take any number of plain words; jsonargparse wants a tuple spelled [a,b] in one word."""
    for action in parser._actions:
        if action.dest in words:
            action.nargs, action.metavar = "+", words[action.dest]
            # Each word is a text; the tuple is made of them afterwards.
            setattr(action, "_typehint", str)  # noqa: B010
