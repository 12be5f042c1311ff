from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_data.voc_tree import BYSTANDER, CLASSES, FACE, write_voc_tree
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_det.data.face_crops import FaceCrops
from fer_det.data.loader import in_order, make_loader
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine.scoring import (
    find_data,
    score_crops,
    score_given_boxes,
    score_pictures,
    score_split,
    to_unit_range,
    top1_pairs,
)
from fer_det.errors import DatasetNotFoundError, TrainingDivergedError
from fer_det.evaluation.picture import ScoredPicture
from fer_det.models import build_model, find_model
from fer_det.runtime.device import Hardware
from fer_det.weights.model_file import ModelFile, restore_model

SIZE = 30
KEYS = ("probabilities", "target_probabilities")
HARDWARE = Hardware(torch.device("cpu"), "float32")


class Echo(nn.Module):
    """Finds the very boxes it is asked about, one pixel of the input further right."""

    def __init__(self, label: int = 1, score: float = 0.9) -> None:
        super().__init__()
        self.label, self.score = label, score
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor, targets: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
        assert not self.training
        self.seen.append(images)
        answers = []
        for target in targets:
            count = len(target["boxes"])
            row = nn.functional.one_hot(torch.tensor(self.label - 1), len(CLASSES)).float()
            answers.append(
                {
                    "boxes": target["boxes"] + torch.tensor([1.0, 0, 1, 0]),
                    "scores": torch.full((count,), self.score),
                    "labels": torch.full((count,), self.label),
                    "probabilities": row.repeat(count, 1),
                    "target_probabilities": row.repeat(count, 1),
                }
            )
        return answers


@pytest.fixture
def dataset(tmp_path: Path) -> VocDataset:
    write_voc_tree(tmp_path, {"test": ["surprise", "anger", ("neutral", "surprise")]})
    return VocDataset(tmp_path, "test", SIZE, (0, 0, 0))


def score(dataset: VocDataset, model: nn.Module) -> list[ScoredPicture]:
    batches = make_loader(dataset, in_order(len(dataset), 2), workers=0, pin_memory=False)
    return list(score_pictures(model.train(), HARDWARE, dataset, batches))


def test_boxes_come_back_in_the_picture_s_pixels(dataset: VocDataset) -> None:
    pictures = score(dataset, Echo())
    assert [picture.image_id for picture in pictures] == ["test_0000", "test_0001", "test_0002"]
    second = pictures[1]
    # 60 x 48 pixels are scaled by a half, so a pixel of the input is two of the picture.
    moved = [FACE.moved(2, 0).as_tuple(), BYSTANDER.moved(2, 0).as_tuple()]
    assert second.boxes.tolist() == [pytest.approx(box) for box in moved]
    assert second.truth_boxes.tolist() == [list(FACE.as_tuple())]
    assert second.ignore_boxes.tolist() == [list(BYSTANDER.as_tuple())]
    assert second.truth_labels.tolist() == [CLASSES.index("anger") + 1]
    assert second.truth_probabilities is not None
    assert second.truth_probabilities.shape == (1, len(CLASSES))


def test_model_sees_the_unit_range(dataset: VocDataset) -> None:
    model = Echo()
    score(dataset, model)
    assert [images.shape for images in model.seen] == [(2, 3, SIZE, SIZE), (1, 3, SIZE, SIZE)]
    assert 0 <= model.seen[0].min() < 0.1
    assert 0.5 < model.seen[0].max() <= 1


def test_to_unit_range() -> None:
    pictures = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 3, 1, 1).expand(1, 3, 2, 2)
    images = to_unit_range(pictures, torch.device("cpu"))
    assert images[0, :, 1, 1].tolist() == pytest.approx([0, 0.2, 1])
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_top1_pairs(dataset: VocDataset) -> None:
    pairs = [pair for picture in score(dataset, Echo(label=1)) for pair in top1_pairs(picture)]
    # Two faces are three pixels apart; the second gets the first one's box, moved by two pixels.
    assert pairs == [(1, 1), (6, 1), (7, 0), (1, 1)]


def test_temperature_softens_both_kinds_of_probabilities(dataset: VocDataset) -> None:
    class Unsure(Echo):
        def forward(
            self, images: Tensor, targets: list[dict[str, Tensor]]
        ) -> list[dict[str, Tensor]]:
            answers = super().forward(images, targets)
            row = torch.tensor([2.0, 1, 0, 0, 0, 0, 0]).softmax(0)
            return [{**a, **dict.fromkeys(KEYS, row.repeat(len(a["boxes"]), 1))} for a in answers]

    batches = make_loader(dataset, in_order(len(dataset), 2), workers=0, pin_memory=False)
    wanted = torch.tensor([1.0, 0.5, 0, 0, 0, 0, 0]).softmax(0).numpy()
    for picture in score_pictures(Unsure().train(), HARDWARE, dataset, batches, temperature=2.0):
        assert picture.truth_probabilities is not None
        for rows in (picture.probabilities, picture.truth_probabilities):
            assert rows == pytest.approx(wanted[None].repeat(len(rows), 0), abs=1e-6)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_answer_that_is_no_number(dataset: VocDataset, value: float) -> None:
    with pytest.raises(TrainingDivergedError, match=r"not finite on test_0000.jpg; wanted finite"):
        score(dataset, Echo(score=value))


