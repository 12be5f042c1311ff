"""Each published format, written as its framework writes it, gives that framework's own answers.

The expected answers are computed by NumPy in the framework's convention: its order of colours, its
mean, its layout. Ours come from the converted tensors and the detector's own normalisation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_data import vgg_face, vgg_face_by_hand
from fake_data.vgg_face import Network
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_det.models.transform import ViewTransform
from fer_det.weights.formats.convert import ConvertedWeights, convert_weights
from fer_det.weights.formats.layers import count_parameters, weight_shapes
from fer_det.weights.formats.published import WEIGHT_FORMATS

SIZE = 224
FULL = "2.6 million photos of 2,622 people"


@dataclass(frozen=True)
class Case:
    format: str
    write: Callable[..., None]
    rows_first: bool
    blue_first: bool
    options: Mapping[str, Any]


CASES = {
    "dag": Case("vgg_face_dag", vgg_face.write_pytorch, False, False, {}),
    "dag_pickle": Case("vgg_face_dag", vgg_face.write_pytorch, False, False, {"zipped": False}),
    "keras": Case("vgg_face_rcmalli", vgg_face.write_keras, True, True, {}),
    "deepface": Case("vgg_face_deepface", vgg_face.write_deepface, True, True, {}),
    "vlfeat": Case("vgg_face_matconvnet", vgg_face.write_matconvnet, True, False, {}),
    "oxford": Case("vgg_face_matconvnet", vgg_face.write_matconvnet, True, False, {"oxford": True}),
    "caffe": Case("vgg_face_caffe", vgg_face.write_caffe, False, True, {}),
    "caffe_new": Case("vgg_face_caffe", vgg_face.write_caffe, False, True, {"old": False}),
}


@cache
def pixels() -> NDArray[np.uint8]:
    """A picture with another pattern in each colour and no symmetry."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    random = np.random.default_rng(1)
    channels = [200 * rows, 90 + 120 * columns * rows, 250 * np.abs(np.sin(5 * columns + rows))]
    smooth = np.stack(channels, axis=-1) + random.normal(0, 12, (SIZE, SIZE, 3))
    return smooth.clip(0, 255).astype(np.uint8)


@cache
def canonical() -> Network:
    return vgg_face.sample_network()


@cache
def by_hand(rows_first: bool, blue_first: bool) -> NDArray[np.float64]:
    network = own_convention(rows_first, blue_first)
    compute = vgg_face_by_hand.rows_first if rows_first else vgg_face_by_hand.channels_first
    return compute(network, vgg_face_by_hand.subtract_mean(pixels(), blue_first))


def own_convention(rows_first: bool, blue_first: bool) -> Network:
    network = canonical()
    if blue_first:
        network = vgg_face.blue_first(network)
    return vgg_face.rows_first(network) if rows_first else network


def written(case: Case, folder: Path) -> Path:
    # The name says nothing about the format.
    path = folder / "weights.bin"
    case.write(path, own_convention(case.rows_first, case.blue_first), **case.options)
    return path


def answer(tensors: Mapping[str, Tensor], mean: Any, std: Any, head: bool = True) -> Tensor:
    """fc7's answer, or the backbone's, of a network made of a weights file's tensors."""
    layers: list[nn.Module] = []
    for number in vgg_face.TORCHVISION:
        weight = tensors[f"features.{number}.weight"]
        convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
        convolution.load_state_dict({"weight": weight, "bias": tensors[f"features.{number}.bias"]})
        layers += [convolution, nn.ReLU()]
        if number in (2, 7, 14, 21, 28):
            layers.append(nn.MaxPool2d(2))
    if head:
        layers.append(nn.Flatten())
        for number in (0, 3):
            weight = tensors[f"classifier.{number}.weight"]
            linear = nn.Linear(weight.shape[1], weight.shape[0])
            linear.load_state_dict({"weight": weight, "bias": tensors[f"classifier.{number}.bias"]})
            layers += [linear, nn.ReLU()]
    picture = torch.from_numpy(pixels()).permute(2, 0, 1).float() / 255
    with torch.no_grad():
        batch, _ = ViewTransform(SIZE, mean, std)([picture])
        return nn.Sequential(*layers)(batch.tensors)[0]


def assert_answers(converted: ConvertedWeights, wanted: NDArray[np.float64]) -> None:
    info = converted.info
    found = answer(converted.tensors, info.image_mean, info.image_std).double().numpy()
    assert np.abs(wanted).max() > 1
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


