from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from fer_det.models.sampling import PictureRandom
from fer_det.models.vgg16_frcnn.roi_heads import FaceRoIHeads, PictureDropout

SIZE, CHANNELS, CLASSES, SAMPLES = 96, 4, 7, 8
FACE = [20.0, 14.0, 62.0, 66.0]
BESIDE = [64.0, 40.0, 92.0, 76.0]


def make_heads(
    random: PictureRandom | None = None, dropout: float = 0.0, samples: int = SAMPLES
) -> FaceRoIHeads:
    torch.manual_seed(0)
    return FaceRoIHeads(
        channels=CHANNELS,
        width=8,
        classes=CLASSES,
        dropout=dropout,
        box_loss_weight=1.0,
        samples=samples,
        nms_iou=0.4,
        detections=5,
        random=random or PictureRandom(),
    )


def target(*faces: tuple[list[float], int]) -> dict[str, Tensor]:
    return {
        "boxes": torch.tensor([box for box, _ in faces]).reshape(-1, 4),
        "labels": torch.tensor([label for _, label in faces], dtype=torch.int64),
    }


def proposals(seed: int = 0) -> Tensor:
    """Some on each face, some on the ground."""
    generator = torch.Generator().manual_seed(seed)
    near = torch.tensor([FACE, BESIDE]).repeat(8, 1)
    corners = torch.rand(20, 2, generator=generator) * 60
    ground = torch.cat([corners, corners + 20], 1)
    return torch.cat([near + torch.randn(near.shape, generator=generator) * 2, ground])


