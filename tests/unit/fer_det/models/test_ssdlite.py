from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from fake_data.voc_tree import FACE, drawn_face, small_faces
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

from fer_det.errors import ConfigError
from fer_det.models import build_model
from fer_det.models.contract import select_detections
from fer_det.models.mobilenet_v3_classifier import Config as MobileNetConfig
from fer_det.models.resnet_classifier.config import Config as ResNetConfig
from fer_det.models.ssdlite import network
from fer_det.models.ssdlite.anchors import average_cells, make_anchors, match_anchors
from fer_det.models.ssdlite.config import FREEZABLE_LAYERS, Config
from fer_det.models.ssdlite.network import FaceSSDLite, _Prediction, build, join_logits

SIZE = 96
SCALES = ((0.1, 0.15), (0.22, 0.32), (0.45, 0.6), (0.75, 0.95))
CONFIG = Config(input_size=SIZE, anchor_scales=SCALES, anchor_spacing=0.0)
CLASSES = ("fear", "anger", "neutral")
CLASSIFIERS = {
    "mobilenet_v3_large": MobileNetConfig(width="large"),
    "mobilenet_v3_small": MobileNetConfig(width="small"),
    "resnet": ResNetConfig(),
}
MIDDLE = [30.0, 26.0, 62.0, 66.0]
BESIDE = [36.0, 30.0, 70.0, 70.0]
SMALL = [4.0, 5.0, 9.0, 11.0]


@pytest.fixture(scope="module")
def anchors() -> Tensor:
    return make_anchors(CONFIG)


def match(anchors: Tensor, *faces: tuple[list[float], int]) -> tuple[Tensor, Tensor]:
    boxes = torch.tensor([box for box, _ in faces]).reshape(-1, 4)
    labels = torch.tensor([label for _, label in faces], dtype=torch.int64)
    return match_anchors(boxes, labels, anchors, CONFIG)


class TestSettings:
    @pytest.mark.parametrize(
        "changes",
        [
            {"input_size": 100},
            {"anchor_scales": ((0.1,),)},
            {"anchor_scales": ((0.1,), ())},
            {"anchor_scales": ((0.1,), (9.0,))},
            {"anchor_ratio": 0.0},
            {"anchor_spacing": -1.0},
            {"match_iou": 0.0},
            {"nms_iou": 1.5},
            {"negatives": 0},
            {"candidates": 0},
            {"box_loss_weight": -1.0},
        ],
    )
    def test_refused(self, changes: dict[str, object]) -> None:
        (name,) = changes
        with pytest.raises(ConfigError, match=f"--model.{name} "):
            replace(CONFIG, **changes)  # type: ignore[arg-type]

    @pytest.mark.parametrize("extractor", FREEZABLE_LAYERS)
    def test_at_most_three_million_parameters(self, extractor: str) -> None:
        model = build(Config(extractor=extractor), ["a"] * 7)  # type: ignore[arg-type]
        assert 1e6 < sum(p.numel() for p in model.parameters()) < 3e6
        assert len(model.backbone_layers()) == model.config.freezable_layers


