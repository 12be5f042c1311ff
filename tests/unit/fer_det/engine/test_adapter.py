"""Adapters: how the input is made, what the answers mean, alignment, and files that do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data.onnx_classifier import write_onnx
from fake_data.voc_tree import CLASSES
from torch import Tensor
from torchvision import models as torchvision_models

from fer_det.config.adapter import AdapterConfig, read_adapter, scored_classes
from fer_det.engine.adapter import AdaptedClassifier, align, load_network
from fer_det.errors import ConfigError, WeightsError, WeightsNotFoundError
from fer_det.io.files import find_shipped

SHIPPED = sorted((find_shipped("configs/adapters") or Path()).glob("*.yaml"))


def adapter(**settings: object) -> AdapterConfig:
    return AdapterConfig(**{"classes": ("happy", "sad"), "input_size": 2, **settings})  # type: ignore[arg-type]


def adapted(answers: list[float], labels: tuple[str, ...], **settings: object) -> list[float]:
    """The probabilities that a network's answer to one face becomes."""
    model = AdaptedClassifier(adapter(**settings), labels, lambda _: torch.tensor([answers]))
    (answer,) = model(torch.zeros(1, 3, 2, 2), [{"boxes": torch.zeros(1, 4)}])
    assert torch.equal(answer["probabilities"], answer["target_probabilities"])
    rows: list[float] = answer["probabilities"][0].tolist()
    return rows


class TestInput:
    """One pixel of red .2, green .4, blue .6 everywhere."""

    def prepare(self, **settings: object) -> Tensor:
        image = torch.tensor([0.2, 0.4, 0.6])[:, None, None].expand(3, 2, 2)[None]
        return AdaptedClassifier(adapter(**settings), CLASSES, lambda x: x).prepare(image)

    @pytest.mark.parametrize(
        ("settings", "wanted"),
        [
            ({}, [0.2, 0.4, 0.6]),
            ({"channels": "bgr"}, [0.6, 0.4, 0.2]),
            ({"white": 255.0}, [51, 102, 153]),
            ({"mean": (0.5,), "std": (0.5,)}, [-0.6, -0.2, 0.2]),
            ({"channels": "bgr", "mean": (0.6, 0.3, 0.0), "std": (1, 1, 2)}, [0, 0.1, 0.1]),
            ({"channels": "gray"}, [0.363]),
            ({"channels": "gray", "white": 255.0, "mean": (92.565,)}, [0.0]),
        ],
    )
    def test_by_hand(self, settings: dict[str, object], wanted: list[float]) -> None:
        found = self.prepare(**settings)
        assert found.shape == (1, len(wanted), 2, 2)
        assert found[0, :, 1, 1].tolist() == pytest.approx(wanted, abs=1e-4)

    def test_channels_last(self) -> None:
        found = self.prepare(layout="nhwc")
        assert found.shape == (1, 2, 2, 3)
        assert found.is_contiguous()
        assert found[0, 1, 0].tolist() == pytest.approx([0.2, 0.4, 0.6])


class TestAnswers:
    def test_logits_by_class_name(self) -> None:
        rows = adapted([0.0, np.log(3)], ("sadness", "happiness"))
        assert rows == pytest.approx([0.75, 0.25])

    def test_temperature(self) -> None:
        rows = adapted([0.0, 2 * np.log(3)], ("happiness", "sadness"), temperature=2.0)
        assert rows == pytest.approx([0.25, 0.75])

    def test_probabilities(self) -> None:
        assert adapted([0.1, 0.9], ("happiness", "sadness"), kind="probabilities") == pytest.approx(
            [0.1, 0.9]
        )

    def test_a_number_that_is_no_class(self) -> None:
        """Valence would otherwise enter the softmax."""
        rows = adapted([9.0, 0.0, 0.0], ("happiness", "sadness"), classes=("-", "happy", "sad"))
        assert rows == pytest.approx([0.5, 0.5])

    def test_classes_that_the_folder_lacks(self) -> None:
        names, logits = ("happy", "contempt", "no face"), [np.log(each) for each in (2, 1, 1)]
        for extra, wanted in (("drop", [1.0, 0]), ("keep", [0.5, 0, 0.25, 0.25])):
            config = adapter(classes=names, extra=extra)
            classes = scored_classes(config, ("happiness", "sadness"))
            assert adapted(logits, classes, classes=names, extra=extra) == pytest.approx(wanted)

    def test_another_count(self) -> None:
        with pytest.raises(
            WeightsError, match=r"an answer of \[1, 3\] to 1 faces; wanted \[1, 2\]"
        ):
            adapted([1.0, 2.0, 3.0], CLASSES)


