"""Converting batches of pictures in several processes, each with a detector of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from fer_det.faces.detector import FaceDetector
from fer_det.io.voc import VocFolder
from fer_det.runtime.pool import map_in_processes
from voc_builder.build.convert import BoxChoice, Converter, WorkItem
from voc_builder.build.manifest import Record


def load_mtcnn() -> FaceDetector:
    """MTCNN on one thread: the workers share the cores among themselves.

    One thread also makes the answers the same with any number of workers. The process keeps the
    memory that it frees, since the same pyramid comes again and again.
    """
    import cv2
    import torch

    from fer_det.faces.mtcnn.cascade import Mtcnn
    from fer_det.runtime.device import keep_freed_memory

    keep_freed_memory()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return Mtcnn()


@dataclass(frozen=True)
class ConverterPlan:
    """All that a process needs to make its converter."""

    out: Path
    boxes: BoxChoice
    coarse_first: bool
    load_detector: Callable[[], FaceDetector] = load_mtcnn
    """A module's own function, so that it can travel to a process."""


def convert_batches(
    plan: ConverterPlan, batches: Sequence[Sequence[WorkItem]], workers: int
) -> Iterator[list[Record]]:
    """Yield the records of each batch in its order, each as soon as it is done.

    workers: how many processes; 0 and 1 work in this one. Raises WorkerError where a process dies.
    """
    # Batch by batch, so that a build that is killed loses no more than those in hand.
    return map_in_processes(partial(_convert, plan), batches, workers, chunk=1)


def _convert(plan: ConverterPlan, items: Sequence[WorkItem]) -> list[Record]:
    return _make_converter(plan).convert(items)


@cache
def _make_converter(plan: ConverterPlan) -> Converter:
    """Made once a process, at its first batch, where an error still reaches the user as itself."""
    folder = VocFolder.create(plan.out)
    return Converter(folder, plan.load_detector(), plan.boxes, plan.coarse_first)