def maps(count: int = 1) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return {"0": torch.rand(count, CHANNELS, SIZE // 16, SIZE // 16, generator=generator)}


def logits_for(*rows: tuple[float, int, float]) -> Tensor:
    """(probability of a face, its class, certainty of the class) a row."""
    probabilities = torch.empty(len(rows), 1 + CLASSES)
    for row, (face, label, certainty) in zip(probabilities, rows, strict=True):
        row[0] = 1 - face
        row[1:] = face * (1 - certainty) / (CLASSES - 1)
        row[label] = face * certainty
    return probabilities.log()


class TestSampling:
    def sample(self, *faces: tuple[list[float], int], seed: int = 0) -> tuple[Tensor, Tensor]:
        random = PictureRandom()
        random.reseed([seed])
        heads = make_heads(random)
        drawn, _, labels, _ = heads.select_training_samples([proposals(seed)], [target(*faces)])
        return drawn[0], labels[0]

    @pytest.mark.parametrize("seed", range(10))
    def test_proposals_on_a_face_to_ignore_are_never_drawn(self, seed: int) -> None:
        drawn, labels = self.sample((FACE, 4), (BESIDE, -1), seed=seed)
        iou = box_iou(drawn, torch.tensor([FACE, BESIDE]))
        assert (iou[:, 1] < 0.5).all()
        assert (labels[iou[:, 0] >= 0.5] == 4).all()
        assert (labels[iou[:, 0] < 0.5] == 0).all()
        assert (labels == 4).sum() == SAMPLES // 2
        assert len(drawn) == SAMPLES

    def test_without_the_mark_they_would_be(self) -> None:
        drawn, _ = self.sample((FACE, 4), seed=0)
        assert (box_iou(drawn, torch.tensor([BESIDE])) >= 0.5).any()

    def test_only_a_face_to_ignore(self) -> None:
        drawn, labels = self.sample((BESIDE, -1))
        assert len(drawn) == SAMPLES
        assert not labels.any()

    def test_no_face(self) -> None:
        _, labels = self.sample()
        assert labels.tolist() == [0] * SAMPLES


class TestLosses:
    def losses(self, heads: FaceRoIHeads, faces: Sequence[tuple[list[float], int]]) -> Tensor:
        _, losses = heads(maps(), [proposals()], [(SIZE, SIZE)], [target(*faces)])
        assert set(losses) == {"loss_classifier", "loss_box_reg"}
        return torch.stack([losses["loss_classifier"], losses["loss_box_reg"]])

    @pytest.mark.parametrize("faces", [[], [(FACE, -1)], [(FACE, 4), (BESIDE, -1)]])
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
        both = [target((FACE, 4)), target((BESIDE, 2), (FACE, -1))]
        given, seeds = [proposals(0), proposals(1)], [5, 6]
        random.reseed(seeds)
        features = maps(2)["0"]
        _, together = heads({"0": features}, given, [(SIZE, SIZE)] * 2, both)
        for name, value in together.items():
            alone = []
            for place, seed in enumerate(seeds):
                random.reseed([seed])
                one = {"0": features[place : place + 1]}
                _, losses = heads(one, [given[place]], [(SIZE, SIZE)], [both[place]])
                alone.append(losses[name])
            torch.testing.assert_close(value, torch.stack(alone).mean())

    def test_one_correction_for_all_classes(self) -> None:
        predictor = make_heads().box_predictor
        logits, deltas = predictor(torch.rand(3, 8))
        assert (logits.shape, deltas.shape) == ((3, 1 + CLASSES), (3, 4))


class TestDropout:
    def test_evaluation_leaves_all(self) -> None:
        features = torch.rand(3, 4)
        assert PictureDropout(0.5, PictureRandom()).eval()(features, [3]) is features

    def test_keeps_the_mean(self) -> None:
        random = PictureRandom()
        random.reseed([0])
        out = PictureDropout(0.25, random).train()(torch.ones(50, 400), [50])
        assert out.unique().tolist() == pytest.approx([0, 1 / 0.75])
        # The standard error of 20,000 draws is 0.004.
        assert float(out.mean()) == pytest.approx(1.0, abs=0.02)

    def test_neighbours_do_not_matter(self) -> None:
        random = PictureRandom()
        dropout = PictureDropout(0.5, random).train()
        random.reseed([3, 4])
        together = dropout(torch.ones(5, 20), [2, 3])
        random.reseed([4])
        assert torch.equal(dropout(torch.ones(3, 20), [3]), together[2:])


class TestDetections:
    def detect(self, boxes: list[list[float]], logits: Tensor) -> dict[str, Tensor]:
        return make_heads().eval()._detections(torch.tensor(boxes), logits, (SIZE, SIZE))

    def test_one_box_a_face_whatever_its_classes(self) -> None:
        near = [edge + 1 for edge in FACE]
        found = self.detect(
            [FACE, near, BESIDE], logits_for((0.6, 1, 0.9), (0.8, 4, 0.7), (0.3, 2, 0.5))
        )
        assert found["boxes"].tolist() == [near, BESIDE]
        assert found["labels"].tolist() == [4, 2]
        assert found["scores"].tolist() == pytest.approx([0.8, 0.3])
        assert found["probabilities"][:, 3].tolist() == pytest.approx([0.7, 0.5 / 6])

    def test_clipped_limited_and_best_first(self) -> None:
        boxes = [[float(place * 12 - 6), -5.0, place * 12 + 6.0, 8.0] for place in range(9)]
        rows = [(0.1 * (place + 1) - 0.05, 1 + place % 7, 0.9) for place in range(9)]
        found = self.detect(boxes, logits_for(*rows))
        assert found["scores"].tolist() == pytest.approx([0.85, 0.75, 0.65, 0.55, 0.45])
        assert found["boxes"][0].tolist() == [90.0, 0.0, 96.0, 8.0]

    def test_box_outside_the_picture_is_none(self) -> None:
        found = self.detect([[100.0, 5.0, 120.0, 30.0]], logits_for((0.9, 1, 0.9)))
        assert found["boxes"].shape == (0, 4)
        assert found["probabilities"].shape == (0, CLASSES)


def test_truth_boxes_ride_along() -> None:
    heads = make_heads().eval()
    boxes = torch.tensor([FACE, BESIDE])
    given = [proposals(0), proposals(1)]
    shapes = [(SIZE, SIZE)] * 2
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
    (answer,), _ = heads(maps(), [torch.empty(0, 4)], [(SIZE, SIZE)])
    assert answer["boxes"].shape == (0, 4)
