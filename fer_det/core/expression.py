"""The expressions and their numbers, in RAF-DB's order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum


class Expression(IntEnum):
    """An expression and its number, as in RAF-DB's list; 0 is the detector's background.

    Contempt is not one of RAF-DB's seven. Data sets that have it (CK+, AffectNet, FERPlus) give it
    the number 8; their readers leave it out unless an option keeps it.
    """

    SURPRISE = 1
    FEAR = 2
    DISGUST = 3
    HAPPINESS = 4
    SADNESS = 5
    ANGER = 6
    NEUTRAL = 7
    CONTEMPT = 8

    @property
    def label(self) -> str:
        """The name written into VOC files and tables."""
        return self.name.lower()

    @classmethod
    def from_label(cls, label: str) -> Expression:
        """Return the expression of that name; KeyError where there is none."""
        return cls[label.upper()]


BACKGROUND = 0

BASIC_EXPRESSIONS: tuple[Expression, ...] = tuple(Expression)[:7]
"""RAF-DB's seven."""

_EXPRESSION_WORDS: Mapping[Expression, str] = {
    Expression.SURPRISE: "surprise surprised surprising",
    Expression.FEAR: "fear fearful afraid scared frightened",
    Expression.DISGUST: "disgust disgusted",
    Expression.HAPPINESS: "happiness happy joy joyful",
    Expression.SADNESS: "sadness sad sorrow",
    Expression.ANGER: "anger angry",
    Expression.NEUTRAL: "neutral neutrality",
    Expression.CONTEMPT: "contempt contemptuous",
}
EXPRESSION_WORDS: Mapping[str, Expression] = {
    word: expression for expression, words in _EXPRESSION_WORDS.items() for word in words.split()
}
"""Word in lower case -> expression."""


def expression_of_word(text: str) -> Expression | None:
    """The expression that a folder's or a list's word names; 'Happy', '3_happy' and '03 HAPPY' too.

    None for any other word.
    """
    word = re.sub(r"^\d+[\s_.-]*", "", text.strip().lower())
    return EXPRESSION_WORDS.get(word)
