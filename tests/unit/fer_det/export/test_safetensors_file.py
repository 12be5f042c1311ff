from pathlib import Path

import pytest
import torch
import torchvision
from fake_data.voc_tree import CLASSES

from fer_det.cli.main import run
from fer_det.models import build_model, find_model
from fer_det.weights.model_file import ModelFile, read_model_file, restore_model, write_model_file


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    config = find_model("resnet_classifier").config_class()(
        input_size=32, stem_width=4, widths=(4, 8), blocks=(1, 1)
    )
    tensors, deployed = build_model(config, CLASSES).deployable()
    info = {
        "epoch": 4,
        "temperature": 0.8,
        "unknown_below": 0.5,
        "data": {"path": "/home/me/faces", "datasets": "jaffe", "train": "0f"},
        "init": {"path": "/home/me/first.pth"},
        "train_config": {"epochs": 9, "data": "/home/me/faces", "out": "/home/me/run"},
    }
    path = tmp_path / "best.pth"
    write_model_file(path, ModelFile(tensors, deployed, CLASSES, info))
    return path


def test_half_precision_described_and_without_paths(weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    flags = ["--to=safetensors", "--dtype=float16", "--licence=CC0", "--trained_on=nothing"]
    assert run("export", [f"--weights={weights}", f"--out={out}", *flags]) == 0
    before, after = read_model_file(weights), read_model_file(out)
    assert {tensor.dtype for tensor in after.tensors.values()} == {torch.float16}
    for name, tensor in before.tensors.items():
        assert torch.equal(tensor.half(), after.tensors[name])
    assert after.info == {
        "epoch": 4,
        "temperature": 0.8,
        "unknown_below": 0.5,
        "train_config": {"epochs": 9},
        "data": {"datasets": "jaffe"},
        "licence": "CC0",
        "trained_on": "nothing",
    }
    assert b"/home/me" not in out.read_bytes()
    restore_model(after, out)


def test_the_backbone_alone_starts_another_training(tmp_path: Path) -> None:
    config = find_model("vgg16_classifier").config_class()(input_size=32, head_width=4)
    tensors, deployed = build_model(config, CLASSES).deployable()
    best, out = tmp_path / "best.pth", tmp_path / "out.safetensors"
    write_model_file(best, ModelFile(tensors, deployed, CLASSES, {"temperature": 0.8}))
    assert run("export", [f"--weights={best}", "--to=backbone", f"--out={out}"]) == 0
    file = read_model_file(out)
    assert set(file.tensors) == set(
        torchvision.models.vgg16().features.state_dict(prefix="features.")
    )
    assert "temperature" not in file.info
    detector = find_model("vgg16_frcnn").config_class()(input_size=32, head_width=4)
    model = build_model(detector, CLASSES)
    report = model.load_pretrained(file, [torch.rand(4, 3, 32, 32)])
    assert len(report.backbone) == 13
    own = model.deployable()[0]["backbone.features.28.weight"]
    assert torch.allclose(own, tensors["backbone.features.28.weight"], atol=1e-5)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--to=safetensors", "--out=x.onnx"], "--out x.onnx with --to safetensors; wanted a n"),
        (["--to=onnx", "--out=x.tflite"], "--to onnx; wanted a name that ends in .onnx"),
        (["--to=litert", "--out=x.onnx"], "--to litert; wanted a name that ends in .tflite"),
        (["--to=onnx", "--licence=CC0", "--out=x.onnx"], "--trained_on with --to onnx"),
        (["--to=safetensors", "--out=HERE"], "exists already"),
        (["--to=backbone", "--out=x.safetensors"], "wanted a model on VGG16"),
    ],
)
def test_refused(
    flags: list[str],
    told: str,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.safetensors").touch()
    typed = [flag.replace("HERE", "here.safetensors") for flag in flags]
    assert run("export", [f"--weights={weights}", *typed]) == 2
    assert told in capsys.readouterr().err
