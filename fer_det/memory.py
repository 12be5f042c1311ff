"""Freed memory kept for the next use, where the C library would hand it back to the system.

A step of training frees and takes the same large tensors again and again. glibc returns each of
them to the system, which fills it with zeros, page by page, when it is taken next: a tenth to a
half of a step's time, and with a head of 4096 most of what the arithmetic does not account for.
"""

from __future__ import annotations

import ctypes
import sys

# glibc's malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Let this process, and those that it forks, keep what they free; -> whether they can.

    The most memory that it holds at a time stays about the same; it only holds it to its end. What
    is computed is the same to the last digit. Other C libraries than glibc are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    # Nothing by mmap, which is always handed back, and -1: nothing off the top of the heap.
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
