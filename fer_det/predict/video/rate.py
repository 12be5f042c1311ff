"""How many frames a second are done just now."""

from __future__ import annotations

from collections import deque

WINDOW = 2.0
"""Seconds that are looked back on."""


class FrameRate:
    """Counts frames over the last seconds."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque()

    def tick(self, now: float) -> float:
        """One more frame ended at `now`, in seconds -> frames per second; 0 for the first."""
        self._ends.append(now)
        while len(self._ends) > 2 and now - self._ends[0] > WINDOW:
            self._ends.popleft()
        passed = now - self._ends[0]
        return (len(self._ends) - 1) / passed if passed > 0 else 0.0
