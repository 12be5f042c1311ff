from collections.abc import Sequence

import numpy as np
import pytest
import torch
from fake_data.voc_tree import FACE, HEIGHT, WIDTH, drawn_face
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import box_iou

from fer_det.models.sampling import PictureRandom
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.models.vgg16_frcnn.network import FaceFasterRCNN, FaceRoIHeads, build

CLASSES = ("fear", "anger", "neutral")
SIZE = 64


def make_model(**changes: object) -> FaceFasterRCNN:
    torch.manual_seed(0)
    config = Config(input_size=SIZE, head_width=16, **changes)  # type: ignore[arg-type]
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
    """Without batch norm, so that a picture's losses do not depend on its neighbours."""
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


def test_given_box_does_not_depend_on_the_picture_s_size(
    untrained: FaceFasterRCNN,
) -> None:
    small = picture()
    large = small.repeat_interleave(4, 1).repeat_interleave(4, 2)
    box = torch.tensor([FACE.as_tuple()])
    with torch.inference_mode():
        answers = untrained.eval()([small, large], [{"boxes": box}, {"boxes": box * 4}])
    small_row, large_row = (answer["target_probabilities"] for answer in answers)
    torch.testing.assert_close(small_row, large_row, rtol=0.05, atol=0.01)


def test_weights_that_are_not_finite_find_nothing() -> None:
    model = make_model(batch_norm=False).eval()
    with torch.inference_mode():
        model.backbone.features[0].weight.fill_(float("nan"))
        (answer,) = model([picture()])
    assert answer["boxes"].shape == (0, 4)


def test_it_overfits_two_pictures() -> None:
    torch.manual_seed(0)
    model = build(Config(input_size=48, head_width=256, dropout=0.0), CLASSES)
    # The second face is in another place and has another colour.
    pictures = [picture(0), picture(1).flip(0, 2)]
    mirrored = [WIDTH - FACE.x_max, FACE.y_min, WIDTH - FACE.x_min, FACE.y_max]
    targets = [target(1, 0), {**target(3, 1), "boxes": torch.tensor([mirrored])}]
    history = fit(model, pictures, targets, steps=36)
    with torch.inference_mode():
        for _ in range(20):
            # The running statistics have to follow weights that have just changed a lot.
            model(pictures, targets)
        answers = model.eval()(pictures)
        tensors, config = model.deployable()
        deployed = build(config, CLASSES).eval()
        deployed.load_state_dict(tensors)
        plain = deployed(pictures)
    assert history[-1] < 0.3 * history[0], history
    for answer, same, wanted in zip(answers, plain, targets, strict=True):
        assert float(box_iou(answer["boxes"][:1], wanted["boxes"])) > 0.6
        assert answer["labels"][0] == wanted["labels"][0]
        torch.testing.assert_close(same["boxes"][0], answer["boxes"][0], rtol=1e-3, atol=1e-2)
        torch.testing.assert_close(same["scores"][0], answer["scores"][0], rtol=1e-3, atol=1e-3)


