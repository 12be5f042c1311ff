"""McNemar's exact test against scipy's binomial test, which is its definition.

The split of the faces that only one of two runs has right is a fair coin's under the null
hypothesis, so the two-sided p-value is that of scipy.stats.binomtest(b, b + c, 0.5). statsmodels'
mcnemar(table, exact=True) computes the same from the same binomial tail.
"""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from fer_det.evaluation.paired import mcnemar_exact


@pytest.mark.parametrize(
    ("only_first", "only_second"),
    [(0, 1), (1, 0), (0, 5), (3, 3), (6, 16), (34, 44), (121, 59), (0, 60), (700, 801)],
)
def test_agrees_with_scipy(only_first: int, only_second: int) -> None:
    wanted = binomtest(only_first, only_first + only_second, 0.5).pvalue
    assert mcnemar_exact(only_first, only_second) == pytest.approx(wanted, rel=1e-9)


def test_by_hand() -> None:
    # Of 4 coins at most one shows the same side: 2 * (1 + 4) / 16.
    assert mcnemar_exact(1, 3) == 0.625
    assert mcnemar_exact(0, 0) == 1.0


def test_a_large_test_set_is_no_trouble() -> None:
    assert 0 < mcnemar_exact(2000, 3000) < 1e-40
