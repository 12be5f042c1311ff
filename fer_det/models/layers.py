"""Layers that several models share: batch normalisation that can be folded away, and RoIAlign."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from fer_det.runtime.distributed import process_count, sum_over_processes

MOST_CELLS = 1024
"""Larger feature maps go to torchvision's RoIAlign: the dense weights would outgrow the map."""

_CONVOLUTION = (
    "in_channels",
    "out_channels",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
)


def anchor_offsets(side: float, stride: float, spacing: float) -> Tensor:
    """Return where in a cell anchors of one size lie, [N, 2] as x, y from the cell's centre.

    A cell has a grid of them, no farther apart than `spacing` of their side; 0 means one. Zhang et
    al., "FaceBoxes", 2017, section 3.2: otherwise small faces lie between the anchors.
    """
    count = max(1, math.ceil(stride / (spacing * side))) if spacing else 1
    # On the CPU also where a model is built without memory.
    along = ((torch.arange(count, device="cpu") + 0.5) / count - 0.5) * stride
    return torch.stack(torch.meshgrid(along, along, indexing="ij")[::-1], -1).reshape(-1, 2)


class WideLinear(nn.Linear):
    """A linear layer that is computed in float32 also where autocast is on."""

    keeps_precision = True
    """Hardware.prepare does not store its weights with fewer digits."""

    def forward(self, input: Tensor) -> Tensor:
        """[..., in] -> [..., out], float32 or wider."""
        wide = input.to(torch.promote_types(input.dtype, torch.float32))
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(wide)


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d whose training statistics are those of the global batch of all processes.

    torch's SyncBatchNorm does the same and runs on accelerators only. Every process must hold
    equally many pixels. With one process this is BatchNorm2d itself.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        world = process_count()
        if not self.training or world == 1:
            return super().forward(input)
        wide = input.to(torch.promote_types(input.dtype, torch.float32))
        mean = sum_over_processes(wide.mean((0, 2, 3))) / world
        # About the global mean, because E[x^2] - E[x]^2 loses half the digits.
        squares = (wide - mean[:, None, None]).square().mean((0, 2, 3))
        variance = sum_over_processes(squares) / world
        with torch.no_grad():
            self._update_running(mean, variance, count=world * input.numel() // input.shape[1])
        gain = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - gain * mean
        normalised: Tensor = wide * gain[:, None, None] + shift[:, None, None]
        return normalised.to(input.dtype)

    def _update_running(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)


class NormalisedConv2d(nn.Conv2d):
    """A convolution with bias, followed by batch normalisation that `fold_batch_norm` removes.

    It takes Conv2d's arguments; its own weights have the names that they have without the norm.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.norm = GlobalBatchNorm2d(self.out_channels)
        self.normalises = True

    def forward(self, input: Tensor) -> Tensor:
        """[B, C_in, H, W] -> [B, C_out, H', W']."""
        output = self._convolve(input)
        if self.normalises:
            output = self.norm(output)
        return output

    def _convolve(self, input: Tensor) -> Tensor:
        slow = self.groups > 1 and self.training and input.device.type == "cpu"
        if not slow or not torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        # On a CPU the backward pass of a depthwise convolution takes 2 to 5 times as long in
        # bfloat16 as in float32.
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float()).to(input.dtype)


def merge_norms(network: nn.Module, batch_norm: bool) -> None:
    """Put each norm of a torchvision network into the convolution before it, in place.

    batch_norm: whether the convolution becomes a NormalisedConv2d or a Conv2d, both with bias. A
    norm belongs to a convolution if it follows directly among the parts of the same module.
    """
    for parent, name, norm in norm_pairs(network):
        conv: nn.Conv2d = getattr(parent, name)
        shape: Any = {each: getattr(conv, each) for each in _CONVOLUTION}
        layer = NormalisedConv2d(**shape) if batch_norm else nn.Conv2d(**shape)
        layer.weight = conv.weight
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
        setattr(parent, name, layer)
        setattr(parent, norm, nn.Identity())


def norm_pairs(network: nn.Module) -> list[tuple[nn.Module, str, str]]:
    """Return where a batch norm follows a convolution: their parent and their names in it."""
    return [
        (parent, name, norm)
        for parent in network.modules()
        for (name, conv), (norm, after) in pairwise(parent.named_children())
        if isinstance(conv, nn.Conv2d) and isinstance(after, nn.BatchNorm2d)
    ]


def fold_batch_norm(state: Mapping[str, Tensor], eps: float = 1e-5) -> dict[str, Tensor]:
    """Fold every `X.norm` of a state dict into the convolution `X`, which then does the same alone.

    In evaluation norm(w * x + b) = (g w) * x + g (b - mean) + beta, g = gamma / sqrt(var + eps).
    """
    folded = {name: tensor for name, tensor in state.items() if ".norm." not in name}
    for name in [name for name in state if name.endswith(".norm.running_var")]:
        conv = name.removesuffix(".norm.running_var")
        gain = state[f"{conv}.norm.weight"].double() * torch.rsqrt(state[name].double() + eps)
        shift = state[f"{conv}.bias"].double() - state[f"{conv}.norm.running_mean"].double()
        bias = gain * shift + state[f"{conv}.norm.bias"].double()
        weight = state[f"{conv}.weight"]
        folded[f"{conv}.weight"] = (gain[:, None, None, None] * weight.double()).to(weight.dtype)
        folded[f"{conv}.bias"] = bias.to(weight.dtype)
    return folded


@torch.no_grad()
def insert_batch_norm(
    layers: Sequence[NormalisedConv2d],
    run: Callable[[Tensor], object],
    batches: Iterable[Tensor],
) -> None:
    """Set the norms of convolutions that were loaded without any so that they change nothing.

    run: calls the layers on a batch; batches: pictures as `run` takes them. Each norm gets the mean
    and variance of its convolution's output on these pictures, and the same mean and standard
    deviation as shift and gain. So evaluation is unchanged to rounding, and training is too as far
    as a batch resembles these pictures. Raises ValueError without pictures.
    """
    # A count, a sum and a sum of squares, in float64, where E[x^2] - E[x]^2 keeps enough digits.
    sums = {layer: [torch.zeros((), dtype=torch.float64)] * 3 for layer in layers}

    def collect(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        wide = output.double()
        count, total, squares = sums[layer]  # type: ignore[index]
        sums[layer] = [  # type: ignore[index]
            count + wide.numel() // wide.shape[1],
            total + wide.sum((0, 2, 3)),
            squares + wide.square().sum((0, 2, 3)),
        ]

    hooks = [layer.register_forward_hook(collect) for layer in layers]
    try:
        for layer in layers:
            layer.normalises = False
        for batch in batches:
            run(batch)
    finally:
        for layer, hook in zip(layers, hooks, strict=True):
            layer.normalises = True
            hook.remove()
    for layer, (count, total, squares) in sums.items():
        if not count:
            raise ValueError("batch normalisation needs pictures to take its statistics from")
        mean = total / count
        variance = (squares / count - mean.square()).clamp(min=0)
        values = {
            "running_mean": mean,
            "running_var": variance,
            "bias": mean,
            "weight": (variance + layer.norm.eps).sqrt(),
        }
        layer.norm.load_state_dict({name: v.float() for name, v in values.items()}, strict=False)


def align_rois(
    features: Tensor, boxes: list[Tensor], output: int, stride: int, samples: int
) -> Tensor:
    """Pool each box into output x output bins of samples x samples bilinear samples each.

    features [B, C, H, W]; boxes: B tensors [R_i, 4] in input pixels -> [sum(R_i), C, output,
    output]. The same numbers as torchvision.ops.roi_align with aligned=True, to rounding.

    RoIAlign (He et al., "Mask R-CNN", 2017) is linear in the feature map, and its weights are a
    product of one factor in y and one in x. On a map of a few hundred cells the dense product costs
    a few per cent of the backbone, runs on all cores and in bfloat16 in both directions, and adds
    in a fixed order; torchvision's kernel takes float32 only, and its backward pass runs on one
    core (on a GPU, in random order).
    """
    height, width = features.shape[-2:]
    if height * width > MOST_CELLS:
        rois = [of_picture.float() for of_picture in boxes]
        exact: Tensor = roi_align(features.float(), rois, output, 1 / stride, samples, aligned=True)
        return exact
    counts = [len(of_picture) for of_picture in boxes]
    padded = torch.nn.utils.rnn.pad_sequence([b.float() for b in boxes], batch_first=True)
    weights_y = _axis_weights(padded[..., 1::2] / stride - 0.5, height, output, samples)
    weights_x = _axis_weights(padded[..., 0::2] / stride - 0.5, width, output, samples)
    # [B, R, output, 1, H, 1] * [B, R, 1, output, 1, W] -> [B, R * output^2, H * W]
    weights = weights_y[..., :, None, :, None] * weights_x[..., None, :, None, :]
    pictures, most = padded.shape[:2]
    weights = weights.reshape(pictures, most * output**2, height * width).to(features.dtype)
    pooled = features.flatten(2) @ weights.transpose(-1, -2)
    pooled = pooled.view(pictures, features.shape[1], most, output, output).transpose(1, 2)
    return torch.cat([of_picture[:n] for of_picture, n in zip(pooled, counts, strict=True)])


def _axis_weights(edges: Tensor, cells: int, bins: int, samples: int) -> Tensor:
    """Weight of each cell in each bin along one axis: edges [..., 2] -> [..., bins, cells].

    A sample further than one cell outside the map counts as 0; a nearer one takes the value at the
    border.
    """
    first, last = edges[..., :1], edges[..., 1:]
    steps = torch.arange(bins * samples, device=edges.device, dtype=edges.dtype) + 0.5
    places = first + (last - first) * steps / (bins * samples)
    inside = (places >= -1) & (places <= cells)
    grid = torch.arange(cells, device=edges.device, dtype=edges.dtype)
    hats = (1 - (places.clamp(0, cells - 1)[..., None] - grid).abs()).clamp(min=0)
    weights = hats * inside[..., None]
    return weights.reshape(*edges.shape[:-1], bins, samples, cells).mean(-2)
