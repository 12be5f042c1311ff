"""How long work shows that it goes on: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 10.0


def track(
    items: Iterable[T], total: int | None, title: str, unit: str, start: int = 0
) -> Iterator[T]:
    """Yield `items` while showing on stderr how many of `total` are done, the rate and the rest.

    total: None where nobody knows. start: how many were done before, by an earlier run.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=title, unit=f" {unit}", initial=start)
        return
    began = last = time.monotonic()
    done = start
    of_total = "" if total is None else f"/{total}"
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            rate = (done - start) / (now - began)
            left = "" if total is None else f", {format_seconds((total - done) / rate)} left"
            print(f"{title}: {done}{of_total} {unit}, {rate:.1f}/s{left}", file=sys.stderr)
    spent = format_seconds(time.monotonic() - began)
    print(f"{title}: {done}{of_total} {unit} done in {spent}", file=sys.stderr)


def format_seconds(seconds: float) -> str:
    """'42 s', '3 min 5 s' or '2 h 10 min'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
