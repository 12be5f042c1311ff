"""The contract that every registered detector and classifier fulfils; see FaceModel."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from fake_data.voc_tree import CLASSES, FACE, HEIGHT, WIDTH, drawn_face
from torch import Tensor

from fer_det.config.model import ModelConfig, from_plain, to_plain
from fer_det.config.training import OptimizerConfig
from fer_det.errors import ConfigError, WeightsError
from fer_det.models import MODELS, build_model, config_chooser, is_detector
from fer_det.models.contract import FaceModel
from fer_det.runtime.device import Hardware
from fer_det.weights.model_file import ModelFile, read_model_file, restore_model, write_model_file

SIZE = 48
SMALL = {"input_size": SIZE, "head_width": 16}
ALIKE = ("efficientnet_b2", "vgg19")
"""The code of efficientnet_b0 and resnet18 with other tables, of which their own tests ask."""
NAMES = sorted(name for name in MODELS if name not in ALIKE)


def small_config(name: str, **changes: object) -> ModelConfig:
    config_class = MODELS[name].config_class()
    known = {key: value for key, value in SMALL.items() if hasattr(config_class, key)}
    return config_class(**{**known, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=NAMES)
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return small_config(request.param)


@pytest.fixture(scope="module")
def model(config: ModelConfig) -> FaceModel:
    """One for all tests: none of them changes its weights."""
    torch.manual_seed(0)
    return build_model(config, CLASSES)


@pytest.fixture
def fresh(config: ModelConfig) -> FaceModel:
    """One that a test may change."""
    torch.manual_seed(1)
    return build_model(config, CLASSES)


def pictures() -> list[Tensor]:
    """Of two sizes, [3, H, W] in 0..1."""
    shapes = [(WIDTH, HEIGHT), (HEIGHT, WIDTH)]
    drawn = [drawn_face(seed, *shape) for seed, shape in enumerate(shapes)]
    return [torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float() / 255 for pixels in drawn]


def batch() -> Tensor:
    """[2, 3, SIZE, SIZE], what the loader makes."""
    return torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def targets(seeds: bool = True) -> list[dict[str, Tensor]]:
    """A labelled face beside one to ignore, and a picture without faces."""
    found = [
        {
            "boxes": torch.tensor([FACE.as_tuple(), (2.0, 4.0, 12.0, 16.0)]),
            "labels": torch.tensor([4, -1]),
        },
        {"boxes": torch.empty(0, 4), "labels": torch.empty(0, dtype=torch.int64)},
    ]
    for number, target in enumerate(found if seeds else []):
        target["seed"] = torch.tensor(number)
    return found


def soft_targets(votes: dict[int, float]) -> list[dict[str, Tensor]]:
    """The same with label_probabilities; votes: by class index, for the labelled face."""
    found = targets()
    rows = torch.zeros(2, len(CLASSES))
    for index, share in votes.items():
        rows[0, index] = share
    found[0]["label_probabilities"] = rows
    found[1]["label_probabilities"] = rows[:0]
    return found


def ask(model: FaceModel, *arguments: object) -> list[dict[str, Tensor]]:
    with torch.inference_mode():
        answers: list[dict[str, Tensor]] = model.eval()(*arguments)
    return answers


class TestTraining:
    def test_named_losses_that_can_be_learnt_from(self, model: FaceModel) -> None:
        model.train().zero_grad()
        losses = model(batch(), targets())
        assert losses
        for name, value in losses.items():
            assert isinstance(name, str)
            assert name.startswith("loss")
            assert value.shape == ()
            assert bool(value.isfinite())
        torch.stack(list(losses.values())).sum().backward()
        for name, values in model.named_parameters():
            # DistributedDataParallel waits for each of them.
            assert values.grad is not None, name
            assert bool(values.grad.isfinite().all()), name
        model.zero_grad()

    @pytest.mark.parametrize("as_list", [True, False])
    def test_pictures_as_a_list_or_a_batch(self, model: FaceModel, as_list: bool) -> None:
        given = pictures() if as_list else batch()
        with torch.no_grad():
            losses = model.train()(given, targets(seeds=False))
        assert all(bool(value.isfinite()) for value in losses.values())

    def test_one_hot_label_probabilities_change_nothing(self, model: FaceModel) -> None:
        with torch.no_grad():
            hard = model.train()(batch(), targets())
            same = model(batch(), soft_targets({3: 1.0}))
        assert all(torch.equal(hard[name], same[name]) for name in hard)

    def test_soft_label_is_the_mean_of_the_hard_ones(self, model: FaceModel) -> None:
        with torch.no_grad():
            by_label = []
            for label in (2, 5):
                given = targets()
                given[0]["labels"] = torch.tensor([label, -1])
                by_label.append(model.train()(batch(), given))
            soft = model(batch(), soft_targets({1: 0.25, 4: 0.75}))
        for name, value in soft.items():
            wanted = 0.25 * by_label[0][name] + 0.75 * by_label[1][name]
            torch.testing.assert_close(value, wanted)

    def test_bfloat16(self, model: FaceModel) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            losses = model.train()(batch(), targets())
        assert all(bool(value.isfinite()) for value in losses.values())

    def test_prepared_weights_change_nothing(self, fresh: FaceModel) -> None:
        """Evaluation stores weights as autocast would convert them; the answers are the same."""
        hardware = Hardware(torch.device("cpu"), "bfloat16")
        answers = []
        for ready in (copy.deepcopy(fresh).eval(), hardware.prepare(fresh)):
            with torch.no_grad(), hardware.autocast():
                answers.append(ready(batch(), [{"boxes": each["boxes"]} for each in targets()]))
        for before, after in zip(*answers, strict=True):
            for name in ("probabilities", "target_probabilities", "scores"):
                assert torch.equal(before[name], after[name])

    def test_seeds_decide(self, model: FaceModel) -> None:
        torch.manual_seed(1)
        with torch.no_grad():
            first = model.train()(batch(), targets())
            torch.manual_seed(2)
            again = model(batch(), targets())
        assert all(torch.equal(first[name], again[name]) for name in first)


class TestEvaluation:
    def test_answers(self, model: FaceModel, config: ModelConfig) -> None:
        given = pictures()
        answers = ask(model, given)
        assert len(answers) == len(given)
        for answer, picture in zip(answers, given, strict=True):
            boxes, count = answer["boxes"], len(answer["boxes"])
            assert 0 < count <= getattr(config, "detections", 1)
            assert boxes.shape == (count, 4)
            assert answer["scores"].shape == answer["labels"].shape == (count,)
            assert answer["probabilities"].shape == (count, len(CLASSES))
            assert answer["labels"].dtype == torch.int64
            height, width = picture.shape[-2:]
            assert (boxes >= 0).all()
            assert (boxes[:, 0::2] <= width).all()
            assert (boxes[:, 1::2] <= height).all()
            assert (boxes[:, 2:] > boxes[:, :2]).all()
            scores = answer["scores"]
            assert torch.equal(scores, scores.sort(descending=True).values)
            assert 0 <= float(scores.min()) <= float(scores.max()) <= 1
            torch.testing.assert_close(answer["probabilities"].sum(1), torch.ones(count))
            assert torch.equal(answer["labels"], answer["probabilities"].argmax(1) + 1)

    def test_what_is_asked_of_given_boxes(self, model: FaceModel) -> None:
        asked = [{"boxes": target["boxes"]} for target in targets()]
        answers, plain = ask(model, pictures(), asked), ask(model, pictures())
        for answer, without, target in zip(answers, plain, asked, strict=True):
            rows = answer.pop("target_probabilities")
            assert rows.shape == (len(target["boxes"]), len(CLASSES))
            torch.testing.assert_close(rows.sum(1), torch.ones(len(rows)))
            assert answer.keys() == without.keys()
            for name, values in without.items():
                torch.testing.assert_close(answer[name], values)

    def test_a_batch_is_its_pictures(self, model: FaceModel) -> None:
        together, as_list = ask(model, batch()), ask(model, list(batch()))
        alone = [ask(model, picture[None])[0] for picture in batch()]
        for answers in (as_list, alone):
            for answer, wanted in zip(answers, together, strict=True):
                for name, values in wanted.items():
                    torch.testing.assert_close(answer[name], values, rtol=1e-4, atol=1e-4)

    def test_nothing_is_drawn(self, model: FaceModel) -> None:
        torch.manual_seed(1)
        first = ask(model, batch())
        torch.manual_seed(2)
        for one, other in zip(first, ask(model, batch()), strict=True):
            assert all(torch.equal(one[name], other[name]) for name in one)


class TestLoading:
    def test_deployed_it_answers_the_same(self, fresh: FaceModel, config: ModelConfig) -> None:
        train_a_little(fresh)
        tensors, plain = fresh.deployable()
        assert not plain.batch_norm
        assert not any("norm" in name for name in tensors)
        deployed = build_model(plain, CLASSES)
        deployed.load_state_dict(tensors)
        for one, other in zip(ask(fresh, batch()), ask(deployed, batch()), strict=True):
            torch.testing.assert_close(one["boxes"][:1], other["boxes"][:1], rtol=1e-3, atol=0.05)
            torch.testing.assert_close(
                one["probabilities"][:1], other["probabilities"][:1], rtol=1e-3, atol=1e-3
            )

    def test_deployed_weights_are_loaded_into_a_model_that_normalises(
        self, model: FaceModel, fresh: FaceModel, config: ModelConfig
    ) -> None:
        tensors, plain = model.deployable()
        report = fresh.load_pretrained(ModelFile(tensors, plain, CLASSES), [batch()])
        assert report.fresh == report.unused == ()
        assert set(report.backbone) <= {name.rpartition(".")[0] for name in tensors}
        for one, other in zip(ask(model, batch()), ask(fresh, batch()), strict=True):
            torch.testing.assert_close(one["boxes"][:1], other["boxes"][:1], rtol=1e-2, atol=0.5)

    def test_other_classes_keep_their_random_weights(
        self, model: FaceModel, config: ModelConfig
    ) -> None:
        tensors, plain = model.deployable()
        other = build_model(config, CLASSES[::-1])
        report = other.load_pretrained(ModelFile(tensors, plain, CLASSES), [batch()])
        assert (
            set(report.fresh)
            == set(report.unused)
            == set(model.class_layers) - {"loss.of_features"}
        )

    def test_backbone_has_to_be_whole(self, model: FaceModel, fresh: FaceModel) -> None:
        tensors, plain = model.deployable()
        first = next(name for name in tensors if name.startswith("backbone."))
        fewer = {name: tensor for name, tensor in tensors.items() if name != first}
        with pytest.raises(WeightsError, match=r"--init without a fitting backbone\."):
            fresh.load_pretrained(ModelFile(fewer, plain, CLASSES), [batch()])
        spoilt = {**tensors, first: torch.full_like(tensors[first], float("nan"))}
        with pytest.raises(WeightsError, match="not finite"):
            fresh.load_pretrained(ModelFile(spoilt, plain, CLASSES), [batch()])


class TestOptimisation:
    def test_every_parameter_is_in_one_group(self, model: FaceModel) -> None:
        config = OptimizerConfig(backbone_lr_multiplier=0.1, head_lr_multiplier=0.5)
        groups = model.parameter_groups(config)
        found = {id(p): group for group in groups for p in group["params"]}
        assert len(found) == sum(len(group["params"]) for group in groups)
        multipliers = set()
        for name, parameter in model.named_parameters():
            group = found[id(parameter)]
            assert (group["weight_decay"] == 0) is (parameter.ndim <= 1)
            assert group["lr"] == pytest.approx(group["multiplier"] * config.learning_rate)
            if name.startswith("backbone."):
                assert group["multiplier"] == 0.1
            multipliers.add(group["multiplier"])
        assert {0.1, 0.5} <= multipliers <= {0.1, 0.5, 1.0}

    def test_frozen_layers_stay(self, fresh: FaceModel, config: ModelConfig) -> None:
        assert len(fresh.backbone_layers()) == config.freezable_layers
        fresh.freeze(2)
        frozen = fresh.backbone_layers()[:2]
        before = [layer.state_dict() for layer in frozen]
        before = [{n: t.clone() for n, t in state.items()} for state in before]
        moved = {n: t.clone() for n, t in fresh.backbone_layers()[2].state_dict().items()}
        train_a_little(fresh)
        for layer, state in zip(frozen, before, strict=True):
            assert all(torch.equal(t, state[n]) for n, t in layer.state_dict().items())
        now = fresh.backbone_layers()[2].state_dict()
        assert not all(torch.equal(t, moved[n]) for n, t in now.items())

    def test_more_layers_than_there_are(self, fresh: FaceModel, config: ModelConfig) -> None:
        with pytest.raises(ConfigError, match=r"--optimizer.freeze_layers 99; wanted 0 to"):
            fresh.freeze(99)


def train_a_little(model: FaceModel) -> None:
    groups = model.parameter_groups(OptimizerConfig(learning_rate=0.01))
    optimizer = torch.optim.SGD(groups, lr=0.01)
    for _ in range(3):
        loss = torch.stack(list(model.train()(batch(), targets()).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class TestFile:
    @pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
    def test_written_and_read_it_answers_the_same(
        self, model: FaceModel, config: ModelConfig, tmp_path: Path, name: str
    ) -> None:
        tensors, plain = model.deployable()
        write_model_file(tmp_path / name, ModelFile(tensors, plain, CLASSES))
        file = read_model_file(tmp_path / name)
        assert file.config == plain
        torch.manual_seed(9)
        restored = restore_model(file, tmp_path / name)
        deployed = build_model(plain, CLASSES)
        deployed.load_state_dict(tensors)
        for one, other in zip(ask(deployed, pictures()), ask(restored, pictures()), strict=True):
            assert all(torch.equal(one[name], other[name]) for name in one)

    def test_config_holds_all_settings(self, config: ModelConfig) -> None:
        assert from_plain(type(config), to_plain(config)) == config

    def test_seed_decides_the_random_weights(self, model: FaceModel, config: ModelConfig) -> None:
        torch.manual_seed(0)
        fresh = build_model(config, CLASSES).state_dict()
        weights = [name for name, _ in model.named_parameters()]
        assert all(torch.equal(fresh[name], model.state_dict()[name]) for name in weights)


class TestRegistry:
    @pytest.mark.parametrize("name", sorted(MODELS))
    def test_name_and_settings_belong_together(self, name: str) -> None:
        config = MODELS[name].config_class()()
        assert config.name == name
        assert is_detector(config) is (MODELS[name].kind == "detector")

    def test_unknown_name(self) -> None:
        with pytest.raises(ConfigError, match=r"--model.name resnet; wanted one of vgg16_frcnn, "):
            build_model(ModelConfig(name="resnet"), CLASSES)

    def test_choice(self) -> None:
        choose = config_chooser("detector")
        assert choose(None)().name == "vgg16_frcnn"
        assert choose("ssdlite")().name == "ssdlite"
        with pytest.raises(ConfigError, match=r"vgg16_classifier, which is a classifier; wanted a"):
            choose("vgg16_classifier")
