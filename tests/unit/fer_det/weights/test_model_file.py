import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from fer_det.config.model import ModelConfig, to_plain
from fer_det.errors import WeightsError
from fer_det.models import build_model
from fer_det.models.vgg16.network import vgg16_features
from fer_det.models.vgg16_classifier.config import Config
from fer_det.models.vgg16_frcnn.config import Config as DetectorConfig
from fer_det.weights.model_file import (
    ModelFile,
    WeightsInfo,
    read_model_file,
    restore_model,
    save_weights,
    write_model_file,
)
from fer_det.weights.storage import (
    FORMAT,
    OLD_CHECKPOINT,
    content_hash,
    file_hash,
    write_content,
)

CONFIG = Config(input_size=32, head_width=4, batch_norm=False)
CLASSES = ("fear", "anger")
INFO = WeightsInfo(
    source="a test",
    licence="CC0-1.0",
    trained_on="nothing",
    image_mean=(0.1, 0.2, 0.3),
    image_std=(0.5, 0.25, 1 / 255),
    notes={"command": "--out 'ä b'", "seed": "7"},
)


@pytest.fixture(scope="module")
def file() -> ModelFile:
    return ModelFile(build_model(CONFIG, CLASSES).state_dict(), CONFIG, CLASSES)


def small(**changes: Any) -> ModelFile:
    return replace(ModelFile({"w": torch.ones(2)}, CONFIG, CLASSES, {"epoch": 3}), **changes)


