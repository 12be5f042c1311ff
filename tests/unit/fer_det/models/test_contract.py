from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fake_data.voc_tree import CLASSES
from torch import Tensor, nn

from fer_det.config.model import ModelConfig
from fer_det.config.training import OptimizerConfig
from fer_det.losses.centre import CentreLoss
from fer_det.losses.softmax import BesideSoftmax
from fer_det.models import MODELS, build_model, find_model
from fer_det.models.contract import FaceModel, LoadReport, select_detections
from fer_det.models.vgg16_classifier.config import Config as ClassifierConfig
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.weights.model_file import ModelFile, WeightsInfo, read_model_file, save_weights

SIZE, WIDTH = 32, 16
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.1, 0.25)
CONFIG = Config(input_size=SIZE, head_width=WIDTH, image_mean=MEAN, image_std=STD)
BOTH = ("roi_heads.box_head.fc6", "roi_heads.box_head.fc7")


@pytest.fixture(scope="module")
def pictures() -> list[Tensor]:
    """Batches in 0..1."""
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(4, 3, SIZE, SIZE, generator=generator) for _ in range(2)]


@pytest.fixture(scope="module")
def learnt() -> FaceModel:
    """A network whose backbone is taken; its statistics are not those of a fresh one."""
    torch.manual_seed(3)
    config = ClassifierConfig(
        input_size=SIZE, head_width=WIDTH, image_mean=MEAN, image_std=STD, face_margin=0.0
    )
    model = build_model(config, CLASSES)
    with torch.no_grad():
        for _ in range(3):
            model.train().backbone(torch.randn(4, 3, SIZE, SIZE))
    return model.eval()


