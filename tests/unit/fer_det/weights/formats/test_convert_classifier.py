"""DAN's and EmotiEffLib's files: made here in their names and shapes, then converted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fake_data.dan_by_hand import PlainDAN
from torch import Tensor, nn
from torchvision import models as torchvision_models

from fer_det.cli import convert_weights as command
from fer_det.errors import FerDetError, WeightsError
from fer_det.models.crop_classifier import CropClassifier
from fer_det.weights.formats.convert_classifier import convert_classifier
from fer_det.weights.model_file import ModelFile, read_model_file, restore_model

RAFDB = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")


def shake(network: nn.Module) -> nn.Module:
    """Give the norms statistics of real maps, so that the answers depend on the picture."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.rand(8, 3, 64, 64))
    return network.eval()


@pytest.fixture(scope="module")
def dan() -> nn.Module:
    torch.manual_seed(0)
    return shake(PlainDAN(7))


def checkpoint(state: Mapping[str, Tensor]) -> dict[str, object]:
    """As DAN's training script saves it."""
    return {"iter": 21, "model_state_dict": state, "optimizer_state_dict": {"state": {}}}


def timm_state(network: nn.Module) -> dict[str, Tensor]:
    """torchvision's EfficientNet in timm's names: the inverse of what is tested, written apart."""
    state = {}
    for name, tensor in network.state_dict().items():
        _, number, *rest = name.split(".")
        if name.startswith("classifier."):
            state[f"classifier.0.{rest[-1]}"] = tensor
            continue
        if number in "08":
            conv, norm = ("conv_stem", "bn1") if number == "0" else ("conv_head", "bn2")
            state[f"{conv if rest[0] == '0' else norm}.{rest[-1]}"] = tensor
            continue
        block, _, part, inner, last = rest[0], rest[1], rest[2], rest[3], rest[-1]
        parts = ["dw", "se", "pw"] if number == "1" else ["pw", "dw", "se", "pwl"]
        kind = parts[int(part)]
        if kind == "se":
            layer = {"fc1": "se.conv_reduce", "fc2": "se.conv_expand"}[inner]
        elif inner == "0":
            layer = f"conv_{kind}"
        else:
            layer = f"bn{[each for each in parts if each != 'se'].index(kind) + 1}"
        state[f"blocks.{int(number) - 1}.{block}.{layer}.{last}"] = tensor
    return state


class TestDAN:
    def test_it_answers_as_the_original(self, dan: nn.Module, tmp_path: Path) -> None:
        torch.save(checkpoint(dan.state_dict()), tmp_path / "rafdb_epoch21.pth")
        converted = convert_classifier(tmp_path / "rafdb_epoch21.pth", RAFDB)
        assert converted.file.info["trained_on"] == "RAF-DB"
        assert not converted.ignored
        model = restore_model(converted.file, tmp_path)
        assert isinstance(model, CropClassifier)
        pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            _, logits = model.eval().classify(pictures)
            torch.testing.assert_close(logits, dan(pictures), rtol=1e-3, atol=1e-4)
            assert not torch.allclose(logits[0], logits[1], atol=1e-2)

    def test_the_command(
        self, dan: nn.Module, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path, out = tmp_path / "a.pth", tmp_path / "dan.safetensors"
        state = {f"module.{name}": each for name, each in dan.state_dict().items()}
        torch.save(checkpoint({**state, "module.extra.weight": torch.ones(2)}), path)
        # Seven classes are RAF-DB's or AffectNet's.
        assert command.main([str(path), f"--out={out}"]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert "surprise,fear,disgust" in err
        assert "(RAF-DB) or neutral,happiness" in err
        assert not out.exists()
        assert command.main([str(path), f"--out={out}", f"--classes={','.join(RAFDB)}"]) == 0
        told = capsys.readouterr().out
        assert "DAN's state dict, 19,7" in told
        assert "ignored: extra" in told
        file = read_model_file(out)
        assert file.classes == RAFDB
        assert (file.config.name, file.config.input_size) == ("dan", 224)
        assert file.info["source"].startswith("DAN: Wen")

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (
                lambda s: s.pop("cat_head2.ca.attention.3.weight"),
                "has heads.2.excite.weight not at",
            ),
            (lambda s: s.pop("features.1.running_mean"), "lacks a part of a layer"),
            (lambda s: s["fc.weight"].fill_(float("nan")), "that are not finite"),
            (
                lambda s: s.update({"features.0.weight": torch.ones(64, 3, 5, 5)}),
                r"has backbone.0.weight \(64, 3, 5, 5\); wanted \(64, 3, 7, 7\)",
            ),
        ],
    )
    def test_incomplete(self, dan: nn.Module, tmp_path: Path, spoil: object, message: str) -> None:
        state = {name: each.clone() for name, each in dan.state_dict().items()}
        spoil(state)  # type: ignore[operator]
        torch.save(state, tmp_path / "a.pth")
        with pytest.raises(WeightsError, match=message):
            convert_classifier(tmp_path / "a.pth", RAFDB)

    def test_wrong_classes(self, dan: nn.Module, tmp_path: Path) -> None:
        torch.save(dan.state_dict(), tmp_path / "a.pth")
        for classes in (RAFDB[:6], (*RAFDB[:6], "bored"), (*RAFDB[:6], "fear")):
            with pytest.raises(WeightsError, match="wanted 7 expressions, each once"):
                convert_classifier(tmp_path / "a.pth", classes)


