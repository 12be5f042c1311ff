from dataclasses import replace

import pytest
import torch
from fake_data.voc_tree import small_faces
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import box_iou

from fer_det.models.sampling import PictureRandom
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.models.vgg16_frcnn.rpn import FaceAnchors, FaceRPN

SIZE, CHANNELS = 96, 6
SCALES = (0.125, 0.19, 0.29, 0.44, 0.66, 1.0)
CONFIG = Config(
    input_size=SIZE,
    train_proposals=12,
    test_proposals=6,
    anchor_scales=SCALES,
    anchor_spacing=0.0,
)
FACE = [20.0, 14.0, 62.0, 66.0]
BESIDE = [60.0, 40.0, 90.0, 76.0]
OVERLAPPING = [30.0, 16.0, 74.0, 68.0]


def make_rpn(random: PictureRandom | None = None, samples: int = 16) -> FaceRPN:
    torch.manual_seed(0)
    return FaceRPN(CHANNELS, replace(CONFIG, rpn_samples=samples), random or PictureRandom())


def images(count: int) -> ImageList:
    return ImageList(torch.zeros(count, 3, SIZE, SIZE), [(SIZE, SIZE)] * count)


def maps(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, CHANNELS, SIZE // 16, SIZE // 16, generator=generator)


def target(*faces: tuple[list[float], int]) -> dict[str, Tensor]:
    return {
        "boxes": torch.tensor([box for box, _ in faces]).reshape(-1, 4),
        "labels": torch.tensor([label for _, label in faces], dtype=torch.int64),
    }


@pytest.fixture(scope="module")
def anchors() -> Tensor:
    return FaceAnchors(CONFIG)(images(1), [maps(1)])[0]


class TestAnchors:
    def test_sides_are_parts_of_the_input_and_a_fifth_taller_than_wide(
        self, anchors: Tensor
    ) -> None:
        assert len(anchors) == len(SCALES) * (SIZE // 16) ** 2
        sides = (anchors[:, 2:] - anchors[:, :2])[: len(SCALES)]
        areas = torch.tensor([scale * SIZE for scale in SCALES]) ** 2
        # torchvision rounds the edges of its anchors to whole pixels.
        torch.testing.assert_close(sides.prod(1), areas, rtol=0.2, atol=0)
        assert float((sides[:, 1] / sides[:, 0])[-1]) == pytest.approx(1.2, abs=0.05)

    def test_small_ones_fill_their_cells(self) -> None:
        config = Config(input_size=160, anchor_scales=(0.1, 0.4), anchor_spacing=0.6)
        generator = FaceAnchors(config)
        (made,) = generator(
            ImageList(torch.zeros(1, 3, 160, 160), [(160, 160)]), [torch.zeros(1, 1, 10, 10)]
        )
        # 16 / (0.6 * 16) = 1.7, so two by two of the small ones.
        assert generator.num_anchors_per_location() == [5]
        assert len(made) == 500
        centres = (made[:5, :2] + made[:5, 2:]) / 2
        assert centres.tolist() == [[-4, -4], [4, -4], [-4, 4], [4, 4], [0, 0]]

    def test_faces_of_24_pixels_and_less_fit_one(self) -> None:
        whole = ImageList(torch.zeros(1, 3, 224, 224), [(224, 224)])
        maps = [torch.zeros(1, 1, 14, 14)]
        fine_scales = Config(
            input_size=224, anchor_scales=(0.055, 0.085, *SCALES), anchor_spacing=0.6
        )
        (fine,) = FaceAnchors(fine_scales)(whole, maps)
        (coarse,) = FaceAnchors(Config(input_size=224))(whole, maps)
        faces = torch.tensor(small_faces(224))
        assert float(box_iou(faces, fine).amax(1).min()) > 0.35
        assert float(box_iou(faces, coarse).amax(1).min()) < 0.2

    def test_stay_exact_beside_bfloat16_maps(self) -> None:
        # bfloat16 has no odd numbers above 256, and the anchors of a large input do.
        size, generator = 560, FaceAnchors(Config(input_size=560))
        whole = ImageList(torch.zeros(1, 3, size, size), [(size, size)])
        (exact,) = generator(whole, [torch.zeros(1, 1, 35, 35)])
        (beside,) = generator(whole, [torch.zeros(1, 1, 35, 35, dtype=torch.bfloat16)])
        assert beside.dtype == torch.float32
        assert torch.equal(beside, exact)
        assert not torch.equal(exact.bfloat16().float(), exact)


class TestLabels:
    def label(self, anchors: Tensor, *faces: tuple[list[float], int]) -> tuple[Tensor, Tensor]:
        (labels,), (boxes,) = make_rpn().assign_targets_to_anchors([anchors], [target(*faces)])
        return labels, boxes

    def test_a_face_has_its_anchors(self, anchors: Tensor) -> None:
        labels, boxes = self.label(anchors, (FACE, 4))
        iou = box_iou(torch.tensor([FACE]), anchors)[0]
        assert (labels == 1).any()
        assert (labels[iou >= 0.7] == 1).all()
        assert labels[iou.argmax()] == 1
        assert (labels[iou < 0.3] == 0).all()
        assert (boxes[labels == 1] == torch.tensor(FACE)).all()
        assert set(labels.tolist()) == {-1.0, 0.0, 1.0}

    @pytest.mark.parametrize("ignored", [BESIDE, OVERLAPPING, FACE], ids=["beside", "over", "same"])
    def test_a_face_to_ignore_only_turns_labels_to_ignored(
        self, anchors: Tensor, ignored: list[float]
    ) -> None:
        before, _ = self.label(anchors, (FACE, 4))
        after, boxes = self.label(anchors, (FACE, 4), (ignored, -1))
        changed = before != after
        assert (after[changed] == -1).all()
        assert (after == 1).any()
        assert (boxes[after == 1] == torch.tensor(FACE)).all()

    def test_a_face_keeps_an_anchor_where_one_to_ignore_fits_all_of_them_better(
        self, anchors: Tensor
    ) -> None:
        best = box_iou(torch.tensor([FACE]), anchors)[0].argmax()
        ignored = anchors[best].tolist()
        labels, boxes = self.label(anchors, (FACE, 4), (ignored, -1))
        assert int((labels == 1).sum()) == 1
        assert boxes[labels == 1].tolist() == [FACE]

    @pytest.mark.parametrize("ignored", [BESIDE, OVERLAPPING], ids=["beside", "over"])
    def test_anchors_on_a_face_to_ignore_are_ignored(
        self, anchors: Tensor, ignored: list[float]
    ) -> None:
        labels, _ = self.label(anchors, (FACE, 4), (ignored, -1))
        iou = box_iou(torch.tensor([FACE, ignored]), anchors)
        on_it = (iou[1] >= 0.3) & (iou[1] > iou[0])
        on_it[labels == 1] = False
        assert on_it.any()
        assert int((labels == 1).sum()) <= int((iou[0] > iou[1]).sum()) + 1
        assert (labels[on_it] == -1).all()
        assert labels[iou[1].argmax()] == -1

    def test_only_a_face_to_ignore(self, anchors: Tensor) -> None:
        labels, _ = self.label(anchors, (FACE, -1))
        assert set(labels.tolist()) == {-1.0, 0.0}

    def test_no_face_at_all(self, anchors: Tensor) -> None:
        labels, boxes = self.label(anchors)
        assert not labels.any()
        assert boxes.shape == anchors.shape


class TestLosses:
    def losses(self, rpn: FaceRPN, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        _, losses = rpn(images(len(targets)), {"0": maps(len(targets))}, targets)
        return losses

    @pytest.mark.parametrize("faces", [[], [(FACE, -1)], [(FACE, 4), (BESIDE, -1)]])
    def test_finite_whatever_is_in_the_picture(self, faces: list[tuple[list[float], int]]) -> None:
        random = PictureRandom()
        random.reseed([1])
        losses = self.losses(make_rpn(random), [target(*faces)])
        assert set(losses) == {"loss_objectness", "loss_rpn_box_reg"}
        assert all(bool(value.isfinite()) for value in losses.values())
        assert (losses["loss_rpn_box_reg"] > 0) == any(label > 0 for _, label in faces)

    def test_ignored_anchors_get_no_gradient(self, anchors: Tensor) -> None:
        random = PictureRandom()
        rpn = make_rpn(random)
        given = [target((FACE, 4), (BESIDE, -1))]
        labels, matched = rpn.assign_targets_to_anchors([anchors], given)
        ignored, moved = labels[0] == -1, torch.zeros(len(anchors))
        for seed in range(60):
            random.reseed([seed])
            objectness = torch.zeros(len(anchors), 1, requires_grad=True)
            deltas = torch.zeros(len(anchors), 4, requires_grad=True)
            wanted = rpn.box_coder.encode(matched, [anchors])
            sum(rpn.compute_loss(objectness, deltas, labels, wanted)).backward()
            assert not objectness.grad[ignored].any()
            assert not deltas.grad[labels[0] != 1].any()
            moved += objectness.grad[:, 0].abs()
        assert (moved[~ignored] > 0).float().mean() > 0.9

    @pytest.mark.parametrize("samples", [16, 500], ids=["found", "too many"])
    def test_batch_is_the_mean_of_its_pictures(self, samples: int) -> None:
        random = PictureRandom()
        rpn = make_rpn(random, samples)
        targets = [target((FACE, 4), (BESIDE, -1)), target()]
        random.reseed([1, 2])
        together = self.losses(rpn, targets)
        features = maps(2)
        for name, value in together.items():
            alone = []
            for place, seed in enumerate([1, 2]):
                random.reseed([seed])
                _, losses = rpn(images(1), {"0": features[place : place + 1]}, [targets[place]])
                alone.append(losses[name])
            torch.testing.assert_close(value, torch.stack(alone).mean())


def test_proposals_lie_in_the_picture_and_are_limited() -> None:
    rpn = make_rpn().eval()
    listed = ImageList(torch.zeros(1, 3, SIZE, SIZE), [(40.0, 96.0)])
    (proposals,), losses = rpn(listed, {"0": maps(1)})
    assert losses == {}
    assert 0 < len(proposals) <= 6
    assert (proposals >= 0).all()
    assert (proposals[:, 0::2] <= 96).all()
    assert (proposals[:, 1::2] <= 40).all()


@pytest.mark.parametrize("shift", [0.0, -8.0])
def test_evaluation_keeps_proposals_with_enough_objectness_or_the_best(shift: float) -> None:
    rpn = make_rpn()
    with torch.no_grad():
        rpn.head.cls_logits.weight.mul_(300)
        rpn.head.cls_logits.bias.add_(shift)
    listed, features = images(2), {"0": maps(2)}
    with torch.no_grad():
        logits, _ = rpn.head([maps(2)])
        anchors = rpn.anchor_generator(listed, [maps(2)])
        scores = torch.cat([each.permute(0, 2, 3, 1).flatten(1) for each in logits], 1)
        boxes = torch.stack(anchors)
        filter_proposals = (boxes, scores, listed.image_sizes, [scores.shape[1]])
        rpn.train()
        all_boxes, all_scores = rpn.filter_proposals(*filter_proposals)
        rpn.eval()
        kept_boxes, kept_scores = rpn.filter_proposals(*filter_proposals)
    for every, score, kept, kept_score in zip(
        all_boxes, all_scores, kept_boxes, kept_scores, strict=True
    ):
        count = max(1, min(6, int((score >= CONFIG.min_objectness).sum())))
        assert torch.equal(kept, every[:count])
        assert torch.equal(kept_score, score[:count])
        assert len(every) > count
    assert (len(kept_boxes[0]) == 1) == (shift < 0)
    assert len(rpn(listed, features)[0][0]) == len(kept_boxes[0])


def test_boxes_are_decoded_in_float32_under_autocast() -> None:
    rpn = make_rpn().eval()
    with torch.autocast("cpu", torch.bfloat16):
        logits, deltas = rpn.head([maps(1).bfloat16()])
    assert logits[0].dtype == deltas[0].dtype == torch.float32