def backbone_of(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The entries of a state dict that belong to the backbone."""
    return {name: tensor for name, tensor in state.items() if name.startswith("backbone.")}


def published(folder: Path, model: FaceModel, head: int = 0) -> ModelFile:
    """A model's backbone as published weights, with fc6 and fc7 of that width where it has one."""
    own = backbone_of(model.deployable()[0])
    tensors = {name.removeprefix("backbone."): tensor for name, tensor in own.items()}
    if head:
        tensors |= {
            "classifier.0.weight": torch.rand(head, 25088),
            "classifier.0.bias": torch.rand(head),
            "classifier.3.weight": torch.rand(head, head),
            "classifier.3.bias": torch.rand(head),
        }
    info = WeightsInfo("a test", "none", "nothing", MEAN, STD)
    save_weights(folder / "backbone.safetensors", tensors, info, torch.float32)
    return read_model_file(folder / "backbone.safetensors")


def features(model: FaceModel, picture: Tensor) -> Tensor:
    """The backbone's map of a picture in 0..1, with the model's own normalisation."""
    with torch.inference_mode():
        batch, _ = model.eval().transform(picture)
        found: Tensor = model.backbone(batch.tensors)["0"]
    return found


@pytest.mark.parametrize("name", MODELS)
def test_what_is_deployed_answers_as_the_trained_model(name: str) -> None:
    torch.manual_seed(4)
    settings = find_model(name).config_class()
    width = {"head_width": WIDTH} if name.startswith("vgg16") else {}
    config = settings(input_size=64, **width)
    model = build_model(config, CLASSES)
    with torch.no_grad():
        for norm in (each for each in model.modules() if isinstance(each, nn.BatchNorm2d)):
            norm.running_mean.uniform_(-0.5, 0.5)
            norm.running_var.uniform_(0.5, 2)
            norm.weight.uniform_(0.5, 1.5)
    tensors, folded = model.deployable()
    assert not folded.batch_norm
    other = build_model(folded, CLASSES)
    other.load_state_dict(tensors)
    pictures = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        first, second = (each.eval()(list(pictures)) for each in (model, other))
    assert len(first) == 2
    for one, two in zip(first, second, strict=True):
        assert one.keys() == two.keys()
        assert len(one["scores"]) > 0
        for key in ("boxes", "probabilities"):
            torch.testing.assert_close(one[key], two[key], rtol=1e-3, atol=1e-3)


class TestLoading:
    @pytest.mark.parametrize("batch_norm", [True, False])
    def test_trained_folded_written_and_loaded_it_is_the_same_function(
        self, tmp_path: Path, learnt: FaceModel, pictures: list[Tensor], batch_norm: bool
    ) -> None:
        torch.manual_seed(0)
        model = build_model(replace(CONFIG, batch_norm=batch_norm), CLASSES)
        report = model.load_pretrained(published(tmp_path, learnt), pictures)
        assert len(report.backbone) == 13
        picture = torch.rand(2, 3, SIZE, SIZE)
        wanted, found = features(learnt, picture), features(model, picture)
        assert wanted.std() > 0.01
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.max()))

    def test_norms_are_calibrated_on_the_pictures(
        self, tmp_path: Path, learnt: FaceModel, pictures: list[Tensor]
    ) -> None:
        model = build_model(CONFIG, CLASSES)
        model.load_pretrained(published(tmp_path, learnt), pictures)
        shown = torch.cat(pictures)
        wanted = features(learnt, shown)
        with torch.inference_mode():
            batch, _ = model.train().transform(shown)
            found = model.backbone(batch.tensors)["0"]
        torch.testing.assert_close(found, wanted, rtol=0.01, atol=0.01 * float(wanted.max()))

    def test_norms_need_pictures(self, tmp_path: Path, learnt: FaceModel) -> None:
        with pytest.raises(ValueError, match="needs pictures"):
            build_model(CONFIG, CLASSES).load_pretrained(published(tmp_path, learnt))

    def loaded(
        self, file: ModelFile, pictures: list[Tensor], config: ModelConfig = CONFIG
    ) -> tuple[set[str], LoadReport]:
        """Names of the head's layers that have changed, and the report."""
        torch.manual_seed(0)
        model = build_model(config, CLASSES)
        before = {name: values.clone() for name, values in model.state_dict().items()}
        report = model.load_pretrained(file, pictures)
        changed = {
            name.rpartition(".")[0]
            for name, values in model.state_dict().items()
            if not name.startswith("backbone.") and not torch.equal(values, before[name])
        }
        # What is reported as taken is what has changed.
        assert changed == set(report.taken)
        text = report.describe()
        assert "13 layers of the backbone" in text
        assert all(name in text for name in (*report.fresh, *report.unused, *report.taken))
        return changed, report

    @pytest.mark.parametrize("width", [0, WIDTH, 8])
    def test_head_of_the_same_width_is_taken(
        self, tmp_path: Path, learnt: FaceModel, pictures: list[Tensor], width: int
    ) -> None:
        changed, report = self.loaded(published(tmp_path, learnt, head=width), pictures)
        assert changed == (set(BOTH) if width == WIDTH else set())
        assert set(report.unused) == (set(BOTH) if width == 8 else set())
        assert "rpn.head.cls_logits" in report.fresh

    @pytest.mark.parametrize("classes", [CLASSES, CLASSES[::-1]], ids=["same", "others"])
    def test_detector(self, pictures: list[Tensor], classes: tuple[str, ...]) -> None:
        torch.manual_seed(5)
        config = CONFIG.without_batch_norm()
        other = build_model(config, classes)
        for values in other.parameters():
            # Biases are initialised with 0, and a copied 0 looks like a fresh one.
            values.data += 0.01
        state = other.state_dict()
        changed, report = self.loaded(ModelFile(state, config, classes), pictures)
        heads = {name.rpartition(".")[0] for name in state if not name.startswith("backbone.")}
        last = {"roi_heads.box_predictor.cls_score"}
        assert changed == (heads if classes == CLASSES else heads - last)
        assert set(report.unused) == set(report.fresh) == (set() if classes == CLASSES else last)

    def test_unfinished_training_is_folded(self, learnt: FaceModel, pictures: list[Tensor]) -> None:
        state = {**backbone_of(learnt.state_dict()), "age.weight": torch.ones(1, WIDTH)}
        changed, report = self.loaded(ModelFile(state, learnt.config, CLASSES), pictures)
        assert changed == set()
        assert report.unused == ("age",)

    @pytest.mark.parametrize("classes", [CLASSES, CLASSES[::-1]], ids=["same", "others"])
    def test_class_layer_and_centres_fit_the_same_classes(self, classes: tuple[str, ...]) -> None:
        config = ClassifierConfig(input_size=SIZE, head_width=WIDTH, batch_norm=False)

        def made(seed: int) -> FaceModel:
            torch.manual_seed(seed)
            centres = CentreLoss(len(CLASSES), WIDTH, 0.5)
            centres.centres += seed
            return build_model(config, CLASSES, loss=BesideSoftmax("centre", centres, 0.1))

        report = made(2).load_pretrained(ModelFile(made(1).state_dict(), config, classes))
        of_classes = {"roi_heads.class_score", "loss.of_features"}
        assert of_classes <= set(report.taken if classes == CLASSES else report.fresh)
        assert of_classes.isdisjoint(report.fresh if classes == CLASSES else report.taken)
        assert set(BOTH) <= set(report.taken)


class TestParameterGroups:
    def groups(self, **changes: float) -> dict[str, tuple[float, float]]:
        """Learning rate and decay of some parameters."""
        model = build_model(replace(CONFIG, head_width=4), CLASSES)
        config = OptimizerConfig(learning_rate=0.5, weight_decay=0.05, **changes)  # type: ignore[arg-type]
        found = {
            id(p): (group["lr"], group["weight_decay"])
            for group in model.parameter_groups(config)
            for p in group["params"]
        }
        return {name: found[id(p)] for name, p in model.named_parameters()}

    def test_multipliers_and_decay(self) -> None:
        found = self.groups(backbone_lr_multiplier=0.1, head_lr_multiplier=0.2)
        assert found["backbone.features.0.weight"] == (0.05, 0.05)
        assert found["backbone.features.0.bias"] == (0.05, 0.0)
        assert found["backbone.features.0.norm.weight"] == (0.05, 0.0)
        assert found["roi_heads.box_head.fc6.weight"] == (0.1, 0.05)
        assert found["roi_heads.box_predictor.cls_score.weight"] == (0.5, 0.05)
        assert found["rpn.head.bbox_pred.bias"] == (0.5, 0.0)

    def test_one_multiplier_is_one_pair_of_groups(self) -> None:
        model = build_model(replace(CONFIG, head_width=4), CLASSES)
        assert len(model.parameter_groups(OptimizerConfig())) == 2

    def test_frozen_parameters_are_left_out(self) -> None:
        model = build_model(replace(CONFIG, head_width=4), CLASSES)
        model.freeze(13)
        groups = model.parameter_groups(OptimizerConfig())
        trained = {id(p) for group in groups for p in group["params"]}
        assert not any(id(p) in trained for p in model.backbone.parameters())


