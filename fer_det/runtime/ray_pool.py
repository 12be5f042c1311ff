"""The same work on many items on the nodes of a Ray cluster; see pool.py for one machine.

A Ray task is a few items. Tasks of a node that is lost are done again on the others, so a function
must give the same results, and write the same files, each time it is called with an item.
"""

from __future__ import annotations

import logging
import os
import platform
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from fer_det.errors import ConfigError, DatasetNotFoundError, WorkerError

T = TypeVar("T")
R = TypeVar("R")

RETRIES = 5
"""How often a task is tried again after its node or its process was lost."""
SECONDS_TO_ANSWER = 10
"""How long the cluster's address is waited for."""
TASKS_A_CORE = 2
"""Tasks that are handed to Ray for each core, so that none waits for its next one."""
ITEMS_A_TASK = 8
"""Items of a task at most: a task costs some milliseconds, and all its items are done again."""


@contextmanager
def connect(address: str | None) -> Iterator[None]:
    """Be connected to a Ray cluster while the block runs; a connection that exists is used.

    address: HOST:PORT; None for RAY_ADDRESS, a cluster that was started on this machine, or a new
    one of its cores. Raises ConfigError where there is no cluster.
    """
    # Ray sends figures about its use to its authors unless it is asked not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        yield
        return
    try:
        _knock(address or os.environ.get("RAY_ADDRESS", ""))
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        where = address or os.environ.get("RAY_ADDRESS", "on this machine")
        raise ConfigError(
            f"no Ray cluster {where} ({str(error).partition(chr(10))[0]})",
            "the address of a running cluster with this version of Ray and of Python",
            "check --address, or start the cluster with: ray start --head",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError where nobody answers at HOST:PORT, which Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()


def map_on_ray(
    function: Callable[[T], R],
    items: Sequence[T],
    tasks: int | None = None,
    gpus: int = 0,
    shared: Sequence[Path] = (),
) -> Iterator[R]:
    """Yield function(item) for each item, in the order of the items; a task takes one core.

    tasks: how many are handed to Ray at a time; None: TASKS_A_CORE for each core that the cluster
    has at that moment. gpus: of each task. shared: files and folders that each node must see. An
    exception of the function is raised here; tasks that Ray then has end with the connection.
    Raises WorkerError where a task's process or node was lost too often, and DatasetNotFoundError
    where a node lacks one of `shared`. To be called within `connect`.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError

    place = Path.cwd(), [path.absolute() for path in shared]
    remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(_work)
    work = ray.put((function, *place))
    # Several tasks for each core, so that at the end no node works alone for long.
    size = max(1, min(ITEMS_A_TASK, len(items) // (4 * TASKS_A_CORE * _cores())))
    begun: dict[Any, int] = {}
    done: dict[int, list[R]] = {}
    handed = wanted = 0
    try:
        while wanted < len(items):
            limit = tasks or TASKS_A_CORE * _cores()
            while handed < len(items) and len(begun) < limit:
                begun[remote.remote(work, items[handed : handed + size])] = handed
                handed += size
            for each in ray.wait(list(begun), num_returns=1)[0]:
                done[begun.pop(each)] = ray.get(each)
            while wanted in done:
                yield from done.pop(wanted)
                wanted += size
    except RayTaskError as error:
        raise error.cause from error
    except RayError as error:
        raise WorkerError(
            f"the cluster lost a task {RETRIES + 1} times ({type(error).__name__})",
            "nodes that stay, with memory for their tasks",
            "run the same command again to continue",
        ) from error


def _cores() -> int:
    """How many cores the cluster has at this moment; 1 while it has none."""
    import ray

    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _work(work: tuple[Callable[[T], R], Path, Sequence[Path]], items: Sequence[T]) -> list[R]:
    """What a node does with a task; relative paths mean the same as where the command runs."""
    import cv2

    function, folder, shared = work
    absent = [path for path in (folder, *shared) if not path.exists()]
    if absent:
        raise DatasetNotFoundError(
            f"the node {platform.node()} has no {absent[0]}",
            "the same folders under the same paths on all nodes of the cluster",
            "mount the shared folder there, or take the node out of the cluster",
        )
    os.chdir(folder)
    # One process a core is enough; OpenCV's own threads would compete with the other tasks.
    cv2.setNumThreads(0)
    return list(map(function, items))
