"""What a model is shown of a face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.config.predict import FaceOptions
from fer_det.core.box import FaceBox
from fer_det.faces.detector import DetectedFace, FaceDetector
from fer_det.predict.pixels import Pixels
from fer_det.predict.runner import Answer, Runner


class Recording(Runner):
    """Keeps the squares that it is shown."""

    def describe(self) -> str:
        return "records"

    def make_detector(self, options: FaceOptions) -> FaceDetector:
        raise AssertionError(options)

    def _run(
        self, inputs: Sequence[Pixels], targets: Sequence[NDArray[np.float32]] | None = None
    ) -> list[Answer]:
        self.shown = list(inputs)
        return [{"target_probabilities": np.ones((1, 1), np.float32)} for _ in inputs]


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.0, 2.0])
def test_a_tilted_face_of_a_large_picture_has_its_surroundings(margin: float) -> None:
    """Of such a picture only a part is scaled, which holds the corners of the turned square."""
    picture = np.full((2100, 2100, 3), 200, np.uint8)
    eyes = ((1000.0, 1000.0), (1040.0, 1040.0))
    face = DetectedFace(FaceBox(980, 960, 1080, 1080), 0.9, (*eyes, *eyes[:1] * 3))
    runner = Recording(("fear",), 48, (0, 0, 0), margin)
    runner.classify([picture], [[face]], 1, upright_above=15)
    assert runner.shown[0].min() == 200