class TestRoundTrip:
    @pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
    def test_all_parts(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / "deep" / name
        config = replace(CONFIG, image_mean=(0.1, 0.2, 0.3), head_rank=3)
        write_model_file(path, small(config=config))
        found = read_model_file(path)
        assert (found.config, found.classes, found.info) == (config, CLASSES, {"epoch": 3})
        assert torch.equal(found.tensors["w"], torch.ones(2))
        assert found.training is None
        assert (found.path, found.sha256) == (path, file_hash(path))

    def test_state_of_a_training(self, tmp_path: Path) -> None:
        training = {"position": {"epoch": 2}}
        write_model_file(tmp_path / "last.pth", small(training=training))
        assert read_model_file(tmp_path / "last.pth").training == training

    @pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
    def test_half_precision(self, tmp_path: Path, name: str) -> None:
        weights, count = torch.linspace(-3, 3, 50), torch.tensor(7)
        file = small(tensors={"w": weights, "count": count})
        write_model_file(tmp_path / name, file, torch.float16)
        found = read_model_file(tmp_path / name).tensors
        assert (found["w"].dtype, found["count"].dtype) == (torch.float16, torch.int64)
        # A float16 has eleven bits; far below the largest weight it has fewer.
        torch.testing.assert_close(found["w"].float(), weights, rtol=2**-11, atol=2**-24)

    @pytest.mark.parametrize("value", [1e6, float("nan")])
    def test_number_that_the_type_cannot_hold(self, tmp_path: Path, value: float) -> None:
        file = small(tensors={"w": torch.full((2,), value)})
        with pytest.raises(WeightsError, match=r"^w with numbers that are not finite in torch.fl"):
            write_model_file(tmp_path / "a.pth", file, torch.float16)
        assert list(tmp_path.iterdir()) == []


class TestOrigin:
    def test_of_a_model(self, tmp_path: Path) -> None:
        init = {"path": "a.pth", "sha256": "00", "source": "a test"}
        write_model_file(tmp_path / "b.pth", small(info={"epoch": 4, "init": init}))
        file = read_model_file(tmp_path / "b.pth")
        assert file.origin() == {
            "path": str(tmp_path / "b.pth"),
            "sha256": file_hash(tmp_path / "b.pth"),
            "source": "vgg16_classifier, epoch 5",
            "init": init,
        }

    def test_without_an_epoch(self) -> None:
        assert small(info={}).source == "vgg16_classifier"

    def test_temperature(self) -> None:
        assert small().temperature == 1
        assert small(info={"temperature": 2.5}).temperature == 2.5


class TestPublishedWeights:
    def test_are_described(self, tmp_path: Path) -> None:
        path = tmp_path / "a.safetensors"
        digest = save_weights(path, {"features.0.weight": torch.ones(2, 3)}, INFO, torch.float32)
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
        file = read_model_file(path)
        assert (file.config.image_mean, file.config.image_std) == (INFO.image_mean, INFO.image_std)
        assert (file.config.name, file.classes, file.source) == ("", (), "a test")
        assert file.info["licence"] == "CC0-1.0"
        assert file.info["notes"] == dict(INFO.notes)

    def test_are_no_complete_model(self, tmp_path: Path) -> None:
        path = tmp_path / "a.safetensors"
        save_weights(path, {"w": torch.ones(2)}, INFO, torch.float16)
        with pytest.raises(WeightsError, match="holds weights to initialise a training with"):
            restore_model(read_model_file(path), path)

    def test_names_are_those_of_torchvision(self, tmp_path: Path) -> None:
        torch.manual_seed(0)
        tensors = {f"features.{n}": t for n, t in vgg16_features(False).state_dict().items()}
        tensors["classifier.3.weight"] = torch.rand(4, 4)
        tensors["classifier.3.bias"] = torch.rand(4)
        save_weights(tmp_path / "a", tensors, INFO, torch.float32)
        model = build_model(CONFIG, CLASSES)
        report = model.load_pretrained(read_model_file(tmp_path / "a"))
        assert report.taken == ("roi_heads.box_head.fc7",)
        state = model.state_dict()
        assert torch.equal(state["backbone.features.28.bias"], tensors["features.28.bias"])
        assert torch.equal(state["roi_heads.box_head.fc7.bias"], tensors["classifier.3.bias"])


class TestOldFiles:
    def test_checkpoint(self, tmp_path: Path, file: ModelFile) -> None:
        """As it was written before each model had its own settings."""
        config = {"name": "frcnn_vgg16", "input_size": 64, "head_width": 16, "head_rank": None}
        config |= {"batch_norm": False, "nms_iou": 0.3, "image_std": [0.2, 0.2, 0.2]}
        # Of another model.
        config |= {"face_margin": 0.0}
        content = {"format": OLD_CHECKPOINT, "model": {"w": torch.ones(2)}, "config": config}
        content |= {"classes": ["fear"], "info": {"epoch": 1}, "training": None}
        torch.save({**content, "sha256": content_hash(content)}, tmp_path / "best.pth")
        found = read_model_file(tmp_path / "best.pth")
        assert found.config == DetectorConfig(
            input_size=64,
            head_width=16,
            batch_norm=False,
            nms_iou=0.3,
            image_std=(0.2, 0.2, 0.2),
            anchor_scales=(0.125, 0.19, 0.29, 0.44, 0.66, 1.0),
            anchor_spacing=0.0,
        )
        assert (found.classes, found.info) == (("fear",), {"epoch": 1})
        assert torch.equal(found.tensors["w"], torch.ones(2))

    def test_anchors_stay_as_they_were_trained(self, tmp_path: Path) -> None:
        config = {"name": "vgg16_frcnn", "anchor_scales": [0.2]}
        content = {"format": FORMAT, "tensors": {}, "config": config, "classes": ["fear"]}
        write_content(tmp_path / "best.pth", {**content, "info": {}, "training": None})
        found: Any = read_model_file(tmp_path / "best.pth").config
        assert found.anchor_spacing == 0.0
        assert len(found.anchor_scales) == len(config["anchor_scales"])

    def test_weights(self, tmp_path: Path) -> None:
        metadata = {
            "format": "fer_det weights 1",
            "source": "a test",
            "licence": "none",
            "trained_on": "nothing",
            "image_mean": "[0.1, 0.2, 0.3]",
            "image_std": "[0.5, 0.5, 0.5]",
            "seed": "7",
        }
        path = tmp_path / "a.safetensors"
        save_file({"features.0.bias": torch.ones(2).half()}, path, metadata)
        found = read_model_file(path)
        assert found.config.image_mean == (0.1, 0.2, 0.3)
        assert (found.source, found.info["notes"]) == ("a test", {"seed": "7"})
        for name, value in (("source", None), ("image_mean", "[1, 2]"), ("image_std", "nonsense")):
            changed = {**metadata, name: value}
            save_file({"a": torch.ones(2)}, path, {k: v for k, v in changed.items() if v})
            with pytest.raises(WeightsError) as caught:
                read_model_file(path)
            assert "\n" not in str(caught.value)

    def test_shipped_weights(self) -> None:
        path = Path(__file__).parents[4] / "weights" / "vgg16_faces.safetensors"
        report = build_model(DetectorConfig(batch_norm=False, head_width=4), CLASSES)
        assert len(report.load_pretrained(read_model_file(path)).backbone) == 13


def refused(read: Callable[[], object]) -> str:
    with pytest.raises(WeightsError) as caught:
        read()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    return str(caught.value)


class TestRefused:
    def write(self, path: Path, **config: Any) -> Path:
        content = {
            "format": "fer_det model 1",
            "tensors": {},
            "config": {**to_plain(CONFIG), **config},
            "classes": [],
            "info": {},
            "training": None,
        }
        torch.save({**content, "sha256": content_hash(content)}, path)
        return path

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ({"depth": 3}, "holds a Config with depth; wanted only"),
            ({"name": "resnet"}, "holds the model resnet; wanted one of vgg16_frcnn"),
            ({"head_width": 0}, "holds --model.head_width 0; wanted at least 1"),
            ({"head_width": "wide"}, "head_width is a str, not"),
            ({"head_width": True}, "head_width is a bool, not"),
            ({"head_rank": 1.5}, "head_rank is a float, not"),
            ({"image_mean": [0.5, 0.5]}, "image_mean is a list, not"),
            ({"image_mean": [0.5, 0.5, None]}, "image_mean is a NoneType, not"),
        ],
    )
    def test_settings(self, tmp_path: Path, config: dict[str, Any], message: str) -> None:
        path = self.write(tmp_path / "a.pth", **config)
        text = refused(lambda: read_model_file(path))
        assert text.startswith(str(path))
        assert message in text


