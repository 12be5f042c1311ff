"""What a CPU cannot show: the same answers on a GPU, mixed precision, and resuming to the bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fake_data.voc_tree import CLASSES, write_voc_tree

from fer_det.cli.main import run
from fer_det.models import MODELS, build_model
from fer_det.runtime.device import Hardware
from fer_det.weights.model_file import read_model_file

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

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
    for device in ("cpu", "cuda"):
        prepared = Hardware(torch.device(device), "float32").prepare(model)
        placed = [{"boxes": target["boxes"].to(device)} for target in targets]
        with torch.inference_mode():
            answers = prepared(batch.to(device), placed)
        rows.append(torch.cat([answer["target_probabilities"].cpu() for answer in answers]))
    assert torch.allclose(rows[0], rows[1], atol=2e-3)


def settings(root: Path, precision: str) -> list[str]:
    return [
        *("--data", str(root / "voc"), "--device", "cuda", "--precision", precision),
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
