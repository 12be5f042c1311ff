"""A narrow VGG-Face of random numbers, written in the layout of each of its published files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from numpy.typing import NDArray

Array = NDArray[np.float32]
Network = dict[str, tuple[Array, Array]]
"""Weight and bias by layer, conv1_1 ... fc8, in one of the conventions."""

WIDTHS = (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8)
CONVOLUTIONS = (
    *("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3"),
    *("conv4_1", "conv4_2", "conv4_3", "conv5_1", "conv5_2", "conv5_3"),
)
POOLED_AFTER = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
MEAN = (129.1863, 104.7624, 93.5940)
"""Red, green and blue."""


def sample_network(width: int = 2, head: int = 6, classes: int = 2622, seed: int = 0) -> Network:
    """A network as a weights file holds it: OIHW, reads red first, fc6 over C, H, W."""
    random = np.random.default_rng(seed)

    def layer(*shape: int) -> tuple[Array, Array]:
        spread = np.sqrt(2 / np.prod(shape[1:]))
        weight = random.normal(0, spread, shape).astype(np.float32)
        return weight, random.normal(0, 0.1, shape[0]).astype(np.float32)

    network, below = {}, 3
    for name, multiple in zip(CONVOLUTIONS, WIDTHS, strict=True):
        network[name] = layer(multiple * width, below, 3, 3)
        below = multiple * width
    network["fc6"] = layer(head, below * 49)
    network["fc7"] = layer(head, head)
    network["fc8"] = layer(classes, head)
    return network


def blue_first(network: Network) -> Network:
    """The same function of pictures whose channels are reversed."""
    weight, bias = network["conv1_1"]
    return {**network, "conv1_1": (weight[:, ::-1].copy(), bias)}


def rows_first(network: Network) -> Network:
    """The same network in the layout of Keras and MatConvNet: (H, W, I, O), fc6 as (7, 7, I, O)."""
    turned = {}
    for name, (weight, bias) in network.items():
        side = 7 if name == "fc6" else 1 if name.startswith("fc") else 3
        kernel = weight.reshape(len(weight), -1, side, side)
        turned[name] = np.ascontiguousarray(np.moveaxis(kernel, (0, 1), (3, 2))), bias
    return turned


# Each writer takes the network in the convention of its format.


def write_pytorch(path: Path, network: Network, zipped: bool = True) -> None:
    """vgg_face_dag.pth: conv1_1.weight, conv1_1.bias, ..."""
    state = {}
    for name, (weight, bias) in network.items():
        state[f"{name}.weight"] = torch.from_numpy(weight)
        state[f"{name}.bias"] = torch.from_numpy(bias)
    torch.save(state, path, _use_new_zipfile_serialization=zipped)


def torchvision_names(network: Network) -> Network:
    """features.0, ..., classifier.6."""
    names = [*(f"features.{number}" for number in TORCHVISION)]
    names += [f"classifier.{number}" for number in (0, 3, 6)]
    return dict(zip(names, network.values(), strict=True))


def write_keras(path: Path, network: Network, top: bool = True, whole: str = "") -> None:
    """rcmalli's files: one group a layer, pools among them; fc6 is a matrix over H, W, C.

    whole: the description of a model, for a file of a whole model, whose weights are one group
    deeper.
    """
    import h5py

    with h5py.File(path, "w") as file:
        group = file
        if whole:
            file.attrs["model_config"] = whole
            group = file.create_group("model_weights")
        names = []
        for name, (weight, bias) in network.items():
            if name.startswith("fc") and not top:
                continue
            if name.startswith("fc"):
                weight = weight.reshape(-1, weight.shape[-1])
            _write_layer(group, name, [(f"{name}/kernel:0", weight), (f"{name}/bias:0", bias)])
            names.append(name)
            if name in POOLED_AFTER:
                names.append(f"pool{name[4]}")
                _write_layer(group, names[-1], [])
        group.attrs["layer_names"] = [name.encode() for name in names]


def write_deepface(path: Path, network: Network) -> None:
    """deepface's file: conv2d_1 ... conv2d_16 and layers without weights between them."""
    import h5py

    with h5py.File(path, "w") as file:
        names = []
        for number, (weight, bias) in enumerate(network.values(), start=1):
            names += [f"zero_padding2d_{number}", f"conv2d_{number}"]
            _write_layer(file, names[-2], [])
            inner = names[-1]
            _write_layer(
                file, names[-1], [(f"{inner}/kernel:0", weight), (f"{inner}/bias:0", bias)]
            )
        file.attrs["layer_names"] = [name.encode() for name in names]