class TestCrops:
    def score(self, crops: FaceCrops, model: nn.Module) -> list[ScoredPicture]:
        # A batch ends in the middle of the photo with two faces.
        batches = make_loader(crops, in_order(len(crops), 3), workers=0, pin_memory=False)
        return list(score_given_boxes(crops, score_crops(model.train(), HARDWARE, crops, batches)))

    def test_faces_of_a_photo_come_together(self, dataset: VocDataset) -> None:
        pictures = self.score(FaceCrops(dataset, 0.1), Echo(label=3))
        detected = score(dataset, Echo(label=3))
        for picture, wanted in zip(pictures, detected, strict=True):
            assert picture.image_id == wanted.image_id
            assert (picture.width, picture.height) == (wanted.width, wanted.height)
            for name in ("truth_boxes", "truth_labels", "ignore_boxes", "truth_probabilities"):
                assert (getattr(picture, name) == getattr(wanted, name)).all()
            assert len(picture.boxes) == len(picture.scores) == len(picture.probabilities) == 0
            assert picture.class_count == len(CLASSES)

    def test_answer_that_is_not_finite(self, dataset: VocDataset) -> None:
        with pytest.raises(TrainingDivergedError, match="test_0000"):
            self.score(FaceCrops(dataset, 0.1), Echo(score=float("nan")))


class TestViews:
    @pytest.fixture
    def file(self) -> ModelFile:
        torch.manual_seed(0)
        config = find_model("resnet_classifier").config_class()(
            input_size=32, stem_width=4, widths=(4, 8), blocks=(1, 1)
        )
        model = build_model(config, CLASSES).eval()
        # Random weights say almost the same of every picture.
        model.class_score.weight.data *= 300
        return ModelFile(*model.deployable(), CLASSES)

    def rows(self, file: ModelFile, dataset: VocDataset, **options: Any) -> NDArray[np.float64]:
        scored = score_split(file, Path("x.pth"), HARDWARE, dataset, 2, 0, 1.0, **options)
        found = [picture.truth_probabilities for picture in scored]
        return np.concatenate([rows for rows in found if rows is not None])

    def test_mean_of_the_crop_and_its_mirror_image(self, file: ModelFile, tmp_path: Path) -> None:
        write_voc_tree(tmp_path, {"test": ["surprise", "anger", ("neutral", "surprise")]})
        dataset = VocDataset(tmp_path, "test", 32, (0, 0, 0))
        model = restore_model(file, Path("x.pth")).eval()
        crops = [FaceCrops(dataset, 0.0)[draw][0] for draw in next(in_order(4, 4))]
        batch = torch.from_numpy(np.stack(crops)).float() / 255
        targets = [{"boxes": torch.tensor([[0.0, 0.0, 32.0, 32.0]])}] * len(crops)
        with torch.inference_mode():
            one, mirrored = (
                torch.cat([answer["target_probabilities"] for answer in model(seen, targets)])
                for seen in (batch, batch.flip(-1))
            )
        assert self.rows(file, dataset) == pytest.approx(one.numpy(), abs=1e-5)
        mean = self.rows(file, dataset, views="flip")
        # OpenCV's resampling is symmetric to a gray level.
        assert mean == pytest.approx(((one + mirrored) / 2).numpy(), abs=0.02)
        assert np.abs(mean - one.numpy()).max() > 0.03
        assert self.rows(file, dataset, views="ten").sum(1) == pytest.approx(1, abs=1e-5)
        assert np.abs(self.rows(file, dataset, face_size=4) - one.numpy()).max() > 0.03


def test_no_folder_to_score_on(tmp_path: Path) -> None:
    """Without --data: what is known of the folder that the model was trained on."""
    config = find_model("vgg16_frcnn").config_class()()
    for info, told in (
        ({}, "no --data, and the model file does not say which folder it was trained on; wanted"),
        ({"data": {"path": str(tmp_path / "voc")}}, "voc, which the model was trained on, is abs"),
    ):
        with pytest.raises(DatasetNotFoundError, match=told):
            find_data(None, ModelFile({}, config, info=info))
