"""The same work on many items in several processes, which end when their parent does."""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from fer_det.errors import WorkerError

T = TypeVar("T")
R = TypeVar("R")


def map_in_processes(
    function: Callable[[T], R], items: Sequence[T], workers: int, chunk: int | None = None
) -> Iterator[R]:
    """Yield function(item) for each item in its order, from `workers` processes.

    chunk: how many items a process takes at a time; None: chosen by their number. With 0 or 1
    workers everything happens in this process. What the function raises is raised here, and the
    items not yet begun are then left. Raises WorkerError where a process is killed.
    """
    if workers <= 1 or len(items) <= 1:
        yield from map(function, items)
        return
    # Started anew rather than forked: a fork copies locks that threads of ours may hold.
    context = multiprocessing.get_context("spawn")
    processes = min(workers, len(items))
    # Small enough to keep the last items from waiting behind one process.
    chunk = chunk or max(1, min(16, len(items) // (processes * 4)))
    try:
        with ProcessPoolExecutor(processes, context, _prepare_worker) as pool:
            yield from pool.map(function, items, chunksize=chunk)
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process died",
            "every worker to finish its work",
            "type the same command again to go on, with fewer --workers if memory ran out",
        ) from error


def available_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _prepare_worker() -> None:
    import cv2

    # All that a worker has done is handed over by then; taking torch down would last a second.
    atexit.register(os._exit, 0)
    # One process a core is the plan; OpenCV's threads would fight over them.
    cv2.setNumThreads(0)
    # Ctrl-C reaches every process of the terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent cannot say goodbye: without this its workers would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