class TestRestore:
    def test_weights_are_in_the_model(self, file: ModelFile) -> None:
        found = restore_model(file, Path("best.pth")).state_dict()
        assert found.keys() == file.tensors.keys()
        assert all(torch.equal(found[name], file.tensors[name]) for name in found)
        assert all(not tensor.is_meta for tensor in found.values())

    def test_what_only_training_needs_is_left_out(self, file: ModelFile) -> None:
        more = {**file.tensors, "loss.centres": torch.zeros(2, 4)}
        restore_model(replace(file, tensors=more), Path("last.pth"))

    def test_other_settings(self, file: ModelFile) -> None:
        # So wide that building it would take all memory there is.
        wide = replace(file, config=replace(CONFIG, head_width=10**9))
        text = refused(lambda: restore_model(wide, Path("best.pth")))
        assert text.startswith("best.pth has roi_heads.box_head.fc6.bias (4,), its settings ask")

    def test_layers_of_another_network(self, file: ModelFile) -> None:
        first, *rest = file.tensors
        fewer: dict[str, Tensor] = {name: file.tensors[name] for name in rest}
        without = replace(file, tensors=fewer)
        assert first in refused(lambda: restore_model(without, Path("best.pth")))
        more = replace(file, tensors={**file.tensors, "third_eye.weight": torch.zeros(1)})
        assert "third_eye.weight" in refused(lambda: restore_model(more, Path("best.pth")))

    def test_backbone_alone(self, file: ModelFile) -> None:
        backbone = replace(file, config=ModelConfig())
        assert "not a complete model" in refused(lambda: restore_model(backbone, Path("a.pth")))