def fit(
    model: FaceFasterRCNN, pictures: list[Tensor], targets: list[dict[str, Tensor]], steps: int
) -> list[float]:
    """Train on the same batch with new random numbers; -> the loss of each step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True)
    history = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.02 * (1 - step / steps)
        sampled = [
            {**each, "seed": torch.tensor(len(targets) * step + place)}
            for place, each in enumerate(targets)
        ]
        loss = torch.stack(list(model.train()(pictures, sampled).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        history.append(float(loss.detach()))
    return history


MAP_SIZE, CHANNELS, COUNT, SAMPLES = 96, 4, 7, 8
FIRST = [20.0, 14.0, 62.0, 66.0]
SECOND = [64.0, 40.0, 92.0, 76.0]


def make_heads(
    random: PictureRandom | None = None, dropout: float = 0.0, samples: int = SAMPLES
) -> FaceRoIHeads:
    torch.manual_seed(0)
    config = Config(
        head_width=8, dropout=dropout, box_loss_weight=1.0, roi_samples=samples, detections=5
    )
    return FaceRoIHeads(CHANNELS, COUNT, config, random or PictureRandom())


def target_of(*faces: tuple[list[float], int]) -> dict[str, Tensor]:
    return {
        "boxes": torch.tensor([box for box, _ in faces]).reshape(-1, 4),
        "labels": torch.tensor([label for _, label in faces], dtype=torch.int64),
    }


def proposals(seed: int = 0) -> Tensor:
    """Some on each face, some on the ground."""
    generator = torch.Generator().manual_seed(seed)
    near = torch.tensor([FIRST, SECOND]).repeat(8, 1)
    corners = torch.rand(20, 2, generator=generator) * 60
    ground = torch.cat([corners, corners + 20], 1)
    return torch.cat([near + torch.randn(near.shape, generator=generator) * 2, ground])


def maps(count: int = 1) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return {"0": torch.rand(count, CHANNELS, MAP_SIZE // 16, MAP_SIZE // 16, generator=generator)}


class TestRoISampling:
    def sample(self, *faces: tuple[list[float], int], seed: int = 0) -> tuple[Tensor, Tensor]:
        random = PictureRandom()
        random.reseed([seed])
        heads = make_heads(random)
        sampled, _, labels, _ = heads.select_training_samples(
            [proposals(seed)], [target_of(*faces)]
        )
        return sampled[0], labels[0]

    @pytest.mark.parametrize("seed", range(10))
    def test_proposals_on_a_face_to_ignore_are_never_sampled(self, seed: int) -> None:
        sampled, labels = self.sample((FIRST, 4), (SECOND, -1), seed=seed)
        iou = box_iou(sampled, torch.tensor([FIRST, SECOND]))
        assert (iou[:, 1] < 0.5).all()
        assert (labels[iou[:, 0] >= 0.5] == 4).all()
        assert (labels[iou[:, 0] < 0.5] == 0).all()
        assert (labels == 4).sum() == SAMPLES // 2
        assert len(sampled) == SAMPLES

    def test_without_the_mark_they_would_be(self) -> None:
        sampled, _ = self.sample((FIRST, 4), seed=0)
        assert (box_iou(sampled, torch.tensor([SECOND])) >= 0.5).any()

    def test_only_a_face_to_ignore(self) -> None:
        sampled, labels = self.sample((SECOND, -1))
        assert len(sampled) == SAMPLES
        assert not labels.any()

    def test_no_face(self) -> None:
        _, labels = self.sample()
        assert labels.tolist() == [0] * SAMPLES


class TestRoILosses:
    def losses(self, heads: FaceRoIHeads, faces: Sequence[tuple[list[float], int]]) -> Tensor:
        _, losses = heads(maps(), [proposals()], [(MAP_SIZE, MAP_SIZE)], [target_of(*faces)])
        assert set(losses) == {"loss_classifier", "loss_box_reg"}
        return torch.stack([losses["loss_classifier"], losses["loss_box_reg"]])

    @pytest.mark.parametrize("faces", [[], [(FIRST, -1)], [(FIRST, 4), (SECOND, -1)]])
    def test_finite_whatever_is_in_the_picture(self, faces: list[tuple[list[float], int]]) -> None:
        random = PictureRandom()
        random.reseed([0])
        losses = self.losses(make_heads(random, dropout=0.5), faces)
        assert losses.isfinite().all()
        losses.sum().backward()

    @pytest.mark.parametrize("samples", [SAMPLES, 500], ids=["found", "too many"])
    def test_batch_is_the_mean_of_its_pictures(self, samples: int) -> None:
        random = PictureRandom()
        heads = make_heads(random, dropout=0.5, samples=samples)
        both = [target_of((FIRST, 4)), target_of((SECOND, 2), (FIRST, -1))]
        given, seeds = [proposals(0), proposals(1)], [5, 6]
        random.reseed(seeds)
        features = maps(2)["0"]
        _, together = heads({"0": features}, given, [(MAP_SIZE, MAP_SIZE)] * 2, both)
        for name, value in together.items():
            alone = []
            for place, seed in enumerate(seeds):
                random.reseed([seed])
                one = {"0": features[place : place + 1]}
                _, losses = heads(one, [given[place]], [(MAP_SIZE, MAP_SIZE)], [both[place]])
                alone.append(losses[name])
            torch.testing.assert_close(value, torch.stack(alone).mean())

    def test_one_correction_for_all_classes(self) -> None:
        predictor = make_heads().box_predictor
        logits, deltas = predictor(torch.rand(3, 8))
        assert (logits.shape, deltas.shape) == ((3, 1 + COUNT), (3, 4))


def test_given_boxes_are_classified() -> None:
    heads = make_heads().eval()
    boxes = torch.tensor([FIRST, SECOND])
    given = [proposals(0), proposals(1)]
    shapes = [(MAP_SIZE, MAP_SIZE)] * 2
    with torch.inference_mode():
        plain, _ = heads(maps(2), given, shapes)
        asked, _ = heads(maps(2), given, shapes, [{"boxes": boxes}, {"boxes": boxes[:0]}])
        (head_on_truth,), _ = heads({"0": maps(2)["0"][:1]}, [boxes], shapes[:1])
    for without, answer in zip(plain, asked, strict=True):
        for name, values in without.items():
            torch.testing.assert_close(answer[name], values)
    assert [len(answer["target_probabilities"]) for answer in asked] == [2, 0]
    # The same boxes as proposals are answered with the same rows, in the order of their scores.
    rows = asked[0]["target_probabilities"]
    order = [int((rows - row).abs().sum(1).argmin()) for row in head_on_truth["probabilities"]]
    assert sorted(order) == [0, 1]
    torch.testing.assert_close(rows[order], head_on_truth["probabilities"])


def test_no_proposals_at_all() -> None:
    heads = make_heads().eval()
    (answer,), _ = heads(maps(), [torch.empty(0, 4)], [(MAP_SIZE, MAP_SIZE)])
    assert answer["boxes"].shape == (0, 4)