class TestAlignment:
    PLACES = np.array([[38.0, 52], [74, 52], [56, 72], [42, 92], [71, 92]])

    def test_a_turned_and_scaled_face_comes_to_its_places(self) -> None:
        angle, scale = 0.4, 2.5
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        landmarks = (self.PLACES + 0.5) @ turn.T + np.array([30, -7]) - 0.5
        view = align([tuple(point) for point in landmarks.tolist()], self.PLACES, 112)
        moved = (landmarks + 0.5) @ view.matrix[:, :2].T + view.matrix[:, 2] - 0.5
        np.testing.assert_allclose(moved, self.PLACES, atol=1e-9)
        assert view.size == 112

    def test_a_face_is_never_mirrored(self) -> None:
        mirrored = self.PLACES * (-1, 1)
        view = align([tuple(point) for point in mirrored.tolist()], self.PLACES, 112)
        assert np.linalg.det(view.matrix[:, :2]) >= 0


class TestFiles:
    def test_an_onnx_file_of_one_picture_at_a_time(self, tmp_path: Path) -> None:
        for name, first in (("any", "N"), ("one", 1)):
            path = write_onnx(tmp_path / f"{name}.onnx", (first, 3, 2, 2), [1.0, -2.0])
            answers = load_network(path, adapter())(torch.ones(3, 3, 2, 2) * 0.5)
            assert answers.tolist() == [[0.5, -1.0]] * 3

    def test_a_state_dict_of_torchvision(self, tmp_path: Path) -> None:
        torch.manual_seed(0)
        network = torchvision_models.shufflenet_v2_x0_5(weights=None, num_classes=2).eval()
        config = adapter(architecture="shufflenet_v2_x0_5", input_size=32)
        pictures = torch.rand(2, 3, 32, 32)
        wrapped = {f"module.{name}": each for name, each in network.state_dict().items()}
        for content in (network.state_dict(), {"state_dict": wrapped, "epoch": 3}):
            torch.save(content, tmp_path / "a.pth")
            found = load_network(tmp_path / "a.pth", config)
            with torch.inference_mode():
                torch.testing.assert_close(found(pictures), network(pictures))

    def test_what_does_not_fit(self, tmp_path: Path) -> None:
        path = write_onnx(tmp_path / "a.onnx", (1, 1, 64, 64), [1.0, 2.0])
        with pytest.raises(WeightsError, match=r"input in \[1, 1, 64, 64\]; wanted one input of"):
            load_network(path, adapter())
        with pytest.raises(WeightsError, match="without the output x; wanted one of out"):
            load_network(path, adapter(channels="gray", input_size=64, output="x"))
        network = torchvision_models.shufflenet_v2_x0_5(weights=None, num_classes=3)
        torch.save(network.state_dict(), tmp_path / "a.pth")
        with pytest.raises(ConfigError, match="the architecture left out"):
            load_network(tmp_path / "a.pth", adapter())
        with pytest.raises(WeightsError, match=r"has fc.bias \(3,\); wanted \(2,\)"):
            load_network(tmp_path / "a.pth", adapter(architecture="shufflenet_v2_x0_5"))
        with pytest.raises(WeightsNotFoundError):
            load_network(tmp_path / "no.pth", adapter(architecture="resnet18"))

    def test_a_pickled_module_is_refused_and_does_not_run(self, tmp_path: Path) -> None:
        torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
        with pytest.raises(WeightsError, match="would run code when it is read") as refused:
            load_network(tmp_path / "a.pt", adapter(architecture="resnet18"))
        assert "\n" not in str(refused.value)


class TestYaml:
    @pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
    def test_shipped_ones(self, path: Path) -> None:
        found = read_adapter(Path(path.stem))
        assert found == read_adapter(path)
        assert found.source
        assert found.licence
        known = {*CLASSES, "contempt", "-"}
        assert known >= set(found.class_names) >= set(CLASSES)

    def test_there_are_some(self) -> None:
        assert len(SHIPPED) >= 6

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("input_size: 2", "classes is missing"),
            ("classes: [happy, sad]\ninput_size: 2\nsize: 3", "unknown setting size"),
            ("classes: [happy, joy]\ninput_size: 2", "wanted each once"),
            ("classes: [happy, sad]\ninput_size: 0", "input_size 0; wanted 1 to 4096"),
            ("classes: [happy, sad]\ninput_size: 2\nstd: [0]", "std [0.0]; wanted more than 0"),
            ("classes: [happy, sad]\ninput_size: 2\nmean: [0, 1]", "wanted 1 or 3 numbers"),
            ("classes: [happy, sad]\ninput_size: 2\nalignment: [1, 2]", "alignment of 2 numbers"),
            ("classes: [happy, sad]\ninput_size: 2\nkind: odds", "kind odds"),
            ("- a\n- b", "holds no settings"),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, message: str) -> None:
        path = tmp_path / "adapter.yaml"
        path.write_text(text)
        with pytest.raises(ConfigError) as refused:
            read_adapter(path)
        assert message in str(refused.value)
        assert str(refused.value).endswith("see docs/other_models.md")

    def test_absent(self) -> None:
        with pytest.raises(ConfigError, match=r"no\.yaml, which is absent; wanted a YAML file, or"):
            read_adapter(Path("no.yaml"))
