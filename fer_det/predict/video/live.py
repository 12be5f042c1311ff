"""Keep up with a camera: hand on its newest frame and drop the older ones."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


def newest(items: Iterator[T]) -> Iterator[T]:
    """Take `items` in a thread of its own, and yield the newest one whenever the caller asks.

    The last one is always yielded. An error of `items` is raised here. When the caller ends, so
    does the thread, after the item that it waits for; `items` is then closed.
    """
    reader = _Reader(items)
    reader.thread.start()
    try:
        yield from reader.take()
    finally:
        reader.stop()


class _Reader(Generic[T]):
    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._changed = threading.Condition()
        self._waiting: list[T] = []
        """The newest item, or none if it was taken."""
        self._error: BaseException | None = None
        self._ended = self._stopped = False
        self.thread = threading.Thread(target=self._read, name="camera", daemon=True)

    def take(self) -> Iterator[T]:
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait()
                if not self._waiting:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._waiting.pop()
            yield item

    def stop(self) -> None:
        self._stopped = True
        self.thread.join()

    def _read(self) -> None:
        try:
            for item in self._items:
                with self._changed:
                    self._waiting = [item]
                    self._changed.notify()
                if self._stopped:
                    break
        except Exception as error:  # It is raised where the items are taken.
            self._error = error
        finally:
            if isinstance(self._items, Generator):
                self._items.close()
            with self._changed:
                self._ended = True
                self._changed.notify()