class TestEmotiEffLib:
    @pytest.mark.parametrize(
        ("name", "answers", "classes"),
        [("efficientnet_b0", 8, 8), ("efficientnet_b0", 10, 8), ("efficientnet_b2", 7, 7)],
    )
    def test_every_layer_finds_its_place(
        self, name: str, answers: int, classes: int, tmp_path: Path
    ) -> None:
        """timm's constant of the norms and its padding are its own; weights are compared."""
        torch.manual_seed(0)
        network = getattr(torchvision_models, name)(weights=None, num_classes=answers)
        state = timm_state(shake(network))
        torch.save(state, tmp_path / "a.pt")
        converted = convert_classifier(tmp_path / "a.pt")
        assert converted.file.config.name == name
        assert len(converted.file.classes) == classes
        assert converted.file.classes[0] == "anger"
        assert not converted.ignored
        model = restore_model(converted.file, tmp_path)
        assert isinstance(model, CropClassifier)
        assert len(converted.matched) == len({each.rpartition(".")[0] for each in state})
        # With the original's constant and padding it is the same network.
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eps = 1e-3
        plain = restore_model(_symmetric(converted.file), tmp_path)
        assert isinstance(plain, CropClassifier)
        pictures = torch.rand(2, 3, 64, 64)
        with torch.inference_mode():
            logits = plain.eval().classify(pictures)[1]
            torch.testing.assert_close(logits, network(pictures)[:, :classes], rtol=1e-3, atol=1e-4)
            assert not torch.allclose(logits[0], logits[1], atol=1e-2)
            assert not torch.allclose(logits, model.eval().classify(pictures)[1], atol=1e-4)

    def test_a_pickled_module_is_refused_in_one_line(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """As its authors publish them: torch.save(model)."""
        torch.save(nn.Sequential(nn.Linear(2, 2)), tmp_path / "enet_b0_8_best_vgaf.pt")
        argv = [str(tmp_path / "enet_b0_8_best_vgaf.pt"), f"--out={tmp_path / 'o.safetensors'}"]
        assert command.main(argv) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert "which would run code when it is read" in err
        assert "docs/other_models.md" in err

    def test_a_hostile_pickle_does_not_run(self, tmp_path: Path) -> None:
        state = {f"cat_head0.{name}.0.weight": torch.ones(1) for name in ("sa.conv1x1",)}
        state["cat_head0.ca.attention.0.weight"] = torch.ones(1)
        torch.save({**state, "x": _Hostile(tmp_path / "ran")}, tmp_path / "a.pth")
        with pytest.raises(FerDetError, match=re.escape("would run code")):
            convert_classifier(tmp_path / "a.pth")
        assert not (tmp_path / "ran").exists()


def _symmetric(file: ModelFile) -> ModelFile:
    return replace(file, config=replace(file.config, same_padding=False))  # type: ignore[call-arg]


class _Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)
