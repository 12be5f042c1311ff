"""What is done about memory: freed blocks are kept, and nothing is looked for at the very end.

A step of training frees and takes the same large tensors again and again. glibc returns each of
them to the system, which fills it with zeros, page by page, when it is taken next: a tenth to a
half of a step's time, and with a head of 4096 most of what the arithmetic does not account for.

Python looks for cyclic garbage more than once before a process ends. Through all that torch and
torchvision define, this takes a second, which every command and every worker would wait for.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
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


def skip_last_collections() -> None:
    """Let this process end without looking for garbage; the system takes its memory anyhow.

    What is to happen at exit still does: buffers, temporary folders and the like have their own
    means.
    """
    atexit.register(gc.freeze)
