from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data.voc_tree import drawn_face
from PIL import Image
from torch import Tensor, nn

from fer_det.core.expression import Expression
from fer_det.errors import ConfigError, ImageError, WeightsError, WeightsNotFoundError
from fer_det.imaging.decode import encode_jpeg, load_rgb8
from fer_det.models import build_model
from fer_det.models.vgg16_classifier.config import Config as ClassifierConfig
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.predict.predictor import BATCH, Predictor
from fer_det.runtime.device import Hardware
from fer_det.weights.model_file import ModelFile, write_model_file

CLASSES = ("fear", "anger")
SIZE = 64
CONFIG = Config(input_size=SIZE, head_width=16, batch_norm=False)
PLAIN = Hardware(torch.device("cpu"), "float32")
BLACK = np.zeros((64, 64, 3), np.uint8)


class Stub(nn.Module):
    """Answers two faces a picture and keeps what it was shown."""

    def __init__(self, score: float = 0.9) -> None:
        super().__init__()
        self.shown: list[Tensor] = []
        self.in_bfloat16: list[bool] = []
        self.score = score

    def forward(self, batch: Tensor) -> list[dict[str, Tensor]]:
        self.shown.append(batch)
        self.in_bfloat16.append((batch[..., 0] @ batch[..., 0].mT).dtype == torch.bfloat16)
        boxes = torch.tensor([[8.0, 16.0, 32.0, 48.0], [0.0, 0.0, 90.0, 70.0]])
        return [
            {
                "boxes": boxes,
                "scores": torch.tensor([self.score, 0.4]),
                "labels": torch.tensor([2, 1]),
                "probabilities": torch.tensor([[0.25, 0.75], [0.5, 0.5]]),
            }
        ] * len(batch)


def predictor(stub: Stub, classes: tuple[str, ...] = CLASSES) -> Predictor:
    return Predictor(stub, ModelFile({}, CONFIG, classes), PLAIN)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "best.pth"
    write_model_file(path, ModelFile(build_model(CONFIG, CLASSES).state_dict(), CONFIG, CLASSES))
    return path


def test_boxes_come_back_in_the_picture_s_pixels() -> None:
    pixels = np.zeros((64, 128, 3), np.uint8)
    first, second = predictor(Stub())(pixels, min_score=0.0)
    assert first.box.as_tuple() == (16.0, 32.0, 64.0, 64.0)
    assert second.box.as_tuple() == (0.0, 0.0, 128.0, 64.0)
    assert first.expression is Expression.ANGER
    assert first.probabilities == {Expression.FEAR: 0.25, Expression.ANGER: 0.75}
    assert first.score == pytest.approx(0.9)


def test_probabilities_are_softened_by_the_checkpoint_s_temperature() -> None:
    checkpoint = ModelFile({}, CONFIG, CLASSES, info={"temperature": 2.0})
    first, second = Predictor(Stub(), checkpoint, PLAIN)(BLACK, min_score=0.0)
    # The logits' difference is log 3, and half of it after division by 2.
    assert first.probabilities[Expression.ANGER] == pytest.approx(3**0.5 / (1 + 3**0.5))
    assert second.probabilities == {Expression.FEAR: 0.5, Expression.ANGER: 0.5}
    assert first.score == pytest.approx(0.9)


def test_unsure_faces_are_left_out() -> None:
    assert len(predictor(Stub())(BLACK)) == 1
    assert predictor(Stub())(BLACK, min_score=0.95) == []


def test_the_model_is_shown_the_scaled_picture_in_0_to_1() -> None:
    stub = Stub()
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[..., 0] = 255
    predictor(stub)(pixels)
    (shown,) = stub.shown
    assert shown.shape == (1, 3, SIZE, SIZE)
    upper, lower = shown[0, :, :31], shown[0, :, 33:]
    assert torch.equal(upper[0], torch.ones(31, SIZE))
    assert torch.equal(upper[1:], torch.zeros(2, 31, SIZE))
    # The picture is twice as wide as high: what lies below it is the mean colour.
    assert torch.equal(lower, torch.full_like(lower, CONFIG.padding[0] / 255))


