"""Memory of this process, without importing torch."""

from __future__ import annotations

import ctypes
import sys

# Parameters of mallopt in glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Make this process, and those it forks, keep the memory they free; return whether they can.

    A training step frees and allocates the same large tensors again and again. By default glibc
    returns each to the system, which fills it with zeros, page by page, at the next allocation:
    a tenth to a half of a step's time. The peak of memory stays about the same, and results are
    the same to the last bit. Only glibc has the setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    # No allocation by mmap, which would be returned when it is freed; -1: never trim the heap.
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
