import numpy as np
import pytest
import torch
from fake_data.voc_tree import FACE, HEIGHT, WIDTH, drawn_face
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import box_iou

from fer_det.config.training import ModelConfig
from fer_det.models.vgg16 import fold_batch_norm
from fer_det.models.vgg16_frcnn.network import FaceFasterRCNN, build

CLASSES = ("fear", "anger", "neutral")
SIZE = 64


def make_model(**changes: object) -> FaceFasterRCNN:
    torch.manual_seed(0)
    config = ModelConfig(input_size=SIZE, head_width=16, **changes)  # type: ignore[arg-type]
    return build(config, CLASSES)


def picture(seed: int = 0) -> Tensor:
    """[3, HEIGHT, WIDTH] in 0..1."""
    return torch.from_numpy(drawn_face(seed).transpose(2, 0, 1) / np.float32(255))


def target(label: int, seed: int) -> dict[str, Tensor]:
    return {
        "boxes": torch.tensor([FACE.as_tuple()]),
        "labels": torch.tensor([label]),
        "seed": torch.tensor(seed),
    }


@pytest.fixture(scope="module")
def untrained() -> FaceFasterRCNN:
    """Plain, so that a picture's answer does not depend on its neighbours in training either."""
    return make_model(batch_norm=False)


def test_names_are_torchvision_s(untrained: FaceFasterRCNN) -> None:
    names = set(untrained.state_dict())
    assert {"backbone.features.0.weight", "backbone.features.28.bias"} <= names
    assert {"roi_heads.box_head.fc6.weight", "roi_heads.box_predictor.cls_score.bias"} <= names
    assert {"rpn.head.cls_logits.weight", "rpn.head.bbox_pred.bias"} <= names
    assert not any("mean" in name for name in names)


def test_losses_do_not_depend_on_neighbours(untrained: FaceFasterRCNN) -> None:
    untrained.train()
    pictures, targets = [picture(0), picture(1)], [target(1, 8), target(3, 9)]
    with torch.no_grad():
        together = untrained(pictures, targets)
        swapped = untrained(pictures[::-1], targets[::-1])
        alone = [untrained([p], [t]) for p, t in zip(pictures, targets, strict=True)]
    for name, value in together.items():
        torch.testing.assert_close(swapped[name], value)
        torch.testing.assert_close(torch.stack([each[name] for each in alone]).mean(), value)


def test_losses_are_a_pure_function_of_the_seed(untrained: FaceFasterRCNN) -> None:
    untrained.train()
    with torch.no_grad():
        first, again, other = (untrained([picture()], [target(1, seed)]) for seed in (8, 8, 9))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_no_two_boxes_on_one_face(untrained: FaceFasterRCNN) -> None:
    with torch.inference_mode():
        answers = untrained.eval()([picture(seed) for seed in range(3)])
    for answer in answers:
        iou = box_iou(answer["boxes"], answer["boxes"]).fill_diagonal_(0)
        assert len(answer["boxes"]) > 2
        # Rounding: the boxes were scaled after the suppression.
        assert float(iou.max()) <= untrained.config.nms_iou + 1e-4


def test_no_answer_lies_in_the_padding(untrained: FaceFasterRCNN) -> None:
    wide = F.interpolate(picture()[None], size=(20, 100))[0]
    with torch.inference_mode():
        (answer,) = untrained.eval()([wide])
    sides = answer["boxes"][:, 2:] - answer["boxes"][:, :2]
    assert len(sides)
    assert (sides > 0).all()


def test_boxes_come_in_the_picture_s_own_pixels(untrained: FaceFasterRCNN) -> None:
    # Nearest-neighbour twice as large: the input that both are scaled into is almost the same.
    small = picture()
    large = small.repeat_interleave(4, 1).repeat_interleave(4, 2)
    with torch.inference_mode():
        alone, both = untrained.eval()([small]), untrained([large, small])
    torch.testing.assert_close(both[1]["boxes"], alone[0]["boxes"], rtol=1e-4, atol=1e-3)
    found, wanted = both[0]["boxes"] / 4, alone[0]["boxes"]
    best = box_iou(wanted, found).max(1).values
    assert float(best[:3].min()) > 0.9
    assert float(found[:, 0::2].max()) > WIDTH / 2
    assert float(found[:, 1::2].max()) > HEIGHT / 2


def test_what_is_asked_of_a_box_does_not_depend_on_the_picture_s_size(
    untrained: FaceFasterRCNN,
) -> None:
    small = picture()
    large = small.repeat_interleave(4, 1).repeat_interleave(4, 2)
    box = torch.tensor([FACE.as_tuple()])
    with torch.inference_mode():
        answers = untrained.eval()([small, large], [{"boxes": box}, {"boxes": box * 4}])
    small_row, large_row = (answer["target_probabilities"] for answer in answers)
    torch.testing.assert_close(small_row, large_row, rtol=0.05, atol=0.01)


def test_weights_that_are_no_numbers_answer_nothing() -> None:
    model = make_model(batch_norm=False).eval()
    with torch.inference_mode():
        model.backbone.features[0].weight.fill_(float("nan"))
        (answer,) = model([picture()])
    assert answer["boxes"].shape == (0, 4)


def test_it_learns_two_pictures_by_heart() -> None:
    torch.manual_seed(0)
    model = build(ModelConfig(input_size=48, head_width=256, dropout=0.0), CLASSES)
    # The second face lies elsewhere and has another colour.
    pictures = [picture(0), picture(1).flip(0, 2)]
    mirrored = [WIDTH - FACE.x_max, FACE.y_min, WIDTH - FACE.x_min, FACE.y_max]
    targets = [target(1, 0), {**target(3, 1), "boxes": torch.tensor([mirrored])}]
    history = fit(model, pictures, targets, steps=36)
    with torch.inference_mode():
        for _ in range(20):
            # The running statistics lag behind weights that have just moved so far.
            model(pictures, targets)
        answers = model.eval()(pictures)
        folded = build(model.config.without_batch_norm(), CLASSES).eval()
        folded.load_state_dict(fold_batch_norm(model.state_dict()))
        plain = folded(pictures)
    assert history[-1] < 0.3 * history[0], history
    for answer, same, wanted in zip(answers, plain, targets, strict=True):
        assert float(box_iou(answer["boxes"][:1], wanted["boxes"])) > 0.6
        assert answer["labels"][0] == wanted["labels"][0]
        torch.testing.assert_close(same["boxes"][0], answer["boxes"][0], rtol=1e-3, atol=1e-2)
        torch.testing.assert_close(same["scores"][0], answer["scores"][0], rtol=1e-3, atol=1e-3)


def fit(
    model: FaceFasterRCNN, pictures: list[Tensor], targets: list[dict[str, Tensor]], steps: int
) -> list[float]:
    """Train on the same batch with fresh draws; -> the loss of each step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True)
    history = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.02 * (1 - step / steps)
        drawn = [
            {**each, "seed": torch.tensor(len(targets) * step + place)}
            for place, each in enumerate(targets)
        ]
        loss = torch.stack(list(model.train()(pictures, drawn).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        history.append(float(loss.detach()))
    return history
