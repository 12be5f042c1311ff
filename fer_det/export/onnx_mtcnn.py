"""MTCNN without PyTorch: its three ONNX files in the fast cascade."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_det.errors import WeightsNotFoundError
from fer_det.export.sessions import Engine, open_session
from fer_det.faces.mtcnn.fast_cascade import (
    FastCascade,
    Floats,
    Net,
    Nets,
    SizeToSide,
    default_smallest,
)
from fer_det.io.files import find_shipped
from fer_det.runtime.pool import available_cores

FOLDER = "weights/mtcnn"
"""Of pnet.onnx, rnet.onnx and onet.onnx, as `fer-det export --to mtcnn` writes them."""


class OnnxMtcnn(FastCascade):
    """The same as FastMtcnn, to the last digits of the networks' answers."""

    def __init__(
        self,
        smallest_face: SizeToSide = default_smallest,
        threads: int | None = None,
        folder: Path | None = None,
        engine: Engine = "onnx",
    ) -> None:
        """threads: one for each core by default. folder: the shipped one by default.

        Raises what open_session does.
        """
        folder = folder or find_shipped(FOLDER)
        if folder is None:
            raise WeightsNotFoundError(
                f"{FOLDER} is not there",
                "MTCNN's ONNX files, which come with fer_det",
                "install fer_det again",
            )
        nets = (
            _open(folder / "pnet.onnx", [4], engine),
            _open(folder / "rnet.onnx", [4], engine),
            _open(folder / "onet.onnx", [4, 14], engine),
        )
        super().__init__(Nets(*nets), smallest_face, threads or available_cores())


def _open(path: Path, cuts: list[int], engine: Engine) -> Net:
    """cuts: channels at which offsets, landmarks and logit are taken apart."""
    # The cascade has its own threads.
    session = open_session(path, engine, threads=1)

    def ask(pictures: Floats) -> tuple[Floats, ...]:
        planes = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
        (answers,) = session.run(planes)
        *parts, logits = np.split(np.moveaxis(answers, 1, -1), cuts, axis=-1)
        return (*parts, logits[..., 0])

    return ask
