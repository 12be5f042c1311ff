"""Pictures on their side: boxes come back to the picture as it is, and expressions are upright."""

import numpy as np
import pytest
from fake_data.astronaut import portrait

from fer_det.config.predict import FaceOptions
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.io.files import find_shipped
from fer_det.predict.predictor import Predictor
from fer_det.predict.turns import is_doubtful, most_certain, turn, turn_back


def face(score: float, box: FaceBox | None = None) -> Detection:
    return Detection(box or FaceBox(0, 0, 1, 1), score, {})


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_boxes_come_back(quarters: int) -> None:
    height, width = 30, 50
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[4:9, 20:27] = 255
    turned = turn(pixels, quarters)
    rows, columns = np.nonzero(turned[..., 0])
    box = FaceBox(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    (found,) = turn_back([face(1, box)], quarters, width, height)
    assert found.box == FaceBox(20, 4, 27, 9)


def test_which_answer_is_kept() -> None:
    assert is_doubtful([])
    assert is_doubtful([face(0.9), face(0.99)])
    assert not is_doubtful([face(0.6), face(0.999)])
    one, two = [face(0.99)], [face(0.7), face(0.8)]
    assert most_certain([[], one, two]) is two
    assert most_certain([one, list(one)]) is one


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_photo_on_its_side(quarters: int) -> None:
    pytest.importorskip("onnxruntime")
    path = find_shipped("weights/expression_small.onnx")
    assert path is not None
    whole = portrait()
    predictor = Predictor.from_checkpoint(path, options=FaceOptions(rotate="auto"))
    (found,) = predictor(turn(whole, quarters))
    assert found.expression == Expression.HAPPINESS
    assert found.score > 0.99
    (upright,) = turn_back([found], quarters, 320, 320)
    assert upright.box.iou(FaceBox(113, 38, 167, 107)) > 0.7
    assert predictor.for_videos().options.rotate == "never"
    assert predictor.found_by == {"model": 0, "mtcnn": 1}
