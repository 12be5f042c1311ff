from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data.voc_tree import CLASSES, write_voc_tree
from torch import Tensor, nn

from fer_det.config.backbone import FaceAttributesConfig, FaceAttributesLossConfig
from fer_det.config.classifier import CLASSIFIER_MODEL
from fer_det.config.training import ModelConfig, TrainConfig
from fer_det.data.sampler import Draw
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import ConfigError, WeightsError, WeightsNotFoundError
from fer_det.losses.centre import CentreLoss
from fer_det.losses.softmax import BesideSoftmax
from fer_det.models import build_model, face_attributes
from fer_det.models import vgg16_classifier as classifier
from fer_det.models.vgg16 import fold_batch_norm, vgg16_features
from fer_det.weights.checkpoint import Checkpoint, save_checkpoint
from fer_det.weights.initialisation import Start, Taken, read_start, start_model
from fer_det.weights.weights_file import WeightsInfo, canonical_tensors, save_weights

SIZE, WIDTH = 32, 16
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.1, 0.25)
CONFIG = ModelConfig(input_size=SIZE, head_width=WIDTH, image_mean=MEAN, image_std=STD)
INFO = WeightsInfo("a test", "none", "nothing", MEAN, STD)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> VocDataset:
    root = tmp_path_factory.mktemp("voc")
    write_voc_tree(root, {"train": ["fear"] * 9})
    return VocDataset(root, "train", SIZE, CONFIG.padding)


@pytest.fixture(scope="module")
def learnt() -> nn.Module:
    """The network in which a backbone is trained, its statistics not those of a fresh one."""
    torch.manual_seed(3)
    config = replace(
        FaceAttributesConfig().as_model(), input_size=SIZE, image_mean=MEAN, image_std=STD
    )
    model = face_attributes.build(config, CLASSES, {"pose": 3}, FaceAttributesLossConfig())
    with torch.no_grad():
        for _ in range(3):
            model.train().backbone(torch.randn(4, 3, SIZE, SIZE))
    return model.eval()


def backbone_file(folder: Path, model: nn.Module, head: int = 0) -> Path:
    """The weights file of a model's backbone, with fc6 and fc7 of that width where it has one."""
    tensors = canonical_tensors(fold_batch_norm(model.state_dict()))
    if head:
        tensors |= {
            "classifier.0.weight": torch.rand(head, 25088),
            "classifier.0.bias": torch.rand(head),
            "classifier.3.weight": torch.rand(head, head),
            "classifier.3.bias": torch.rand(head),
        }
    path = folder / "backbone.safetensors"
    save_weights(path, tensors, INFO, torch.float32)
    return path


def seen(model: nn.Module, picture: Tensor) -> Tensor:
    """The backbone's map of a picture in 0..1, through the model's own normalisation."""
    with torch.inference_mode():
        batch, _ = model.eval().transform(picture)
        found: Tensor = model.backbone(batch.tensors)["0"]
    return found


@pytest.mark.parametrize("batch_norm", [True, False])
def test_trained_folded_written_and_put_in_it_sees_the_same(
    tmp_path: Path, learnt: nn.Module, pictures: VocDataset, batch_norm: bool
) -> None:
    start = read_start(backbone_file(tmp_path, learnt))
    bare = TrainConfig(model=replace(ModelConfig(), input_size=SIZE, head_width=WIDTH))
    config = replace(start.bring_normalisation(bare).model, batch_norm=batch_norm)
    assert (config.image_mean, config.image_std) == (MEAN, STD)
    torch.manual_seed(0)
    model = build_model(config, CLASSES)
    taken = start_model(model, start, CLASSES, pictures)
    assert len(taken.taken) == 13
    picture = torch.rand(2, 3, SIZE, SIZE)
    wanted, found = seen(learnt, picture), seen(model, picture)
    assert wanted.std() > 0.01
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.max()))


def test_new_normalisation_is_calibrated_on_the_pictures(
    tmp_path: Path, learnt: nn.Module, pictures: VocDataset
) -> None:
    model = build_model(CONFIG, CLASSES)
    start_model(model, read_start(backbone_file(tmp_path, learnt)), CLASSES, pictures)
    entries = [pictures[Draw(place, 0)][0] for place in range(len(pictures))]
    shown = torch.from_numpy(np.stack(entries)) / 255
    wanted = seen(learnt, shown)
    with torch.inference_mode():
        batch, _ = model.train().transform(shown)
        found = model.backbone(batch.tensors)["0"]
    torch.testing.assert_close(found, wanted, rtol=0.01, atol=0.01 * float(wanted.max()))