class TestAnchors:
    def test_are_centred_in_their_cells(self, anchors: Tensor) -> None:
        assert len(anchors) == 2 * (36 + 9 + 4 + 1)
        centres = (anchors[:, :2] + anchors[:, 2:]) / 2
        assert centres[:3].tolist() == [[8, 8], [8, 8], [24, 8]]
        assert centres[-1].tolist() == [48, 48]

    def test_sides_are_relative_to_the_input(self, anchors: Tensor) -> None:
        sides = anchors[:, 2:] - anchors[:, :2]
        wanted = torch.tensor(CONFIG.anchor_scales[0]) * SIZE
        torch.testing.assert_close(sides[:2].prod(1).sqrt(), wanted)
        torch.testing.assert_close(sides[:, 1] / sides[:, 0], torch.full((100,), 1.2))

    def test_small_ones_fill_their_cells(self) -> None:
        config = replace(CONFIG, anchor_spacing=0.6)
        anchors = make_anchors(config)
        # 16 / (0.6 * 9.6) = 2.8, so three in a row; 16 / (0.6 * 14.4) = 1.9.
        first = anchors[:9]
        centres = (first[:, :2] + first[:, 2:]) / 2
        assert len(set(map(tuple, centres.round().tolist()))) == 9
        torch.testing.assert_close(centres[:3, 0].diff(), torch.full((2,), 16 / 3))
        torch.testing.assert_close(centres.mean(0), torch.tensor([8.0, 8.0]))
        sides = (anchors[:13, 2:] - anchors[:13, :2]).prod(1).sqrt()
        torch.testing.assert_close(sides, torch.tensor([9.6] * 9 + [14.4] * 4))

    @pytest.mark.parametrize("input_size", [96, 160, 224, 320])
    def test_head_has_as_many(self, input_size: int) -> None:
        model = build(Config(input_size=input_size), CLASSES).eval()
        raw = model.raw_outputs(torch.zeros(1, 3, input_size, input_size))
        assert raw["logits"].shape == (1, len(raw["anchors"]), 1 + len(CLASSES))
        assert raw["deltas"].shape == (1, len(raw["anchors"]), 4)

    def test_faces_of_24_pixels_and_less_fit_one(self) -> None:
        fine = make_anchors(Config(input_size=224))
        coarse = make_anchors(Config(input_size=224, anchor_scales=SCALES, anchor_spacing=0))
        faces = torch.tensor(small_faces(224))
        assert float(box_iou(faces, fine).amax(1).min()) > 0.4
        assert float(box_iou(faces, coarse).amax(1).min()) < 0.2

    def test_a_face_that_nearly_fills_the_picture_fits_several(self) -> None:
        anchors = make_anchors(Config(input_size=224))
        face = torch.tensor([[20.0, 8.0, 200.0, 216.0]])
        assert int((box_iou(face, anchors) >= 0.5).sum()) >= 4


class TestMatching:
    def test_a_face_has_its_anchors(self, anchors: Tensor) -> None:
        matched, ignored = match(anchors, (MIDDLE, 2))
        iou = box_iou(torch.tensor([MIDDLE]), anchors)[0]
        assert (matched[iou >= 0.5] == 0).all()
        assert (matched[iou < 0.5] == -1).all()
        assert not ignored.any()

    def test_a_face_that_fits_no_anchor_has_the_best_one(self, anchors: Tensor) -> None:
        matched, _ = match(anchors, (MIDDLE, 2), (SMALL, 1))
        iou = box_iou(torch.tensor([SMALL]), anchors)[0]
        assert 0 < iou.max() < 0.5
        assert (matched == 1).nonzero().tolist() == [[int(iou.argmax())]]

    def test_a_labelled_face_keeps_its_anchors_under_one_to_ignore(self, anchors: Tensor) -> None:
        before, _ = match(anchors, (MIDDLE, 2))
        after, ignored = match(anchors, (MIDDLE, 2), (BESIDE, -1))
        assert torch.equal(before, after)
        iou = box_iou(torch.tensor([BESIDE]), anchors)[0]
        assert torch.equal(ignored, (iou >= 0.3) & (after < 0))
        assert ignored.any()

    def test_only_a_face_to_ignore(self, anchors: Tensor) -> None:
        matched, ignored = match(anchors, (MIDDLE, -1))
        assert (matched == -1).all()
        assert ignored.any()

    def test_no_face(self, anchors: Tensor) -> None:
        matched, ignored = match(anchors)
        assert (matched == -1).all()
        assert not ignored.any()


class TestCells:
    def test_a_mean_by_the_parts_that_are_covered(self) -> None:
        scores = torch.arange(9.0).reshape(3, 3, 1)
        boxes = torch.tensor([[0, 0, 96, 96], [32, 32, 64, 64], [0, 0, 48, 32], [16, 0, 64, 64.0]])
        # Of the third, cells 0 and half of 1; of the fourth, 0, 3 by half and 1, 4.
        wanted = [4.0, 4.0, 1 / 3, (0 + 3 + 2 * (1 + 4)) / 6]
        torch.testing.assert_close(average_cells(scores, boxes, 96)[:, 0], torch.tensor(wanted))

    def test_narrow_and_outside(self) -> None:
        scores = torch.arange(9.0).reshape(3, 3, 1)
        boxes = torch.tensor(
            [[46, 46, 50, 50], [62, 14, 66, 18], [90, -40, 300, -20], [-9, 32, 32, 64.0]]
        )
        # A point in the middle of a cell, between two, outside a corner, and across an edge.
        wanted = torch.tensor([4.0, 1.5, 2.0, 3.0])
        torch.testing.assert_close(average_cells(scores, boxes, 96)[:, 0], wanted)

    def test_logits_join(self) -> None:
        odds, expressions = torch.tensor([-2.0, 3.0]), torch.randn(2, 4)
        probabilities = join_logits(odds, expressions).softmax(-1)
        torch.testing.assert_close(1 - probabilities[:, 0], odds.sigmoid())
        given = probabilities[:, 1:] / probabilities[:, 1:].sum(1, keepdim=True)
        torch.testing.assert_close(given, expressions.softmax(-1))


