"""What every command shares: flags out of a dataclass, and mistakes told in one line."""

from __future__ import annotations

import sys
from argparse import ArgumentError
from collections.abc import Callable, Sequence
from typing import TypeVar

from jsonargparse import ArgumentParser, set_parsing_settings

from fer_det.errors import ConfigError, FerDetError

EXIT_OK = 0
EXIT_USER_MISTAKE = 2
EXIT_INTERRUPTED = 130

C = TypeVar("C")

# The sentence below a dataclass field is its --help.
set_parsing_settings(docstring_parse_attribute_docstrings=True)


def parse_config(config_class: type[C], prog: str, argv: Sequence[str] | None) -> C:
    """Turn flags, and YAML files given with --config, into a `config_class`.

    The class's docstring is the command's description and the sentence below each field its help.
    Raises ConfigError for unknown, missing or contradictory flags; --help and --print_config end
    the process.
    """
    parser = ArgumentParser(prog=prog, description=config_class.__doc__, exit_on_error=False)
    parser.add_argument("--config", action="config", help="YAML file of flags; later flags win.")
    parser.add_class_arguments(config_class, as_group=False)
    _let_switches_stand_alone(parser)
    try:
        values = vars(parser.instantiate(parser.parse_args(argv)))
        return config_class(**{name: values[name] for name in values if name != "config"})
    except ArgumentError as error:
        raise ConfigError(
            f"{prog}: {error.message}", "flags as --help lists them", f"see {prog} --help"
        ) from error


def run_command(command: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None) -> int:
    """Run a command and return its exit code: a user's mistake is one line on stderr and 2."""
    try:
        return command(argv)
    except FerDetError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_MISTAKE
    except KeyboardInterrupt:
        print("interrupted: type the same command again to go on", file=sys.stderr)
        return EXIT_INTERRUPTED


def _let_switches_stand_alone(parser: ArgumentParser) -> None:
    """Let --flag mean --flag true; jsonargparse wants the word for each field that is a bool."""
    for action in parser._actions:
        if getattr(action, "_typehint", None) is bool:
            action.nargs, action.const = "?", True