class TestFreezing:
    @pytest.mark.parametrize("batch_norm", [True, False])
    def test_first_convolutions_stay_with_their_norms(self, batch_norm: bool) -> None:
        torch.manual_seed(0)
        model = build_model(replace(CONFIG, head_width=4, batch_norm=batch_norm), CLASSES)
        model.freeze(3)
        optimizer = torch.optim.AdamW(model.parameter_groups(OptimizerConfig()), lr=0.01)
        before = {name: values.clone() for name, values in model.backbone.state_dict().items()}
        model.eval().train()
        model.backbone(torch.rand(2, 3, SIZE, SIZE))["0"].square().sum().backward()
        optimizer.step()
        same = {n for n, t in model.backbone.state_dict().items() if torch.equal(t, before[n])}
        frozen = ("features.0.", "features.2.", "features.5.")
        assert {name for name in before if name.startswith(frozen)} == same

    def test_in_training_they_do_what_they_do_in_evaluation(self, learnt: FaceModel) -> None:
        learnt.freeze(13)
        pictures = torch.rand(2, 3, SIZE, SIZE)
        with torch.no_grad():
            wanted = learnt.eval().backbone(pictures)["0"]
            found = learnt.train().backbone(pictures)["0"]
        learnt.freeze(0)
        torch.testing.assert_close(found, wanted)

    def test_nothing_frozen_needs_no_layers(self) -> None:
        class Bare(FaceModel):
            pass

        bare = Bare()
        bare.add_module("layer", nn.Linear(1, 1))
        bare.freeze(0)
        assert all(p.requires_grad for p in bare.parameters())


class TestDetections:
    FACE, BESIDE = [20.0, 14.0, 62.0, 66.0], [64.0, 40.0, 92.0, 76.0]

    def detect(self, boxes: list[list[float]], logits: Tensor) -> dict[str, Tensor]:
        return select_detections(torch.tensor(boxes), logits, (96, 96), 0.4, 5)

    def logits(self, *rows: tuple[float, int, float]) -> Tensor:
        """(probability of a face, its class, probability of the class given a face) a row."""
        probabilities = torch.empty(len(rows), 1 + len(CLASSES))
        for row, (face, label, certainty) in zip(probabilities, rows, strict=True):
            row[0] = 1 - face
            row[1:] = face * (1 - certainty) / (len(CLASSES) - 1)
            row[label] = face * certainty
        return probabilities.log()

    def test_one_box_for_each_face_whatever_its_classes(self) -> None:
        near = [edge + 1 for edge in self.FACE]
        found = self.detect(
            [self.FACE, near, self.BESIDE], self.logits((0.6, 1, 0.9), (0.8, 4, 0.7), (0.3, 2, 0.5))
        )
        assert found["boxes"].tolist() == [near, self.BESIDE]
        assert found["labels"].tolist() == [4, 2]
        assert found["scores"].tolist() == pytest.approx([0.8, 0.3])
        assert found["probabilities"][:, 3].tolist() == pytest.approx([0.7, 0.5 / 6])

    def test_clipped_limited_and_highest_score_first(self) -> None:
        boxes = [[float(place * 12 - 6), -5.0, place * 12 + 6.0, 8.0] for place in range(9)]
        rows = [(0.1 * (place + 1) - 0.05, 1 + place % 7, 0.9) for place in range(9)]
        found = self.detect(boxes, self.logits(*rows))
        assert found["scores"].tolist() == pytest.approx([0.85, 0.75, 0.65, 0.55, 0.45])
        assert found["boxes"][0].tolist() == [90.0, 0.0, 96.0, 8.0]

    def test_box_outside_the_picture_is_none(self) -> None:
        found = self.detect([[100.0, 5.0, 120.0, 30.0]], self.logits((0.9, 1, 0.9)))
        assert found["boxes"].shape == (0, 4)
        assert found["probabilities"].shape == (0, len(CLASSES))

    def test_certain_boxes_are_ranked_by_their_logits(self) -> None:
        """In float32 both scores are exactly 1, and the first box would win."""
        logits = torch.zeros(2, 1 + len(CLASSES))
        logits[:, 0] = torch.tensor([-20.0, -22.0])
        assert (1 - logits.softmax(-1)[:, 0]).tolist() == [1.0, 1.0]
        found = self.detect([self.FACE, self.BESIDE], logits)
        assert found["boxes"].tolist() == [self.BESIDE, self.FACE]
        first, second = found["scores"].tolist()
        assert 1 > first > second > 0.99
