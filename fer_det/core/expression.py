"""The expressions and their numbers, in RAF-DB's order."""

from __future__ import annotations

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
