from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from fer_det.predict.video.live import newest


class Source:
    """Gives numbers as it is told to, from another thread."""

    def __init__(self) -> None:
        self.go, self.given = threading.Semaphore(0), threading.Semaphore(0)
        self.closed = False

    def items(self, count: int) -> Iterator[int]:
        try:
            for number in range(count):
                self.go.acquire()
                yield number
                # The reader has taken it and asks for the next one.
                self.given.release()
        finally:
            self.closed = True

    def give(self, count: int) -> None:
        for _ in range(count):
            self.go.release()
            self.given.acquire()


def test_what_nobody_took_in_time_is_dropped() -> None:
    source = Source()
    found = newest(source.items(12))
    source.go.release()
    assert next(found) == 0
    source.given.acquire()
    source.give(4)
    assert next(found) == 4
    source.give(1)
    assert next(found) == 5
    source.give(6)
    assert list(found) == [11]
    assert source.closed


def test_every_item_comes_where_the_caller_is_quick() -> None:
    source = Source()
    found = newest(source.items(5))
    taken = []
    for _ in range(5):
        source.go.release()
        taken.append(next(found))
        source.given.acquire()
    assert taken == list(range(5))
    assert list(found) == []


def test_an_error_comes_after_the_last_item() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("unplugged")

    found = newest(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="unplugged"):
        next(found)


def test_leaving_early_closes_it() -> None:
    source = Source()
    found = newest(source.items(100))
    source.go.release()
    assert next(found) == 0
    source.go.release(50)
    found.close()  # type: ignore[attr-defined]
    assert source.closed
    assert threading.active_count() == 1 or "camera" not in {
        thread.name for thread in threading.enumerate()
    }
