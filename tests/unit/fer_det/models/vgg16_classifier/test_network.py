from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from fer_det.losses.centre import CentreLoss
from fer_det.losses.softmax import BesideSoftmax
from fer_det.models import build_model
from fer_det.models.layers import align_rois
from fer_det.models.vgg16_classifier.config import Config
from fer_det.models.vgg16_classifier.network import FaceClassifier, build
from fer_det.models.vgg16_frcnn.config import Config as DetectorConfig

SIZE, WIDTH = 48, 16
CLASSES = ("a", "b", "c")
CONFIG = Config(input_size=SIZE, head_width=WIDTH, batch_norm=False)
BOXES = ((4.0, 2.0, 40.0, 44.0), (8.0, 4.0, 30.0, 40.0))


@pytest.fixture(scope="module")
def model() -> FaceClassifier:
    torch.manual_seed(0)
    model = build(CONFIG, CLASSES)
    # With its initial weights the outputs of all faces are nearly equal.
    nn.init.normal_(model.roi_heads.class_score.weight, std=1.0)
    return model


def pictures() -> Tensor:
    return torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def targets() -> list[dict[str, Tensor]]:
    return [
        {"boxes": torch.tensor([box]), "labels": torch.tensor([label]), "seed": torch.tensor(label)}
        for label, box in zip((1, 3), BOXES, strict=True)
    ]


def with_centres() -> FaceClassifier:
    return build(CONFIG, CLASSES, BesideSoftmax("centre", CentreLoss(3, WIDTH, 0.5), 0.1))


def test_features_of_a_box_are_those_of_the_detector(model: FaceClassifier) -> None:
    config = DetectorConfig(input_size=SIZE, head_width=WIDTH, batch_norm=False)
    detector = build_model(config, CLASSES)
    known = detector.state_dict().keys()
    shared = {name: values for name, values in model.state_dict().items() if name in known}
    assert len(shared) == 2 * (13 + 2)
    detector.load_state_dict(shared, strict=False)
    boxes = [torch.tensor([box]) for box in BOXES]
    with torch.inference_mode():
        batch, _ = detector.eval().transform(pictures())
        pooled = align_rois(detector.backbone(batch.tensors)["0"], boxes, 7, 16, 2)
        wanted = detector.roi_heads.box_head(pooled, [1, 1])
        logits = model.roi_heads.class_score(wanted)
        answers = model.eval()(pictures(), [{"boxes": of_picture} for of_picture in boxes])
    found = torch.cat([answer["target_probabilities"] for answer in answers])
    assert float(found.std(1).min()) > 0.05
    torch.testing.assert_close(found, logits.softmax(-1))


def test_loss_is_that_of_the_answers(model: FaceClassifier) -> None:
    without_dropout = build(replace(CONFIG, dropout=0.0), CLASSES)
    without_dropout.load_state_dict(model.state_dict())
    with torch.no_grad():
        losses = without_dropout.train()(pictures(), targets())
        answers = without_dropout.eval()(pictures(), targets())
    rows = torch.cat([answer["target_probabilities"] for answer in answers])
    assert list(losses) == ["loss_softmax"]
    wanted = nn.functional.nll_loss(rows.log(), torch.tensor([0, 2]))
    torch.testing.assert_close(losses["loss_softmax"], wanted)


def test_faces_to_ignore_do_not_enter_the_loss(model: FaceClassifier) -> None:
    asked = targets()
    asked[0]["boxes"] = torch.cat([asked[0]["boxes"], torch.tensor([BOXES[1]])])
    asked[0]["labels"] = torch.tensor([1, -1])
    with torch.no_grad():
        found = model.train()(pictures(), asked)["loss_softmax"]
        assert torch.equal(found, model(pictures(), targets())["loss_softmax"])


def test_loss_gets_features_before_dropout() -> None:
    seen: list[Tensor] = []

    class Spy(nn.Module):
        def forward(
            self, features: Tensor, logits: Tensor, labels: Tensor, shares: Tensor | None
        ) -> dict[str, Tensor]:
            seen.append(features)
            return {"loss_a": logits.sum()}

    torch.manual_seed(0)
    model = build(replace(CONFIG, head_width=400, dropout=0.9), CLASSES, Spy())
    with torch.autocast("cpu", torch.bfloat16):
        model.train()(pictures(), targets())
    # ReLU leaves about a half; after a dropout of 0.9 a twentieth would be left.
    assert float((seen[0] != 0).float().mean()) > 0.3
    assert seen[0].dtype == torch.float32


class TestCentres:
    def test_are_updated_in_training_and_saved(self) -> None:
        model = with_centres()
        losses = model.train()(pictures(), targets())
        assert list(losses) == ["loss_softmax", "loss_centre"]
        centres = model.state_dict()["loss.of_features.centres"]
        assert [bool(row.any()) for row in centres] == [True, False, True]
        other = with_centres()
        other.load_state_dict(model.state_dict())
        assert torch.equal(other.state_dict()["loss.of_features.centres"], centres)

    def test_are_not_deployed(self) -> None:
        tensors, config = with_centres().deployable()
        build_model(config, CLASSES).load_state_dict(tensors)

    def test_weights_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(RuntimeError, match="centres"):
            build(CONFIG, CLASSES).load_state_dict(with_centres().state_dict())
        with pytest.raises(RuntimeError, match="centres"):
            with_centres().load_state_dict(build(CONFIG, CLASSES).state_dict())
