"""What a CPU cannot show: on a GPU the same answers, half precision, resuming, two processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from fake_data.two_processes import lose_together, make_norm, normalise, normalise_together
from fake_data.voc_tree import CLASSES, write_voc_tree

from fer_det.cli.main import run
from fer_det.engine.trainer import Trainer
from fer_det.losses.centre import CentreLoss
from fer_det.models import MODELS, build_model
from fer_det.runtime.device import Hardware
from fer_det.weights.model_file import read_model_file

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

DEVICE = "cuda"
SMALL = {"input_size": 64, "head_width": 32}
NAMES = sorted(MODELS)


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_those_of_the_cpu(name: str) -> None:
    config_class = MODELS[name].config_class()
    known = {key: value for key, value in SMALL.items() if hasattr(config_class, key)}
    torch.manual_seed(0)
    model = build_model(config_class(**known), CLASSES).eval()  # type: ignore[arg-type]
    batch = torch.rand(4, 3, 64, 64)
    targets = [{"boxes": torch.tensor([[4.0, 4.0, 60.0, 60.0]])} for _ in batch]
    rows = []
    for device in ("cpu", DEVICE):
        prepared = Hardware(torch.device(device), "float32").prepare(model)
        placed = [{"boxes": target["boxes"].to(device)} for target in targets]
        with torch.inference_mode():
            answers = prepared(batch.to(device), placed)
        rows.append(torch.cat([answer["target_probabilities"].cpu() for answer in answers]))
    assert torch.allclose(rows[0], rows[1], atol=2e-3)


def settings(root: Path, precision: str) -> list[str]:
    return [
        *("--data", str(root / "voc"), "--device", DEVICE, "--precision", precision),
        *("--model.input_size", "64", "--model.head_width", "32", "--init", "none"),
        *("--batch_size", "4", "--workers", "0", "--optimizer.learning_rate", "0.001"),
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_voc_tree(tmp_path / "voc", {"train": list(CLASSES) * 2, "val": list(CLASSES)})
    return tmp_path


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains_to_finite_weights(root: Path, precision: str) -> None:
    flags = [*settings(root, precision), "--epochs", "2", "--out", str(root / "run")]
    assert run("train", flags) == 0
    tensors = read_model_file(root / "run" / "best.pth").tensors
    assert all(bool(tensor.isfinite().all()) for tensor in tensors.values())


def test_the_same_command_gives_the_same_weights(root: Path) -> None:
    states = []
    for name in ("a", "b"):
        flags = [*settings(root, "float32"), "--epochs", "2", "--out", str(root / name)]
        assert run("train", flags) == 0
        states.append(read_model_file(root / name / "last.pth").tensors)
    for key, tensor in states[0].items():
        assert torch.equal(tensor, states[1][key]), key


@pytest.mark.parametrize("steps", [1, 4])
def test_stopped_and_resumed_it_ends_in_the_same_bytes(
    root: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Stopped in the first epoch's second step, and before the second epoch's first."""
    flags = [*settings(root, "bfloat16"), "--epochs", "2", "--save_minutes", "0", "--out", "run"]
    for name in ("whole", "cut"):
        (root / name).mkdir()
    monkeypatch.chdir(root / "whole")
    assert run("train", flags) == 0
    whole_step = Trainer.step

    def stopping_step(trainer: Trainer, *arguments: Any) -> Any:
        if trainer.position.step == steps:
            raise KeyboardInterrupt
        return whole_step(trainer, *arguments)

    monkeypatch.chdir(root / "cut")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", stopping_step)
        assert run("train", flags) == 130
    assert run("train", flags) == 0
    for name in ("best.pth", "last.pth"):
        found, wanted = (root / each / "run" / name for each in ("cut", "whole"))
        assert found.read_bytes() == wanted.read_bytes(), name


class TestTwoProcesses:
    """On one GPU, connected by gloo; nccl, as training uses it, wants a GPU for each."""

    def test_batch_normalisation_is_that_of_the_whole_batch(self, tmp_path: Path) -> None:
        torch.manual_seed(3)
        pictures = (torch.randn(4, 5, 3, 2) * 3 + 7).to(DEVICE)
        weights = torch.randn(4, 5, 3, 2).to(DEVICE)
        whole = normalise(make_norm().to(DEVICE), pictures, weights)
        one, other = normalise_together(tmp_path, pictures, weights)
        for name in ("output", "input gradient"):
            joined = torch.cat([one[name], other[name]])
            torch.testing.assert_close(joined, whole[name], rtol=1e-4, atol=1e-5)
        for name in ("weight gradient", "bias gradient"):
            added = one[name] + other[name]
            torch.testing.assert_close(added, whole[name], rtol=1e-4, atol=1e-4)
        for name in ("running_mean", "running_var"):
            assert torch.equal(one[name], other[name])
            torch.testing.assert_close(one[name], whole[name], rtol=1e-4, atol=1e-5)

    def test_centre_loss_is_that_of_the_whole_batch(self, tmp_path: Path) -> None:
        torch.manual_seed(3)
        features = torch.randn(6, 5, device=DEVICE)
        labels = torch.tensor([0, 2, 2, 0, 2, 3], device=DEVICE)
        halves = lose_together(tmp_path, CentreLoss(4, 5, 0.3).to(DEVICE), features, labels)
        loss = CentreLoss(4, 5, 0.3).to(DEVICE)
        leaf = features.clone().requires_grad_()
        value = loss(leaf, labels)
        value.backward()
        assert leaf.grad is not None
        # DistributedDataParallel takes the mean of the processes' gradients.
        gradient = torch.cat([half["gradient"] for half in halves]) / 2
        torch.testing.assert_close(gradient, leaf.grad)
        torch.testing.assert_close((halves[0]["value"] + halves[1]["value"]) / 2, value.detach())
        for half in halves:
            torch.testing.assert_close(half["centres"], loss.centres)
