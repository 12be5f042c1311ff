"""McNemar's exact test compared with its definition, computed with whole numbers.

Of the n faces that only one of two runs predicts correctly, each is equally likely of either kind
under the null hypothesis. The two-sided p-value is twice the probability of at most min(b, c) heads
in n = b + c tosses of a fair coin, and at most 1. The function mcnemar(table, exact=True) of
statsmodels has the same definition.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction

import pytest

from fer_det.evaluation.comparison import mcnemar_exact


def definition(only_first: int, only_second: int) -> Fraction:
    """Return the p-value exactly; each binomial coefficient comes from the one before."""
    n, fewer = only_first + only_second, min(only_first, only_second)
    tail = coefficient = 1
    for heads in range(fewer):
        coefficient = coefficient * (n - heads) // (heads + 1)
        tail += coefficient
    return min(Fraction(1), Fraction(2 * tail, 2**n))


@pytest.mark.parametrize(
    ("only_first", "only_second"),
    [
        (0, 0),
        (0, 1),
        (1, 0),
        (0, 5),
        (3, 3),
        (6, 16),
        (34, 44),
        (121, 59),
        (0, 60),
        (700, 801),
        (2000, 3000),
        (6000, 6100),
    ],
)
def test_agrees_with_the_definition(only_first: int, only_second: int) -> None:
    expected = float(definition(only_first, only_second))
    assert mcnemar_exact(only_first, only_second) == pytest.approx(expected, rel=1e-9)


def test_by_hand() -> None:
    # At most one of 4 coins shows the rarer side: 2 * (1 + 4) / 16.
    assert mcnemar_exact(1, 3) == 0.625
    assert definition(1, 3) == Fraction(5, 8)


def calls(function: Callable[[], object]) -> int:
    """Count the calls of Python and C functions; a measure of work that no busy machine changes."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def test_the_work_does_not_grow_with_the_faces() -> None:
    mcnemar_exact(1, 3)  # Imports scipy.
    few, many = (calls(lambda n=n: mcnemar_exact(50 * n, 60 * n)) for n in (1, 110))
    # 110 and 12,100 faces. A sum over the tail needs at least one call for each term: 5,500.
    assert many < 2 * few
    assert many < 5000


def test_the_measure_of_work_notices_a_sum() -> None:
    few, many = (calls(lambda n=n: [abs(term) for term in range(n)]) for n in (110, 12_100))
    assert many > 50 * few