def prediction(grad: bool = True) -> _Prediction:
    """Nothing known of the 100 anchors of CONFIG and 6 x 6 and 3 x 3 cells."""
    return _Prediction(
        torch.zeros(1, 100, requires_grad=grad),
        torch.zeros(1, 100, 4, requires_grad=grad),
        make_anchors(CONFIG),
        [torch.zeros(1, side, side, 3, requires_grad=grad) for side in (6, 3)],
    )


def test_ignored_anchors_get_no_gradient() -> None:
    model = build(CONFIG, CLASSES).train()
    found = prediction()
    target = {"boxes": torch.tensor([MIDDLE, BESIDE]), "labels": torch.tensor([2, -1])}
    matched, ignored = match_anchors(target["boxes"], target["labels"], found.anchors, CONFIG)
    torch.stack(model._losses(found, 0, target)).sum().backward()  # type: ignore[operator]
    odds, deltas = found.odds.grad, found.deltas.grad
    assert odds is not None
    assert deltas is not None
    assert ignored.any()
    assert not odds[0, ignored].any()
    assert torch.equal(deltas[0].any(1), matched >= 0)
    # Three negatives for each positive.
    assert int((odds != 0).sum()) == 4 * int((matched >= 0).sum())


def test_expressions_are_learned_in_the_boxes_of_labelled_faces() -> None:
    model = build(replace(CONFIG, class_margin=0.0), CLASSES).train()
    found = prediction()
    target = {"boxes": torch.tensor([MIDDLE, [66, 66, 94, 94.0]]), "labels": torch.tensor([2, -1])}
    torch.stack(model._losses(found, 0, target)).sum().backward()  # type: ignore[operator]
    for scores, side in zip(found.scores, (6, 3), strict=True):
        assert scores.grad is not None
        towards = -scores.grad[0, :, :, 1]
        cell = SIZE / side
        rows, columns = (slice(int(a // cell), int(-(-b // cell))) for a, b in ((26, 66), (30, 62)))
        assert (towards[rows, columns] > 0).all()
        assert int((towards != 0).sum()) == towards[rows, columns].numel()


def test_a_picture_without_faces_teaches_the_background() -> None:
    model = build(CONFIG, CLASSES).train()
    found = prediction()
    odds = torch.randn(1, 100).requires_grad_()
    target = {"boxes": torch.empty(0, 4), "labels": torch.empty(0, dtype=torch.int64)}
    losses = model._losses(found._replace(odds=odds), 0, target)  # type: ignore[operator]
    assert float(losses[0].detach()) == float(losses[2].detach()) == 0
    losses[1].backward()
    assert odds.grad is not None
    hardest = odds.detach()[0].topk(CONFIG.negatives).indices
    assert sorted(odds.grad[0].nonzero().flatten().tolist()) == sorted(hardest.tolist())
    assert (odds.grad[0, hardest] > 0).all()


@pytest.fixture(scope="module")
def settled() -> FaceSSDLite:
    """A random network in evaluation mode whose answers differ from anchor to anchor."""
    torch.manual_seed(0)
    model = build(CONFIG, CLASSES)
    nn.init.normal_(model.class_score.weight)  # type: ignore[union-attr, arg-type]
    with torch.inference_mode():
        for _ in range(50):
            # With its first running statistics such a network answers nothing.
            model._run_normalised(torch.rand(4, 3, SIZE, SIZE))
    model.eval()
    return model


def test_the_raw_outputs_are_the_answer(settled: FaceSSDLite) -> None:
    pictures = torch.rand(1, 3, SIZE, SIZE)
    with torch.inference_mode():
        raw = settled.raw_outputs(pictures)
        (answer,) = settled(pictures)
    boxes = BoxCoder(CONFIG.box_weights).decode_single(raw["deltas"][0], raw["anchors"])
    wanted = select_detections(boxes, raw["logits"][0], (SIZE, SIZE), CONFIG.nms_iou, 1)
    for name, value in wanted.items():
        torch.testing.assert_close(answer[name][:1], value)


def test_candidates_alone_have_an_expression(
    settled: FaceSSDLite, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, judged = torch.rand(1, 3, SIZE, SIZE), []

    def count(scores: Tensor, boxes: Tensor, input_size: int) -> Tensor:
        judged.append(len(boxes))
        return average_cells(scores, boxes, input_size)

    monkeypatch.setattr(network, "average_cells", count)
    with torch.inference_mode():
        every = settled.raw_outputs(pictures)
        some = settled.raw_outputs(pictures, 7)
        more = settled.raw_outputs(pictures, 1000)
    assert judged == [100, 100, 7, 7, 100, 100]
    best = (every["logits"][0, :, 1:].logsumexp(-1) - every["logits"][0, :, 0]).topk(7).indices
    torch.testing.assert_close(some["logits"], every["logits"][:, best])
    assert torch.equal(some["deltas"], every["deltas"][:, best])
    assert torch.equal(some["anchors"], every["anchors"][best])
    assert more["logits"].shape == every["logits"].shape


def test_anchors_are_in_no_file(settled: FaceSSDLite) -> None:
    assert torch.equal(settled.anchors, make_anchors(CONFIG))
    assert "anchors" not in settled.state_dict()


@pytest.mark.parametrize("extractor", FREEZABLE_LAYERS)
def test_the_classifier_s_backbone_is_taken(extractor: str) -> None:
    torch.manual_seed(0)
    classifier = build_model(CLASSIFIERS[extractor], CLASSES)
    tensors, _ = classifier.deployable()
    detector = build(replace(CONFIG, extractor=extractor), CLASSES)  # type: ignore[arg-type]
    offered = SimpleNamespace(tensors=tensors, classes=CLASSES)
    report = detector.load_pretrained(offered, [torch.rand(2, 3, SIZE, SIZE)])
    assert report.backbone
    assert report.taken == ("class_score",)
    assert not report.unused
    assert all(name.startswith(("backbone.extra.", "head.", "fine_class")) for name in report.fresh)
    for name in report.backbone:
        taken = detector.state_dict()[f"{name}.weight"]
        assert torch.equal(taken, tensors[f"{name}.weight"])
    assert len(classifier.backbone_layers()) == classifier.config.freezable_layers


def test_losses_do_not_depend_on_neighbours() -> None:
    torch.manual_seed(0)
    model = build(replace(CONFIG, batch_norm=False), CLASSES).train()
    pictures = torch.rand(2, 3, SIZE, SIZE)
    targets = [
        {"boxes": torch.tensor([box]), "labels": torch.tensor([label])}
        for box, label in ((MIDDLE, 1), (BESIDE, 3))
    ]
    with torch.no_grad():
        together = model(pictures, targets)
        alone = [model(pictures[n : n + 1], targets[n : n + 1]) for n in range(2)]
    for name, value in together.items():
        torch.testing.assert_close(torch.stack([each[name] for each in alone]).mean(), value)


def picture(seed: int) -> Tensor:
    return torch.from_numpy(drawn_face(seed).transpose(2, 0, 1).copy()).float() / 255


def test_it_overfits_a_few_pictures() -> None:
    torch.manual_seed(0)
    scales = ((0.2, 0.3), (0.5, 0.7))
    config = Config(input_size=SIZE, extractor="mobilenet_v3_small", anchor_scales=scales)
    model = build(config, CLASSES)
    # Every second face has other colours.
    pictures = [picture(0), picture(1).flip(0), picture(2), picture(3).flip(0)]
    targets = [
        {"boxes": torch.tensor([FACE.as_tuple()]), "labels": torch.tensor([label])}
        for label in (1, 3, 1, 3)
    ]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.004)
    history = []
    for _ in range(40):
        loss = torch.stack(list(model.train()(pictures, targets).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(float(loss.detach()))
    with torch.inference_mode():
        for _ in range(60):
            # The running statistics have to follow weights that have just changed a lot.
            model(pictures, targets)
        answers = model.eval()(pictures, [{"boxes": each["boxes"]} for each in targets])
    assert history[-1] < 0.2 * history[0], history
    for answer, wanted in zip(answers, targets, strict=True):
        assert float(box_iou(answer["boxes"][:1], wanted["boxes"])) > 0.5
        assert answer["labels"][0] == wanted["labels"][0]
        assert answer["target_probabilities"].argmax() + 1 == wanted["labels"][0]
