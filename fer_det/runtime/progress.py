"""What commands print while they work: lines that any terminal takes, and progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 10.0
LONGEST_LINE = 1000
"""Characters; a longer line loses its middle."""


def print_line(text: str, stream: TextIO | None = None) -> None:
    """Print one line to `stream` (default: stdout), whatever its encoding is, and flush.

    Line breaks and other control characters are escaped, as in printable(). Characters that the
    encoding lacks are escaped too, and a line of more than LONGEST_LINE characters is shortened.
    Raises OSError where the stream cannot be written.
    """
    stream = sys.stdout if stream is None else stream
    line = printable(text)
    if len(line) > LONGEST_LINE:
        half = LONGEST_LINE // 2
        line = f"{line[:half]} ... {line[-half:]}"
    encoding = getattr(stream, "encoding", None) or "utf-8"
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    print(line, file=stream, flush=True)


def printable(text: str) -> str:
    r"""Return `text` with escapes for what a terminal should not be sent.

    File names may hold any bytes: those that are not UTF-8 become \xe9, a line break becomes \n,
    and control characters, also those that change the direction of writing, become their escapes.
    """
    try:
        data = text.encode("utf-8", "surrogateescape")  # As Python holds names that are not UTF-8.
    except UnicodeEncodeError:
        data = text.encode("utf-8", "backslashreplace")
    decoded = data.decode("utf-8", "backslashreplace")
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in decoded
    )


def track(
    items: Iterable[T], total: int | None, title: str, unit: str, start: int = 0
) -> Iterator[T]:
    """Yield `items` and show on stderr how many of `total` are done, the rate and the time left.

    On a terminal this is a bar; elsewhere a plain line at once, one every SECONDS_BETWEEN_LINES,
    and one at the end. total: None where it is unknown. start: how many an earlier run has done.
    """
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=title, unit=f" {unit}", initial=start)
        return
    began = last = time.monotonic()
    done = start
    of_total = "" if total is None else f"/{total}"
    print_line(f"{title}: {done}{of_total} {unit}", sys.stderr)
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            rate = (done - start) / (now - began)
            # The first item's time holds the start of the work: no measure of the others.
            left = ""
            if total is not None and done - start > 1:
                left = f", {format_seconds((total - done) / rate)} left"
            print_line(f"{title}: {done}{of_total} {unit}, {rate:.1f}/s{left}", sys.stderr)
    spent = format_seconds(time.monotonic() - began)
    print_line(f"{title}: {done}{of_total} {unit} done in {spent}", sys.stderr)


def format_seconds(seconds: float) -> str:
    """Return '42 s', '3 min 5 s' or '2 h 10 min'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
