"""The questions that every registered model answers: torchvision's contract, and a checkpoint's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fake_data.voc_tree import CLASSES, FACE, HEIGHT, WIDTH, drawn_face
from torch import Tensor, nn

from fer_det.config.training import ModelConfig
from fer_det.errors import ConfigError
from fer_det.models import MODELS, build_model
from fer_det.weights.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

SIZE = 48


@pytest.fixture(scope="module", params=sorted(MODELS))
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return ModelConfig(name=request.param, input_size=SIZE, head_width=16)


@pytest.fixture(scope="module")
def model(config: ModelConfig) -> nn.Module:
    """One for all questions: none of them changes its weights."""
    torch.manual_seed(0)
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
    """A labelled face beside one to ignore, and a picture whose face has left it."""
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


def ask(model: nn.Module, *arguments: object) -> list[dict[str, Tensor]]:
    with torch.inference_mode():
        answers: list[dict[str, Tensor]] = model.eval()(*arguments)
    return answers


class TestTraining:
    def test_named_losses_that_can_be_learnt_from(self, model: nn.Module) -> None:
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
    def test_pictures_as_a_list_or_a_batch(self, model: nn.Module, as_list: bool) -> None:
        given = pictures() if as_list else batch()
        with torch.no_grad():
            losses = model.train()(given, targets(seeds=False))
        assert all(bool(value.isfinite()) for value in losses.values())

    def test_bfloat16(self, model: nn.Module) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            losses = model.train()(batch(), targets())
        assert all(bool(value.isfinite()) for value in losses.values())

    def test_seeds_decide(self, model: nn.Module) -> None:
        torch.manual_seed(1)
        with torch.no_grad():
            first = model.train()(batch(), targets())
            torch.manual_seed(2)
            again = model(batch(), targets())
        assert all(torch.equal(first[name], again[name]) for name in first)


class TestEvaluation:
    def test_answers(self, model: nn.Module, config: ModelConfig) -> None:
        given = pictures()
        answers = ask(model, given)
        assert len(answers) == len(given)
        for answer, picture in zip(answers, given, strict=True):
            boxes, count = answer["boxes"], len(answer["boxes"])
            assert 0 < count <= config.detections
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

    def test_what_is_asked_of_given_boxes(self, model: nn.Module) -> None:
        asked = [{"boxes": target["boxes"]} for target in targets()]
        answers, plain = ask(model, pictures(), asked), ask(model, pictures())
        for answer, without, target in zip(answers, plain, asked, strict=True):
            rows = answer.pop("target_probabilities")
            assert rows.shape == (len(target["boxes"]), len(CLASSES))
            torch.testing.assert_close(rows.sum(1), torch.ones(len(rows)))
            assert answer.keys() == without.keys()
            for name, values in without.items():
                torch.testing.assert_close(answer[name], values)

    def test_a_batch_is_its_pictures(self, model: nn.Module) -> None:
        together, as_list = ask(model, batch()), ask(model, list(batch()))
        alone = [ask(model, picture[None])[0] for picture in batch()]
        for answers in (as_list, alone):
            for answer, wanted in zip(answers, together, strict=True):
                for name, values in wanted.items():
                    torch.testing.assert_close(answer[name], values, rtol=1e-4, atol=1e-4)

    def test_nothing_is_drawn(self, model: nn.Module) -> None:
        torch.manual_seed(1)
        first = ask(model, batch())
        torch.manual_seed(2)
        for one, other in zip(first, ask(model, batch()), strict=True):
            assert all(torch.equal(one[name], other[name]) for name in one)


class TestCheckpoint:
    def test_saved_and_loaded_it_answers_the_same(
        self, model: nn.Module, config: ModelConfig, tmp_path: Path
    ) -> None:
        save_checkpoint(tmp_path / "a.pth", Checkpoint(model.state_dict(), config, CLASSES))
        checkpoint = load_checkpoint(tmp_path / "a.pth")
        torch.manual_seed(9)
        loaded = build_model(checkpoint.config, checkpoint.classes)
        loaded.load_state_dict(checkpoint.model)
        for one, other in zip(ask(model, pictures()), ask(loaded, pictures()), strict=True):
            assert all(torch.equal(one[name], other[name]) for name in one)

    def test_seed_decides_the_untrained_weights(
        self, model: nn.Module, config: ModelConfig
    ) -> None:
        torch.manual_seed(0)
        fresh = build_model(config, CLASSES).state_dict()
        weights = [name for name, _ in model.named_parameters()]
        assert all(torch.equal(fresh[name], model.state_dict()[name]) for name in weights)


def test_unknown_name() -> None:
    with pytest.raises(ConfigError, match=r"--model.name resnet; wanted one of .*frcnn_vgg16"):
        build_model(ModelConfig(name="resnet"), CLASSES)
