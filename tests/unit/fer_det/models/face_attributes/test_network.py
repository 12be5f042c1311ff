import pytest
import torch
from torch import Tensor, nn

from fer_det.config.backbone import FaceAttributesLossConfig
from fer_det.models.face_attributes.config import Config
from fer_det.models.face_attributes.network import FaceAttributes, build

SIZE = 48
CLASSES = ("a", "b", "c")
GROUPS = {"units": 4, "pose": 2}
LOSSES = FaceAttributesLossConfig(label_smoothing=0.0, units=2.0, pose=0.5)


@pytest.fixture(scope="module")
def model() -> FaceAttributes:
    torch.manual_seed(0)
    return build(Config(input_size=SIZE), CLASSES, GROUPS, LOSSES)


def pictures() -> Tensor:
    return torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def targets() -> list[dict[str, Tensor]]:
    return [
        {
            "boxes": torch.tensor([box]),
            "labels": torch.tensor([label]),
            "measures": torch.full((6,), 0.5 * label),
            "seed": torch.tensor(label),
        }
        for label, box in ((1, (0.0, 0.0, 48.0, 48.0)), (3, (8.0, 4.0, 30.0, 40.0)))
    ]


def test_losses_reach_every_weight(model: FaceAttributes) -> None:
    model.train().zero_grad()
    losses = model(pictures(), targets())
    assert isinstance(losses, dict)
    assert list(losses) == ["loss_expression", "loss_units", "loss_pose"]
    torch.stack(list(losses.values())).sum().backward()
    for name, values in model.named_parameters():
        assert values.grad is not None, name
        assert bool(values.grad.isfinite().all()), name
        assert bool((values.grad != 0).any()) or name.endswith("features.0.bias"), name


def test_losses_are_those_of_the_answers(model: FaceAttributes) -> None:
    without = build(Config(input_size=SIZE, dropout=0.0), CLASSES, GROUPS, LOSSES)
    without.load_state_dict(model.state_dict())
    for layer in without.modules():
        # Batch statistics in evaluation too, so that both passes run the same network.
        if isinstance(layer, nn.BatchNorm2d):
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = None
    with torch.no_grad():
        losses = without.train()(pictures(), targets())
        answers = without.eval()(pictures(), targets())
    rows = torch.cat([answer["probabilities"] for answer in answers])
    measures = torch.cat([answer["measures"] for answer in answers])
    wanted = -rows[[0, 1], [0, 2]].log().mean()
    torch.testing.assert_close(losses["loss_expression"], wanted)
    truth = torch.stack([target["measures"] for target in targets()])
    error = (measures - truth).abs()
    # Quadratic up to one deviation, in a line beyond: Girshick, "Fast R-CNN", 2015.
    smooth = torch.where(error < 1, error.square() / 2, error - 0.5)
    torch.testing.assert_close(losses["loss_units"], 2.0 * smooth[:, :4].mean())
    torch.testing.assert_close(losses["loss_pose"], 0.5 * smooth[:, 4:].mean())


def test_answers(model: FaceAttributes) -> None:
    with torch.inference_mode():
        answers = model.eval()(pictures(), targets())
    assert len(answers) == 2
    for answer in answers:
        assert answer["probabilities"].shape == (1, 3)
        assert answer["measures"].shape == (1, 6)
        torch.testing.assert_close(answer["probabilities"].sum(1), torch.ones(1))


def test_only_the_box_is_used(model: FaceAttributes) -> None:
    asked = targets()
    with torch.inference_mode():
        before = model.eval()(pictures(), asked)
        asked[0]["boxes"] = torch.tensor([[0.0, 0.0, 20.0, 20.0]])
        after = model(pictures(), asked)
    assert not torch.allclose(before[0]["measures"], after[0]["measures"])
    torch.testing.assert_close(before[1]["measures"], after[1]["measures"])


def test_seeds_decide_the_dropout(model: FaceAttributes) -> None:
    asked = targets()
    with torch.no_grad():
        first, again = model.train()(pictures(), asked), model(pictures(), asked)
        asked[0]["seed"] = torch.tensor(99)
        other = model(pictures(), asked)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["loss_units"], other["loss_units"])


def test_bfloat16(model: FaceAttributes) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        losses = model.train()(pictures(), targets())
    assert all(value.dtype == torch.float32 for value in losses.values())
    assert all(bool(value.isfinite()) for value in losses.values())
