"""MTCNN's three networks as ONNX files; web/js/mtcnn.js is the cascade around them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fer_det.errors import WeightsError
from fer_det.export.onnx_file import trace_graph
from fer_det.export.sessions import open_session
from fer_det.faces.mtcnn.boxes import ONET_SIDE, RNET_SIDE
from fer_det.faces.mtcnn.networks import ONet, PNet, RNet
from fer_det.faces.mtcnn.weights import PACKAGE, load_weights
from fer_det.io.files import atomic_path, make_folder

ALLOWED = 1e-4
"""Largest difference of offsets and logits, relative to the largest value."""


class PlainPNet(nn.Module):
    """PNet in operators that every runtime has; networks.py has its own for speed on processors."""

    def __init__(self, net: PNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> Tensor:
        """[N, 3, H, W] -> [N, 5, h, w]: offsets of four edges, then the logit of a face."""
        net = self.net
        x = F.max_pool2d(net.prelu1(net.conv1(pictures)), 2, 2, ceil_mode=True)
        x = net.prelu3(net.conv3(net.prelu2(net.conv2(x))))
        return F.conv2d(x, net.heads.weight[:, :, None, None], net.heads.bias)


class PlainRNet(nn.Module):
    """The same for RNet."""

    def __init__(self, net: RNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, crops: Tensor) -> Tensor:
        """[N, 3, 24, 24] -> [N, 5]: offsets of four edges, then the logit."""
        net = self.net
        x = F.max_pool2d(net.prelu1(net.conv1(crops)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(net.prelu2(net.conv2(x)), 3, 2)
        x = net.prelu3(net.conv3(x)).permute(0, 3, 2, 1).flatten(1)
        answers: Tensor = net.heads(net.prelu4(net.fc4(x)))
        return answers


class PlainONet(nn.Module):
    """The same for ONet."""

    def __init__(self, net: ONet) -> None:
        super().__init__()
        self.net = net

    def forward(self, crops: Tensor) -> Tensor:
        """[N, 3, 48, 48] -> [N, 15]: offsets of four edges, five x, five y, then the logit."""
        net = self.net
        x = F.max_pool2d(net.prelu1(net.conv1(crops)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(net.prelu2(net.conv2(x)), 3, 2)
        x = F.max_pool2d(net.prelu3(net.conv3(x)), 2, 2, ceil_mode=True)
        x = net.prelu4(net.conv4(x)).permute(0, 3, 2, 1).flatten(1)
        answers: Tensor = net.heads(net.prelu5(net.fc5(x)))
        return answers


def export_mtcnn(folder: Path) -> list[Path]:
    """Write pnet.onnx, rnet.onnx and onet.onnx; return their paths.

    Raises WeightsNotFoundError without the package mtcnn, and WeightsError where a file answers
    otherwise than the network that it was made from.
    """
    make_folder(folder)
    batch = {0: "batch"}
    cells = {2: "rows", 3: "columns"}
    pnet, rnet, onet = (
        PNet(load_weights("pnet")),
        RNet(load_weights("rnet")),
        ONet(load_weights("onet")),
    )
    return [
        _write(folder / "pnet.onnx", PlainPNet(pnet), pnet, (30, 41), batch | cells),
        _write(folder / "rnet.onnx", PlainRNet(rnet), rnet, (RNET_SIDE,) * 2, batch),
        _write(folder / "onet.onnx", PlainONet(onet), onet, (ONET_SIDE,) * 2, batch),
    ]


def _write(
    path: Path, plain: nn.Module, net: nn.Module, size: tuple[int, int], axes: dict[int, str]
) -> Path:
    random = np.random.default_rng(0)
    example = torch.from_numpy(random.uniform(-1, 1, (2, 3, *size)).astype(np.float32))
    dynamic = {"crops": axes, "answers": axes}
    proto = trace_graph(plain.eval(), example, ["crops"], ["answers"], dynamic)
    entry = proto.metadata_props.add()
    entry.key, entry.value = "licence", f"MIT; the weights of the package {PACKAGE} 1.0.0"
    with torch.inference_mode():
        parts = [part[..., None] if part.ndim == 1 else part for part in net(example)]
    if len(size) == 2 and parts[0].ndim == 4:
        # P-Net answers [N, h, w, 4] and [N, h, w].
        parts = [parts[0].permute(0, 3, 1, 2), parts[1][:, None]]
    wanted = torch.cat(parts, 1).numpy()
    with atomic_path(path) as temporary:
        onnx.save(proto, temporary)
        (found,) = open_session(temporary).run(example.numpy())
        difference = float(np.abs(found - wanted).max() / np.abs(wanted).max())
        if found.shape != wanted.shape or difference > ALLOWED:
            raise WeightsError(
                f"{path} answers otherwise than its network, by {difference:.2g}",
                f"a difference of at most {ALLOWED}",
                "use the versions of torch and onnxruntime that pyproject.toml names",
            )
    return path
