"""Flags and YAML files -> the configuration of a command.

The settings of a command are the fields of a frozen dataclass, each with a sentence below it. A
field that is a dataclass itself is a group: its settings are `--group.name` on the command line and
a nested mapping in YAML. What each word of a command line means is decided here; jsonargparse
converts the values.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentError
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_type_hints

from fer_det.config.settings import Setting, format_help, make_parser, settings_of
from fer_det.config.yaml_file import read_settings
from fer_det.errors import ConfigError
from fer_det.runtime.command import PROGRAM

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

C = TypeVar("C")
Choices = Mapping[str, Callable[[str | None], type[Any]]]
"""By the name of a group: the value of its `name`, None where none is given -> its dataclass."""

_HELP = ("-h", "--help")
_PRINT = ("--print_config", "--print-config")
_SWITCH_VALUES = ("true", "false", "yes", "no")
_NOT_CONVERTED = (ArgumentError, ValueError, OverflowError, RecursionError)


def parse_config(
    config_class: type[C], prog: str, argv: Sequence[str] | None, choose: Choices | None = None
) -> C:
    """Return the configuration that flags, and the YAML files given with --config, ask for.

    prog: name of the command in messages where PROGRAM is not set. argv: its arguments, by default
    those of the process. choose: for groups whose dataclass depends on their `name`; with
    {"model": f} the value of --model.name, typed or in a YAML file, is given to f, and the fields
    of the dataclass that f returns are the flags --model.*.

    The docstring of the class is the description in --help. The metadata of a field may hold
    `positional`, a name: its value, or its values where it is a tuple, are then given without a
    flag; and `help`, for a field without a sentence below it. Later values win, also over those of
    files. `-` and `_` in names are the same. Raises ConfigError for unknown, missing, wrong and
    contradictory settings. --help and --print_config end the process.
    """
    prog = PROGRAM.get(prog)
    words = list(sys.argv[1:] if argv is None else argv)
    options = words[: words.index("--")] if "--" in words else words
    chosen = {
        group: pick(_find_choice(options, f"{group}.name"))
        for group, pick in (choose or {}).items()
    }
    settings = {each.name: each for each in settings_of(config_class, chosen)}
    if any(word in _HELP for word in options):
        print(format_help(prog, config_class.__doc__ or "", settings.values()), end="")
        sys.exit(0)
    reader = _Reader(prog, settings)
    given = reader.read(words)
    parser = make_parser(settings.values())
    values = reader.convert(given, parser)
    config = _build(config_class, values, chosen)
    if any(word in _PRINT for word in options):
        print(parser.dump(values), end="")
        sys.exit(0)
    return config


@dataclass(frozen=True)
class _Given:
    """A value that was given for a setting."""

    value: Any
    """Text, or lists and mappings of text from a YAML file."""
    where: str = ""
    """` in FILE` for a value from a YAML file."""


class _Reader:
    """Finds out which setting each word of a command line is for."""

    def __init__(self, prog: str, settings: Mapping[str, Setting]) -> None:
        self._prog = prog
        self._settings = settings
        self._taking_words = next((each for each in settings.values() if each.word), None)

    def read(self, words: Sequence[str]) -> dict[str, _Given]:
        """Return what is given for each setting; ConfigError for a word that no setting takes."""
        given: dict[str, _Given] = {}
        plain: list[str] = []
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word == "--":
                plain += rest
                break
            if word == "-" or not word.startswith("-"):
                plain.append(word)
            elif word not in _PRINT:
                given |= self._read_flag(word, rest)
        if plain:
            given |= self._read_plain(plain)
        for each in self._settings.values():
            if each.default is MISSING and each.name not in given:
                wanted = f"a {each.word}, or more" if each.word else f"{each.flag} {each.metavar}"
                raise self._error(f"{each.flag} is missing", wanted)
        return given

    def convert(self, given: Mapping[str, _Given], parser: ArgumentParser) -> Namespace:
        """Return the values of all settings with their types; ConfigError for a wrong value."""
        values = {name: self._plain(self._settings[name], each) for name, each in given.items()}
        try:
            return cast("Namespace", parser.parse_object(_nested(values)))
        except _NOT_CONVERTED as error:
            # jsonargparse words it in its own terms, so each value is tried alone.
            for name, value in values.items():
                try:
                    make_parser([self._settings[name]]).parse_object(_nested({name: value}))
                except _NOT_CONVERTED:
                    raise self._wrong_value(self._settings[name], given[name]) from error
            wanted = "settings that fit together"
            raise self._error(str(error).partition("\n")[0], wanted) from error

    def _read_flag(self, word: str, rest: list[str]) -> dict[str, _Given]:
        """Return what a flag gives; its value may be the first of the `rest`, which is taken."""
        flag, has_value, value = word.partition("=")
        name = flag.lstrip("-").replace("-", "_")
        setting = self._settings.get(name)
        if not flag.startswith("--") or (setting is None and name != "config"):
            raise self._unknown(flag)
        if not has_value:
            if setting is not None and setting.kind is bool:
                stands_alone = not rest or rest[0].lower() not in _SWITCH_VALUES
                value = "true" if stands_alone else rest.pop(0)
            elif rest and not rest[0].startswith("--"):
                value = rest.pop(0)
            else:
                wanted = setting.describe_values() if setting else "a YAML file"
                raise self._error(f"{flag} without a value", wanted)
        if setting is not None:
            return {name: _Given(value)}
        path, content = read_settings(value)
        return dict(self._flatten(content, path))

    def _read_plain(self, plain: list[str]) -> dict[str, _Given]:
        """Return what words without a flag give."""
        taking = self._taking_words
        if taking is not None and taking.is_list:
            return {taking.name: _Given(plain)}
        if taking is not None and len(plain) == 1:
            return {taking.name: _Given(plain[0])}
        raise self._stray(plain[0] if taking is None else plain[1])

    def _flatten(
        self, content: Mapping[str, Any], path: Path, prefix: str = ""
    ) -> Iterator[tuple[str, _Given]]:
        """Yield the settings of a nested mapping, with their full names."""
        for key, value in content.items():
            name = f"{prefix}{key}".replace("-", "_")
            if name in self._settings:
                yield name, _Given(value, f" in {path}")
            elif not any(each.startswith(f"{name}.") for each in self._settings):
                raise self._error(f"unknown setting {name} in {path}", self._nearest(name))
            elif isinstance(value, dict):
                yield from self._flatten(value, path, f"{name}.")
            else:
                raise self._error(f"{name}: {value} in {path}", f"the settings of {name} below it")

    def _plain(self, setting: Setting, given: _Given) -> Any:
        """Return a value as jsonargparse takes it; ConfigError for nothing where that is wrong."""
        value = given.value
        if setting.is_list and isinstance(value, str) and not value.startswith("["):
            return value.split(",") if value else []
        # YAML writes null in three ways; on a command line `~` is the home folder.
        nothing = ("", "~", "null") if given.where else ("", "null")
        if str not in setting.kinds and not setting.is_list and value in nothing:
            if NoneType not in setting.kinds or (value == "" and not given.where):
                raise self._wrong_value(setting, given)
            return None
        # jsonargparse refuses text that is not UTF-8, as names of files may be, but no Path.
        return _path(value) if Path in setting.kinds and isinstance(value, str) else value

    def _stray(self, word: str) -> ConfigError:
        paths = [each.name for each in self._settings.values() if Path in each.kinds]
        likely = paths[0] if paths and self._taking_words is None else "FLAG"
        return self._error(
            f"{word!r} without a flag", f"a flag before it, such as --{likely} {word}"
        )

    def _unknown(self, flag: str) -> ConfigError:
        name = flag.lstrip("-").replace("-", "_")
        switch = self._settings.get(name.removeprefix("no_"))
        if not flag.startswith("--") and self._taking_words is not None:
            wanted = f"flags with two dashes, or ./{flag} for a file of that name"
        elif switch is not None and switch.kind is bool:
            wanted = f"--{switch.name} false"
        else:
            wanted = self._nearest(name, "--")
        return self._error(f"unknown flag {flag}", wanted)

    def _nearest(self, name: str, dashes: str = "") -> str:
        """Return what is wanted in place of an unknown name: the most similar one, if any."""
        known = [*self._settings, "config"]
        end = name.rpartition(".")[2]
        near = [each for each in known if each.rpartition(".")[2] == end]
        near = near or get_close_matches(name, known, n=1)
        return f"{dashes}{near[0]}, the nearest known one" if near else "one that --help lists"

    def _wrong_value(self, setting: Setting, given: _Given) -> ConfigError:
        shown = re.sub(r"(?s)(.{80}).+", r"\1...", str(given.value)) or "''"
        return self._error(f"{setting.flag} {shown}{given.where}", setting.describe_values())

    def _error(self, found: str, wanted: str) -> ConfigError:
        return ConfigError(f"{self._prog}: {found}", wanted, f"see {self._prog} --help")


def _find_choice(options: Sequence[str], key: str) -> str | None:
    """Return the last value of a setting in flags and --config files, None where it has none."""
    found: str | None = None
    for word, after in zip(options, [*options, ""][1:], strict=True):
        flag, has_value, text = word.partition("=")
        value: Any = text if has_value else after
        if flag.replace("-", "_") == f"__{key}":
            found = value
        elif flag == "--config" and value and not value.startswith("--"):
            _, value = read_settings(value)
            for part in key.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            found = found if value is None else str(value)
    return found


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"a.b": 1} as {"a": {"b": 1}}."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *groups, last = name.split(".")
        place = nested
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return nested


def _build(
    config_class: type[C], values: Namespace, chosen: Mapping[str, type[Any]], prefix: str = ""
) -> C:
    """Return the dataclass of these values; ConfigError where they contradict each other."""
    hints = get_type_hints(config_class)
    made: dict[str, Any] = {}
    for field in fields(cast(Any, config_class)):
        name = f"{prefix}{field.name}"
        kind = chosen.get(name, hints[field.name])
        value = values[field.name]
        if is_dataclass(kind):
            value = _build(cast(type[Any], kind), value, chosen, f"{name}.")
        made[field.name] = value
    return config_class(**made)


def _path(text: str) -> Path:
    """Return a path, below the home folder where it begins with ~.

    Inside quotes, and after the = of make's variables, a shell leaves ~ to the command.
    """
    path = Path(text)
    return path.expanduser() if path.parts[:1] == ("~",) and not path.exists() else path
