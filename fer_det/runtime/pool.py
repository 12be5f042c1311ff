"""The same work on many items in several processes, which end when their parent process ends.

`open_pool` does it on this machine or, see ray_pool.py, on several.
"""

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
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from fer_det.config.engine import EngineOptions
from fer_det.errors import WorkerError

T = TypeVar("T")
R = TypeVar("R")


def map_in_processes(
    function: Callable[[T], R], items: Sequence[T], workers: int, chunk: int | None = None
) -> Iterator[R]:
    """Yield function(item) for each item, in the order of the items, from `workers` processes.

    chunk: items that a process takes at a time; None chooses it by their number. With 0 or 1
    workers all work is done in this process. An exception of the function is raised here, and items
    that no process has begun are then left. Raises WorkerError where a process is killed.
    """
    if workers <= 1 or len(items) <= 1:
        yield from map(function, items)
        return
    # Spawned rather than forked: a fork copies locks that other threads of this process may hold.
    context = multiprocessing.get_context("spawn")
    processes = min(workers, len(items))
    # Small chunks, so that at the end no process works alone for long.
    chunk = chunk or max(1, min(16, len(items) // (processes * 4)))
    try:
        with ProcessPoolExecutor(processes, context, _prepare_worker) as pool:
            yield from pool.map(function, items, chunksize=chunk)
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process died",
            "every worker process to finish its work",
            "run the same command again to continue, with fewer --workers if memory ran out",
        ) from error


class Pool(Protocol):
    """Processes that share work out among themselves."""

    def __call__(self, function: Callable[[T], R], items: Sequence[T], /) -> Iterator[R]:
        """Yield function(item) for each item, in the order of the items."""


@contextmanager
def open_pool(
    options: EngineOptions, workers: int | None, shared: Sequence[Path] = ()
) -> Iterator[Pool]:
    """Open the pool that --engine names; see `map_in_processes` and `ray_pool.map_on_ray`.

    workers: processes, or with Ray tasks at a time; None: a process a core. shared: files and
    folders that every node of a cluster must see when its work begins. Raises ConfigError where
    there is no cluster.
    """
    if options.engine == "ray":
        from fer_det.runtime.ray_pool import connect, map_on_ray

        with connect(options.address):
            yield lambda function, items: map_on_ray(function, items, workers, shared=shared)
        return
    processes = available_cores() if workers is None else workers
    yield lambda function, items: map_in_processes(function, items, processes, chunk=1)


def available_cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _prepare_worker() -> None:
    import cv2

    # By its exit a worker has returned all results; destroying torch's objects takes a second.
    atexit.register(os._exit, 0)
    # One process a core is enough; OpenCV's own threads would compete with the other workers.
    cv2.setNumThreads(0)
    # Ctrl-C reaches every process of the terminal; the parent alone handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """Wait for the parent's end; without this the workers of a killed parent wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