@pytest.mark.parametrize("name", CASES)
def test_format_gives_its_own_answers(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    converted = convert_weights(written(case, tmp_path))
    assert converted.format.name == case.format
    assert converted.info.trained_on == FULL
    assert_answers(converted, by_hand(case.rows_first, case.blue_first))
    for number, (weight, bias) in zip(
        (*(f"features.{n}" for n in vgg_face.TORCHVISION), "classifier.0", "classifier.3"),
        list(canonical().values())[:-1],
        strict=True,
    ):
        assert np.array_equal(converted.tensors[f"{number}.weight"].numpy(), weight)
        assert np.array_equal(converted.tensors[f"{number}.bias"].numpy(), bias)
    assert converted.dropped == ("fc8",)
    assert converted.absent == converted.ignored == ()
    assert converted.parameters == sum(w.size + b.size for w, b in canonical().values())


def test_every_format_is_tested() -> None:
    others = {"imagenet_torchvision", "imagenet_features"}
    assert {each.name for each in WEIGHT_FORMATS} == {
        case.format for case in CASES.values()
    } | others


def test_wrong_conventions_give_other_answers() -> None:
    """The other tests rely on it: a wrong convention changes the answer far more than rounding."""
    mean, std = [m / 255 for m in vgg_face.MEAN], [1 / 255] * 3
    network = canonical()
    right = answer(as_tensors(network), mean, std).numpy()
    wrong = {
        "channels": (vgg_face.blue_first(network), mean, std),
        "mean": (network, mean[::-1], std),
        "imagenet": (network, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        "fc6": ({**network, "fc6": misread_fc6(network)}, mean, std),
    }
    for what, (changed, *colours) in wrong.items():
        found = answer(as_tensors(changed), *colours).numpy()
        assert np.abs(found - right).max() > 0.01 * np.abs(right).max(), what


def misread_fc6(network: Network) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """fc6 over H, W, C, read as over C, H, W."""
    weight, bias = network["fc6"]
    return weight.reshape(len(weight), -1, 7, 7).transpose(0, 2, 3, 1).reshape(weight.shape), bias


def as_tensors(network: Network) -> dict[str, Tensor]:
    return {
        f"{name}.{kind}": torch.from_numpy(np.ascontiguousarray(array))
        for name, pair in vgg_face.torchvision_names(network).items()
        for kind, array in zip(("weight", "bias"), pair, strict=True)
    }


class TestKeras:
    def test_no_top(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        vgg_face.write_keras(path, own_convention(True, True), top=False)
        converted = convert_weights(path)
        assert len(converted.matched) == 13
        assert converted.absent == ("fc6", "fc7")
        assert converted.dropped == ()
        assert len(converted.tensors) == 26
        described = converted.describe()
        assert "matched: 13 convolutions of the backbone\n" in described
        assert "absent: fc6, fc7" in described

    def test_whole_model(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        described = '{"class_name": "Model", "config": {"layers": []}}'
        vgg_face.write_keras(path, own_convention(True, True), whole=described)
        assert convert_weights(path).format.name == "vgg_face_rcmalli"


class TestImageNet:
    def write(self, path: Path, network: Network) -> Path:
        vgg_face.write_pytorch(path, vgg_face.torchvision_names(network))
        return path

    def test_torchvision(self, tmp_path: Path) -> None:
        network = vgg_face.sample_network(classes=1000)
        converted = convert_weights(self.write(tmp_path / "a", network))
        assert converted.format.name == "imagenet_torchvision"
        scaled = (pixels() / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        info = converted.info
        found = answer(converted.tensors, info.image_mean, info.image_std).double().numpy()
        np.testing.assert_allclose(
            found, vgg_face_by_hand.channels_first(network, scaled), rtol=1e-3, atol=1e-4
        )

    def test_features_alone_have_another_normalisation(self, tmp_path: Path) -> None:
        network = vgg_face.sample_network(classes=1000)
        for name in ("fc6", "fc7", "fc8"):
            network[name] = tuple(np.full_like(array, np.nan) for array in network[name])  # type: ignore[assignment]
        converted = convert_weights(self.write(tmp_path / "a", network))
        assert converted.format.name == "imagenet_features"
        assert converted.info.image_mean == (0.48235, 0.45882, 0.40784)
        assert converted.info.image_std == (1 / 255,) * 3
        assert len(converted.tensors) == 26


class TestOptions:
    def test_without_head(self, tmp_path: Path) -> None:
        converted = convert_weights(written(CASES["dag"], tmp_path), head=False)
        assert len(converted.tensors) == 26
        assert converted.dropped == ("fc6", "fc7", "fc8")

    def test_channels_by_hand(self, tmp_path: Path) -> None:
        path = written(CASES["dag"], tmp_path)
        turned = convert_weights(path, channels="bgr")
        first = turned.tensors["features.0.weight"].flip(1).numpy()
        assert np.array_equal(first, canonical()["conv1_1"][0])
        assert turned.info.notes["file_channels"] == "bgr"
        assert "reads blue, green, red" in turned.describe()


class TestCounts:
    def test_full_width(self) -> None:
        """The counts of VGG-Face's published network."""
        shapes = weight_shapes(64, 4096, 2622)
        fc6, fc7, fc8 = (count_parameters({n: shapes.pop(n)}) for n in ("fc6", "fc7", "fc8"))
        assert (fc6, fc7, fc8) == (102_764_544, 16_781_312, 10_742_334)
        assert count_parameters(shapes) == 14_714_688
        assert count_parameters(weight_shapes(64, 4096, 2622)) == 145_002_878

    def test_torchvision(self) -> None:
        """138,357,544 are torchvision's own figure, VGG16_Weights.IMAGENET1K_V1.meta."""
        assert count_parameters(weight_shapes(64, 4096, 1000)) == 138_357_544
