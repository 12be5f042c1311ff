"""EmotioNet: photos from web searches with action units, fetched by their addresses.

Benitez-Quiroz, Srinivasan and Martinez, "EmotioNet: an accurate, real-time algorithm for the
automatic annotation of a million facial expressions in the wild", CVPR 2016.

    list.csv            'URL', ..., 'AU 1', 'AU 2', ...     in single quotes; 0, 1, 999 unknown
    any folder          the pictures, under the last part of their address

The list holds no expressions. The rule "ekman" makes them of action units: a face shows the
expression of the largest prototype whose units are all active, and is neutral where every unit is
known and none is active. The prototypes are the shortest ones of Ekman, Friesen and Hager, "Facial
action coding system, investigator's guide", 2002, table 10-1, without intensities.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from fer_det.core.expression import Expression
from fer_det.core.sample import Face, Sample
from fer_det.errors import ConfigError, DatasetFormatError
from voc_builder.readers.picture_index import PictureIndex, safe_id
from voc_builder.readers.table import header_word, read_text, whole_number
from voc_builder.readers.tree import Tree

TITLE = "EmotioNet"

PROTOTYPES: Mapping[Expression, tuple[tuple[int, ...], ...]] = {
    Expression.HAPPINESS: ((6, 12),),
    Expression.SURPRISE: ((1, 2, 5, 26), (1, 2, 5, 27)),
    Expression.FEAR: ((1, 2, 4, 5, 20), (1, 2, 4, 5, 25), (1, 2, 4, 5, 26), (1, 2, 4, 5, 27)),
    Expression.SADNESS: ((1, 4, 15), (6, 15)),
    Expression.DISGUST: ((9,), (10,)),
    Expression.ANGER: ((4, 5, 7, 23), (4, 5, 7, 24)),
}

_LAYOUT = "EmotioNet's list of addresses and columns 'AU 1', ..., and the pictures"
_ADDRESS_WORDS = ("url", "imageurl", "urlimage", "link")
_UNKNOWN = 999


@dataclass(frozen=True)
class Options:
    """How to read EmotioNet."""

    rule: Literal["ekman"] | None = None
    """How expressions are made of action units, as the list holds none. ekman: by the prototypes
    of Ekman's group; pictures that match none are left out."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """Nobody publishes what the rule gives."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures in the order of the lists. See Reader.read.

    Raises ConfigError without a rule.
    """
    tree = Tree(root, TITLE, _LAYOUT)
    lists = [path for path, _ in tree.take_named(r".*\.(csv|txt)") if _is_list(tree.root / path)]
    if not lists:
        raise tree.not_found(f"{root} holds no list with columns 'AU 1', 'AU 2', ...")
    if options.rule is None:
        raise ConfigError(
            "EmotioNet states action units and no expressions",
            "a rule that makes expressions of them",
            "add --emotionet_options.rule ekman, and name the rule beside the scores",
        )
    paths = [path for path, _ in tree.take_pictures(".*")]
    index = PictureIndex(tree.root, paths)
    home = paths[0].parent if paths else PurePosixPath()
    used: dict[PurePosixPath, str] = {}
    for place in lists:
        for name, units in _read_list(tree.root / place):
            path = index.find(name) or home / name
            if path in used:
                raise DatasetFormatError(
                    f"{tree.root / place} lists two addresses that end in {name}",
                    "a file name for each picture",
                    "rename the files and the ends of the addresses alike",
                )
            used[path] = name
            label = expression_of_units(units)
            if isinstance(label, str):
                yield tree.left_out("emotionet", path, label)
                continue
            yield Sample(
                sample_id=safe_id("emotionet", path.stem),
                dataset="emotionet",
                picture=tree.picture(path),
                faces=(Face(label),),
                split="train",
                attributes={
                    "action_units": " ".join(str(unit) for unit in units if units[unit] == 1),
                    "rule": options.rule,
                },
            )
    for path in paths:
        if path not in used:
            yield tree.left_out("emotionet", path, "not in the list")
    yield from tree.finish("emotionet")


def expression_of_units(units: Mapping[int, int | None]) -> Expression | str:
    """The expression that action units show by the prototypes, or why there is none.

    units: number -> 1 active, 0 not active, None unknown; absent ones are unknown.
    """
    active = {unit for unit, value in units.items() if value == 1}
    matches = {
        expression: max(len(prototype) for prototype in prototypes if active.issuperset(prototype))
        for expression, prototypes in PROTOTYPES.items()
        if any(active.issuperset(prototype) for prototype in prototypes)
    }
    if not matches:
        none = bool(units) and all(value == 0 for value in units.values())
        return Expression.NEUTRAL if none else "action units of no prototype"
    best = max(matches.values())
    found = [expression for expression, size in matches.items() if size == best]
    return found[0] if len(found) == 1 else "action units of several prototypes"


def _is_list(path: Path) -> bool:
    """Whether the first line names action units."""
    with path.open("rb") as file:
        head = file.read(4_000).partition(b"\n")[0].decode("utf-8", "replace")
    return bool(re.search(r"\bAU ?0?1\b", head, re.IGNORECASE))


def _read_list(path: Path) -> Iterator[tuple[str, dict[int, int | None]]]:
    """(file name, action unit -> 1, 0 or None) of each row."""
    # Addresses may hold commas, within single quotes.
    text = read_text(path, "EmotioNet's list")
    rows = csv.reader(text.splitlines(), quotechar="'", skipinitialspace=True)
    header = [header_word(cell) for cell in next(rows)]
    address = next((header.index(word) for word in _ADDRESS_WORDS if word in header), 0)
    columns = {
        int(word[2:]): column for column, word in enumerate(header) if re.fullmatch(r"au\d+", word)
    }
    for number, cells in enumerate(rows, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{path}, line {number}"
        if len(cells) != len(header):
            raise DatasetFormatError(
                f"{place}: {len(cells)} cells", f"{len(header)} cells", "copy the file again"
            )
        address_path = urlsplit(cells[address].strip(" '\"")).path
        name = unquote(address_path).rpartition("/")[2]
        if name in ("", ".", "..") or "\0" in name:
            raise DatasetFormatError(
                f"{place}: {cells[address]!r}", "the address of a picture", "copy the file again"
            )
        units: dict[int, int | None] = {}
        for unit, column in columns.items():
            value = whole_number(cells[column])
            if value not in (0, 1, _UNKNOWN):
                raise DatasetFormatError(
                    f"{place}: action unit {unit} is {cells[column]!r}",
                    f"0, 1 or {_UNKNOWN}",
                    "copy the file again",
                )
            units[unit] = None if value == _UNKNOWN else value
        yield name, units
