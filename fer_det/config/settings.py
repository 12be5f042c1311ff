"""The settings of a command, read from its dataclass, and the --help text about them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from argparse import ArgumentParser, HelpFormatter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    import jsonargparse

_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    NoneType: "null",
}
_SEVERAL = {int: "whole numbers", float: "numbers", str: "words", Path: "paths"}
_METAVARS = {bool: "[true|false]", int: "N", float: "X", str: "TEXT", Path: "PATH"}


@dataclass(frozen=True)
class Setting:
    """One value of a configuration: a flag on the command line and a key in YAML."""

    name: str
    """With the names of its groups, as in optimizer.learning_rate."""
    kind: Any
    """The field's type."""
    default: Any
    """MISSING where the setting is required."""
    sentence: str
    """What it means."""
    group: str
    """Title of its group in --help."""
    word: str | None
    """Name in --help of a value that is given without a flag; None for a flag."""

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The types that a union allows, or the one type."""
        is_union = get_origin(self.kind) in (Union, UnionType)
        return get_args(self.kind) if is_union else (self.kind,)

    @property
    def is_list(self) -> bool:
        """Whether it has several values, separated by commas."""
        return get_origin(self.kind) is tuple

    @property
    def flag(self) -> str:
        """The name in messages."""
        return self.word or f"--{self.name}"

    @property
    def metavar(self) -> str:
        """What --help shows in place of the value."""
        return self.word or "|".join(_metavar(kind) for kind in self.kinds if kind is not NoneType)

    def describe_values(self) -> str:
        """Return what values are accepted, for a message."""
        return " or ".join(_describe(kind) for kind in self.kinds)

    def describe(self) -> str:
        """Return the sentence, with the default where there is one, as argparse takes it."""
        shown = ""
        if self.default not in (None, MISSING, ()):
            shown = str(self.default)
            if isinstance(self.default, bool):
                shown = shown.lower()
            elif isinstance(self.default, tuple):
                shown = ",".join(map(str, self.default))
        text = f"{self.sentence} (default: {shown})" if shown else self.sentence
        return text.replace("%", "%%")


def settings_of(
    config_class: type[Any],
    chosen: Mapping[str, type[Any]],
    prefix: str = "",
    group: str = "",
    defaults: Any = None,
) -> Iterator[Setting]:
    """Yield the settings of a dataclass: required ones first, its bases' last, groups at the end.

    chosen: the dataclass of a group, by the group's name, where it is not the field's own type.
    prefix, group, defaults: for a group, the start of its names, its title, and an instance.
    """
    hints = get_type_hints(config_class)
    sentences = _sentences(config_class)
    grouped: list[tuple[type[Any], str, Any]] = []
    for field in sorted(fields(config_class), key=lambda each: _place(config_class, each)):
        name = f"{prefix}{field.name}"
        kind = chosen.get(name, hints[field.name])
        default = _default(field) if defaults is None else getattr(defaults, field.name)
        if is_dataclass(kind):
            grouped.append((cast(type[Any], kind), name, default))
            continue
        word = field.metadata.get("positional")
        sentence = field.metadata.get("help") or sentences.get(field.name, "")
        top = "arguments" if word else "required" if default is MISSING else "settings"
        yield Setting(name, kind, default, sentence, group or top, word)
    for kind, name, default in grouped:
        title = " ".join((kind.__doc__ or name).split()).partition(". ")[0].rstrip(".")
        inner = default if isinstance(default, kind) else kind()
        yield from settings_of(kind, chosen, f"{name}.", title, inner)


def make_parser(settings: Iterable[Setting]) -> jsonargparse.ArgumentParser:
    """Return jsonargparse's parser, which converts the values of these settings."""
    # A quarter of a second, which --help does not need.
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False, print_config=None, add_help=False)
    for each in settings:
        default = None if each.default is MISSING else each.default
        parser.add_argument(f"--{each.name}", type=each.kind, default=default)
    return parser


def format_help(prog: str, description: str, settings: Iterable[Setting]) -> str:
    """Return the text of --help: usage, description, and each setting in its group."""
    settings = list(settings)
    needed = [f"--{each.name} {each.metavar}" for each in settings if each.group == "required"]
    words = [f"{each.word}{' ...' * each.is_list}" for each in settings if each.word]
    parser = ArgumentParser(
        prog=prog,
        usage=" ".join([prog, *words, *needed, "[--FLAG VALUE ...]"]),
        description=" ".join(description.split()),
        formatter_class=lambda prog: HelpFormatter(prog, max_help_position=30),
        add_help=False,
    )
    groups = {title: parser.add_argument_group(title) for title in _titles(settings)}
    for each in settings:
        name = each.name if each.word else f"--{each.name}"
        groups[each.group].add_argument(name, metavar=each.metavar, help=each.describe())
    other = parser.add_argument_group("other")
    other.add_argument("-h", "--help", action="store_true", help="Show this text and exit.")
    other.add_argument(
        "--config",
        metavar="FILE",
        help="YAML file of settings, or the name of one that comes with the package, such as "
        "small_cpu; flags after it win over it. There, as in flags, - and _ are the same.",
    )
    other.add_argument(
        "--print_config", action="store_true", help="Print all settings as YAML and exit."
    )
    return parser.format_help()


def _titles(settings: Iterable[Setting]) -> list[str]:
    return list(dict.fromkeys(each.group for each in settings))


def _default(field: Field[Any]) -> Any:
    """Return the default of a field, MISSING where it has none."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _place(config_class: type[Any], field: Field[Any]) -> tuple[bool, int]:
    """Return the sort key of a field: required first, then those of the class before its bases'."""
    bases = enumerate(config_class.__mro__)
    depth = min(n for n, base in bases if field.name in vars(base).get("__annotations__", {}))
    return not _is_required(field), depth


def _sentences(config_class: type[Any]) -> dict[str, str]:
    """Return the text below each field of a dataclass and of its bases."""
    found: dict[str, str] = {}
    for base in reversed(config_class.__mro__):
        if not is_dataclass(base):
            continue
        try:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        except (OSError, TypeError):
            continue  # Of make_dataclass; its fields have their sentences in the metadata.
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for field, below in pairwise(body):
            match field, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = " ".join(text.split())
    return found


def _describe(kind: Any) -> str:
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        first = ", ".join(map(str, inner[:-1]))
        return f"{first} or {inner[-1]}" if first else str(inner[-1])
    if get_origin(kind) is tuple:
        count = "" if inner[-1] is Ellipsis else f"{len(inner)} "
        return f"{count}{_SEVERAL.get(inner[0], 'values')} separated by commas"
    return _KINDS.get(kind, "a value")


def _metavar(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        first = _metavar(inner[0])
        return f"{first},..." if inner[-1] is Ellipsis else ",".join([first] * len(inner))
    return _METAVARS.get(kind, "VALUE")