def _write_layer(file: Any, name: str, arrays: list[tuple[str, Array]]) -> None:
    group = file.create_group(name)
    group.attrs["weight_names"] = [inner.encode() for inner, _ in arrays]
    for inner, array in arrays:
        group.create_dataset(inner, data=array)


def write_matconvnet(
    path: Path, network: Network, oxford: bool = False, mean: tuple[float, ...] = MEAN
) -> None:
    """vlfeat's vgg-face.mat (layers and meta), or Oxford's vgg_face.mat (all of it in net)."""
    from scipy.io import savemat

    layers = []
    for name, (weight, bias) in network.items():
        weights = np.empty((1, 2), dtype=object)
        weights[0, 0], weights[0, 1] = weight, bias.reshape(-1, 1)
        layers.append({"name": name, "type": "conv", "weights": weights, "pad": 1.0})
        layers.append({"name": f"relu_{name}", "type": "relu"})
    cells = np.empty((1, len(layers)), dtype=object)
    cells[0, :] = layers
    normalization = {"averageImage": np.array(mean).reshape(1, 1, 3), "imageSize": [224, 224, 3]}
    if oxford:
        savemat(path, {"net": {"layers": cells, "normalization": normalization}})
    else:
        savemat(
            path,
            {"layers": cells, "meta": {"normalization": normalization}},
            do_compression=True,
        )


def write_caffe(path: Path, network: Network, old: bool = True) -> None:
    """VGG_FACE.caffemodel, in the layout before 2015 (layers, four axes) or after (layer)."""
    message = caffe_message(network, old)
    path.write_bytes(message.SerializeToString())


def caffe_message(network: Network, old: bool = True) -> Any:
    """The NetParameter as protobuf's object."""
    net = _net_parameter()()
    net.name = "VGG_FACE_16_layers"
    for name, (weight, bias) in network.items():
        layer = net.layers.add() if old else net.layer.add()
        layer.name = name
        layer.bottom.append("below")
        for array in (weight, bias):
            blob = layer.blobs.add()
            blob.data.extend(array.reshape(-1).tolist())
            if old:
                axes = (1,) * (4 - array.ndim) + array.shape
                blob.num, blob.channels, blob.height, blob.width = axes
            else:
                blob.shape.dim.extend(array.shape)
        relu = net.layers.add() if old else net.layer.add()
        relu.name = f"relu_{name}"
    return net


def _net_parameter() -> Any:
    """The class of the message, with caffe.proto's numbers of the fields that are used."""
    text, whole, real = 9, 5, 2
    proto = descriptor_pb2.FileDescriptorProto(name="fake.proto", package="fake", syntax="proto2")

    def message(name: str, *fields: tuple[str, int, int | str, bool]) -> None:
        described = proto.message_type.add(name=name)
        for field_name, number, kind, repeated in fields:
            field = described.field.add(name=field_name, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                field.type, field.type_name = 11, f".fake.{kind}"
            else:
                field.type = kind
                field.options.packed = repeated and kind != text

    message("BlobShape", ("dim", 1, 3, True))
    axes = [(axis, n, whole, False) for n, axis in enumerate(("num", "channels"), start=1)]
    axes += [(axis, n, whole, False) for n, axis in enumerate(("height", "width"), start=3)]
    message("Blob", *axes, ("data", 5, real, True), ("shape", 7, "BlobShape", False))
    message("Old", ("bottom", 2, text, True), ("name", 4, text, False), ("blobs", 6, "Blob", True))
    message("New", ("name", 1, text, False), ("bottom", 3, text, True), ("blobs", 7, "Blob", True))
    message(
        "Net", ("name", 1, text, False), ("layers", 2, "Old", True), ("layer", 100, "New", True)
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("fake.Net"))