def test_a_list_is_answered_by_a_list_in_batches() -> None:
    stub = Stub()
    pictures = [np.full((64, 64, 3), number, np.uint8) for number in range(BATCH + 3)]
    answers = predictor(stub)(pictures)
    assert [len(faces) for faces in answers] == [1] * (BATCH + 3)
    assert [len(batch) for batch in stub.shown] == [BATCH, 3]
    assert [round(255 * float(image.mean())) for image in torch.cat(stub.shown)] == list(
        range(BATCH + 3)
    )
    assert predictor(stub)([]) == []
    assert len(predictor(stub)((BLACK,))) == 1


def test_pictures_of_a_list_may_differ_in_kind_and_size(tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(encode_jpeg(drawn_face(0)))
    found = predictor(Stub())(
        [tmp_path / "face.jpg", Image.new("L", (128, 64)), torch.zeros(3, 64, 32)], min_score=0.0
    )
    assert [faces[1].box.as_tuple()[2:] for faces in found] == [(60, 48), (128, 64), (32, 64)]


def test_a_file_its_pixels_and_a_batch_give_the_same(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "gray.jpg").write_bytes(encode_jpeg(drawn_face(0)))
    loaded = Predictor.from_checkpoint(str(weights), precision="float32")
    found = loaded(tmp_path / "gray.jpg", min_score=0.0)
    assert found
    assert loaded(load_rgb8(tmp_path / "gray.jpg"), min_score=0.0) == found
    _, batched = loaded([drawn_face(1), tmp_path / "gray.jpg"], min_score=0.0)
    assert len(batched) == len(found)
    for one, other in zip(found, batched, strict=True):
        assert one.box.as_tuple() == pytest.approx(other.box.as_tuple(), abs=1e-3)
        assert one.score == pytest.approx(other.score, abs=1e-5)
    for face in found:
        assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)


def test_arithmetic_is_chosen_for_the_machine(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    loaded = Predictor.from_checkpoint(weights)
    assert loaded.hardware == Hardware(torch.device("cpu"), "bfloat16")
    assert loaded(drawn_face(0), min_score=0.0)
    with pytest.raises(ConfigError):
        Predictor.from_checkpoint(weights, device="cuda")


def test_the_model_is_run_in_that_arithmetic() -> None:
    stub = Stub()
    checkpoint = ModelFile({}, CONFIG, CLASSES)
    for precision in ("float32", "bfloat16"):
        Predictor(stub, checkpoint, Hardware(torch.device("cpu"), precision))(BLACK)
    assert stub.in_bfloat16 == [False, True]


def test_files_that_are_not_there_or_broken(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError):
        Predictor.from_checkpoint(tmp_path / "absent.pth")
    (tmp_path / "page.jpg").write_text("<html>")
    with pytest.raises(ImageError):
        predictor(Stub())(tmp_path / "page.jpg")
    with pytest.raises(ImageError, match=r"page\.jpg"):
        predictor(Stub())([BLACK, tmp_path / "page.jpg"])


def test_classifier_finds_no_faces(tmp_path: Path) -> None:
    config = ClassifierConfig(input_size=SIZE, head_width=16)
    write_model_file(tmp_path / "best.pth", ModelFile({}, config, CLASSES))
    with pytest.raises(WeightsError, match=r"best.pth is a classifier, which finds no faces"):
        Predictor.from_checkpoint(tmp_path / "best.pth")


def test_checkpoints_that_make_no_sense() -> None:
    with pytest.raises(WeightsError, match="with the class boredom; wanted expressions: surprise"):
        predictor(Stub(), ("fear", "boredom"))
    with pytest.raises(WeightsError, match="answers are not finite"):
        predictor(Stub(float("nan")))(BLACK)
