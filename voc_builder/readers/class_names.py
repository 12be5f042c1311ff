"""The words and numbers by which copies of data sets name splits and classes.

Words for expressions are in fer_det.core.expression.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Literal

from fer_det.core.sample import Split

Numbering = Literal["from_one", "from_zero", "either", "neither"]

_NO_EXPRESSION_WORDS = (
    "none uncertain unknown unsure other others nonface noface notface nf unlabelled unlabeled"
)
NO_EXPRESSION_WORDS = frozenset(_NO_EXPRESSION_WORDS.split())
"""Words, without separators, of labels that name no expression."""

_SPLIT_WORDS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_SPLIT_SUFFIXES = ("", "set", "data", "images", "pictures", "split", "folder", "dir", "new")


def names_no_expression(text: str) -> bool:
    """Whether a word is one of NO_EXPRESSION_WORDS, with or without separators."""
    return re.sub(r"[^a-z]", "", text.lower()) in NO_EXPRESSION_WORDS


def split_of_word(text: str) -> Split | None:
    """The split that a word names: 'Training', 'val_set', 'test-images', ...; None for others."""
    word = re.sub(r"[^a-z]", "", text.lower())
    for suffix in _SPLIT_SUFFIXES:
        if word.endswith(suffix) and word.removesuffix(suffix) in _SPLIT_WORDS:
            return _SPLIT_WORDS[word.removesuffix(suffix)]
    return None


def split_of_folders(path: PurePosixPath) -> Split | None:
    """The split that the nearest folder above a file names, None where none does."""
    splits = (split_of_word(folder) for folder in path.parts[-2::-1])
    return next((split for split in splits if split is not None), None)


def tell_numbering(codes: Collection[int], count: int) -> Numbering:
    """Whether codes of `count` classes run from 1 to `count` or from 0 to `count` - 1.

    "either" where the codes fit both, "neither" where they fit none.
    """
    if not all(0 <= code <= count for code in codes) or {0, count} <= set(codes):
        return "neither"
    if 0 in codes:
        return "from_zero"
    return "from_one" if count in codes else "either"