class TestTaken:
    def start(self, start: Start, config: ModelConfig, pictures: VocDataset) -> dict[str, list]:  # type: ignore[type-arg]
        torch.manual_seed(0)
        model = build_model(config, CLASSES)
        before = {name: values.clone() for name, values in model.state_dict().items()}
        taken = start_model(model, start, CLASSES, pictures)
        heads = {"rpn", "roi_heads"}
        moved = {
            name.rpartition(".")[0]
            for name, values in model.state_dict().items()
            if name.split(".")[0] in heads and not torch.equal(values, before[name])
        }
        # What is said to be taken is what has changed.
        assert moved == {name for name in taken.taken if name.split(".")[0] in heads}
        told = taken.describe()
        assert "13 convolutions of the backbone" in told
        assert all(name in told for name in (*taken.fresh, *taken.unused, *moved))
        return {"moved": sorted(moved), "unused": sorted(taken.unused)}

    def test_backbone_alone(self, tmp_path: Path, learnt: nn.Module, pictures: VocDataset) -> None:
        found = self.start(read_start(backbone_file(tmp_path, learnt)), CONFIG, pictures)
        assert found == {"moved": [], "unused": []}

    @pytest.mark.parametrize("width", [WIDTH, 8])
    def test_fc6_and_fc7_where_they_fit(
        self, tmp_path: Path, learnt: nn.Module, pictures: VocDataset, width: int
    ) -> None:
        start = read_start(backbone_file(tmp_path, learnt, head=width))
        both = ["roi_heads.box_head.fc6", "roi_heads.box_head.fc7"]
        found = self.start(start, CONFIG, pictures)
        assert found["moved"] == (both if width == WIDTH else [])
        assert found["unused"] == ([] if width == WIDTH else both)

    @pytest.mark.parametrize("classes", [CLASSES, CLASSES[::-1]], ids=["same", "others"])
    def test_detector(self, tmp_path: Path, pictures: VocDataset, classes: tuple[str, ...]) -> None:
        torch.manual_seed(5)
        other = build_model(CONFIG.without_batch_norm(), classes)
        for values in other.parameters():
            # Biases are born as zeros, and a copied zero cannot be told from a fresh one.
            values.data += 0.01
        info = {"epoch": 4}
        checkpoint = Checkpoint(other.state_dict(), CONFIG.without_batch_norm(), classes, info)
        save_checkpoint(tmp_path / "best.pth", checkpoint)
        start = read_start(tmp_path / "best.pth")
        assert start.describe()["source"] == "checkpoint of frcnn_vgg16, epoch 5"
        found = self.start(start, CONFIG, pictures)
        heads = {n.rpartition(".")[0] for n in other.state_dict() if not n.startswith("backbone")}
        last = "roi_heads.box_predictor.cls_score"
        assert set(found["moved"]) == (heads if classes == CLASSES else heads - {last})
        assert found["unused"] == ([] if classes == CLASSES else [last])

    def test_unfinished_run_is_folded(
        self, tmp_path: Path, learnt: nn.Module, pictures: VocDataset
    ) -> None:
        config = FaceAttributesConfig().as_model()
        save_checkpoint(tmp_path / "last.pth", Checkpoint(learnt.state_dict(), config, CLASSES))
        found = self.start(read_start(tmp_path / "last.pth"), CONFIG, pictures)
        assert found == {"moved": [], "unused": ["expression", "measures"]}


class TestNormalisation:
    START = Start(Path("a"), "00", "a test", MEAN, STD, {}, None)

    def test_the_file_s_own(self) -> None:
        config = self.START.bring_normalisation(TrainConfig())
        assert (config.model.image_mean, config.model.image_std) == (MEAN, STD)
        assert self.START.bring_normalisation(config) == config

    def test_other_flags(self) -> None:
        model = ModelConfig(image_std=(0.1, 0.1, 0.1))
        with pytest.raises(ConfigError, match=r"^--model.image_std \[0.1, .* beside --init a;"):
            self.START.bring_normalisation(TrainConfig(model=model))


class TestRefused:
    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsNotFoundError, match=r"--init .*a is absent"):
            read_start(tmp_path / "a")

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>" * 9])
    def test_neither(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(WeightsError):
            read_start(tmp_path / "a")

    def test_backbone_that_is_not_whole(self, pictures: VocDataset) -> None:
        state = {f"backbone.features.{n}": t for n, t in vgg16_features(False).state_dict().items()}
        del state["backbone.features.5.bias"], state["backbone.features.28.weight"]
        start = Start(Path("a"), "00", "a test", MEAN, STD, state, None)
        model = build_model(CONFIG, CLASSES)
        told = "a has no fitting backbone.features.5, backbone.features.28; wanted a whole VGG16"
        with pytest.raises(WeightsError, match=told):
            start_model(model, start, CLASSES, pictures)


def described(path: str, **more: object) -> dict[str, object]:
    return {"path": path, "sha256": "00", "source": f"source of {path}", **more}


def test_chain_of_starts_is_kept_and_told(tmp_path: Path) -> None:
    config = CONFIG.without_batch_norm()
    told = described("best.pth", init=described("face.safetensors"))
    checkpoint = Checkpoint(build_model(config, CLASSES).state_dict(), config, CLASSES)
    save_checkpoint(tmp_path / "a.pth", replace(checkpoint, info={"init": told}))
    start = read_start(tmp_path / "a.pth")
    assert start.describe()["init"] == told
    lines = Taken(start, ("backbone.features.0",), (), ()).describe().splitlines()
    assert lines[1:3] == [
        "  which started from best.pth (source of best.pth)",
        "  which started from face.safetensors (source of face.safetensors)",
    ]
    save_checkpoint(tmp_path / "a.pth", checkpoint)
    assert "init" not in read_start(tmp_path / "a.pth").describe()


@pytest.mark.parametrize("classes", [CLASSES, CLASSES[::-1]], ids=["same", "others"])
def test_classes_layer_and_centres_serve_the_same_classes(
    tmp_path: Path, pictures: VocDataset, classes: tuple[str, ...]
) -> None:
    config = replace(CONFIG, name=CLASSIFIER_MODEL, batch_norm=False)

    def made(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        centres = CentreLoss(len(CLASSES), WIDTH, 0.5)
        centres.centres += seed
        return classifier.build(config, CLASSES, BesideSoftmax("centre", centres, 0.1))

    save_checkpoint(tmp_path / "last.pth", Checkpoint(made(1).state_dict(), config, classes))
    taken = start_model(made(2), read_start(tmp_path / "last.pth"), CLASSES, pictures)
    of_classes = ("roi_heads.class_score", "loss.of_features")
    assert set(of_classes) <= set(taken.taken if classes == CLASSES else taken.fresh)
    assert set(of_classes).isdisjoint(taken.fresh if classes == CLASSES else taken.taken)
    assert {"roi_heads.box_head.fc6", "roi_heads.box_head.fc7"} <= set(taken.taken)
