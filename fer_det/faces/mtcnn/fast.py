"""The fast cascade of MTCNN in PyTorch, each thread running torch's operators alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from fer_det.faces.mtcnn.fast_cascade import (
    FastCascade,
    Floats,
    Mapped,
    Nets,
    SizeToSide,
    default_smallest,
)
from fer_det.faces.mtcnn.networks import ONet, PNet, RNet
from fer_det.faces.mtcnn.weights import load_weights


class FastMtcnn(FastCascade):
    """FastCascade with the weights of mtcnn 1.0.0. Raises as Mtcnn does."""

    def __init__(
        self, smallest_face: SizeToSide = default_smallest, threads: int | None = None
    ) -> None:
        """threads: as many as torch uses by default."""
        nets = (
            PNet(load_weights("pnet")),
            RNet(load_weights("rnet")),
            ONet(load_weights("onet")),
        )
        super().__init__(
            Nets(*(partial(_ask, net) for net in nets)),
            smallest_face,
            threads or torch.get_num_threads(),
        )

    @contextmanager
    def _workers(self) -> Iterator[Mapped]:
        before = torch.get_num_threads()
        try:
            # The setting is the process's and not the thread's, so it is put back at the end.
            torch.set_num_threads(1)
            if self._threads == 1:
                yield map
            else:
                alone = partial(torch.set_num_threads, 1)
                with ThreadPoolExecutor(self._threads, initializer=alone) as pool:
                    yield pool.map
        finally:
            torch.set_num_threads(before)


@torch.inference_mode()
def _ask(net: Callable[[Tensor], tuple[Tensor, ...]], pictures: Floats) -> tuple[Floats, ...]:
    # A view of the pixels as they lie, which is channels_last.
    return tuple(answer.numpy() for answer in net(torch.from_numpy(pictures).permute(0, 3, 1, 2)))
