from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data.voc_tree import drawn_face
from torch import Tensor, nn

from fer_det.checkpoint import Checkpoint, save_checkpoint
from fer_det.config import ModelConfig
from fer_det.errors import ImageError, WeightsError, WeightsNotFoundError
from fer_det.image import encode_jpeg, load_rgb8
from fer_det.inference.predictor import Predictor
from fer_det.models import build_model

CLASSES = ("fear", "anger")
SIZE = 64
CONFIG = ModelConfig(input_size=SIZE, head_width=16, batch_norm=False)


class Stub(nn.Module):
    """Answers two faces and keeps what it was shown."""

    shown: Tensor

    def forward(self, batch: Tensor) -> list[dict[str, Tensor]]:
        self.shown = batch
        boxes = torch.tensor([[8.0, 16.0, 32.0, 48.0], [0.0, 0.0, 90.0, 70.0]])
        return [
            {
                "boxes": boxes,
                "scores": torch.tensor([0.9, 0.4]),
                "labels": torch.tensor([2, 1]),
                "probabilities": torch.tensor([[0.25, 0.75], [0.5, 0.5]]),
            }
        ]


def predictor(stub: Stub) -> Predictor:
    return Predictor(stub, Checkpoint(model={}, config=CONFIG, classes=CLASSES))


def test_boxes_come_back_in_the_picture_s_pixels() -> None:
    pixels = np.zeros((64, 128, 3), np.uint8)
    first, second = predictor(Stub())(pixels, min_score=0.0)
    assert first.box.as_tuple() == (16.0, 32.0, 64.0, 64.0)
    assert second.box.as_tuple() == (0.0, 0.0, 128.0, 64.0)
    assert first.expression == "anger"
    assert first.probabilities == {"fear": 0.25, "anger": 0.75}
    assert first.score == pytest.approx(0.9)


def test_unsure_faces_are_left_out() -> None:
    assert len(predictor(Stub())(np.zeros((64, 64, 3), np.uint8))) == 1
    assert predictor(Stub())(np.zeros((64, 64, 3), np.uint8), min_score=0.95) == []


def test_the_model_is_shown_the_scaled_picture_in_0_to_1() -> None:
    stub = Stub()
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[..., 0] = 255
    predictor(stub)(pixels)
    assert stub.shown.shape == (1, 3, SIZE, SIZE)
    upper, lower = stub.shown[0, :, :31], stub.shown[0, :, 33:]
    assert torch.equal(upper[0], torch.ones(31, SIZE))
    assert torch.equal(upper[1:], torch.zeros(2, 31, SIZE))
    # The picture is twice as wide as high: what lies below it is the mean colour.
    assert torch.equal(lower, torch.full_like(lower, CONFIG.padding[0] / 255))


def test_a_file_and_its_pixels_give_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build_model(CONFIG, CLASSES)
    save_checkpoint(tmp_path / "best.pth", Checkpoint(model.state_dict(), CONFIG, CLASSES))
    (tmp_path / "gray.jpg").write_bytes(encode_jpeg(drawn_face(0)))
    loaded = Predictor.from_checkpoint(tmp_path / "best.pth")
    found = loaded(tmp_path / "gray.jpg", min_score=0.0)
    assert found
    assert loaded(load_rgb8(tmp_path / "gray.jpg"), min_score=0.0) == found
    for face in found:
        assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)


def test_files_that_are_not_there_or_broken(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError):
        Predictor.from_checkpoint(tmp_path / "absent.pth")
    (tmp_path / "page.jpg").write_text("<html>")
    with pytest.raises(ImageError):
        predictor(Stub())(tmp_path / "page.jpg")


def test_classifier_finds_no_faces(tmp_path: Path) -> None:
    config = ModelConfig(name="vgg16_classifier", input_size=SIZE, head_width=16)
    save_checkpoint(tmp_path / "best.pth", Checkpoint({}, config, CLASSES))
    with pytest.raises(WeightsError, match=r"best.pth is a classifier, which finds no faces"):
        Predictor.from_checkpoint(tmp_path / "best.pth")
