"""The three nets, against the same layers written out with their heads apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fer_det.errors import WeightsError
from fer_det.faces.mtcnn.networks import ONet, PNet, RNet
from fer_det.faces.mtcnn.weights import load_weights


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def conv(x, arrays):
    weight, bias, slope = (torch.from_numpy(next(arrays)) for _ in range(3))
    return F.prelu(F.conv2d(x, weight.permute(3, 2, 0, 1), bias), slope.flatten())


def dense(x, arrays):
    weight, bias = (torch.from_numpy(next(arrays)) for _ in range(2))
    return x @ weight.reshape(-1, bias.shape[0]) + bias


def same_pool(x, kernel):
    """TensorFlow's "same" pooling at a stride of 2: what is missing is added at the end."""
    missing = [max((-(-side // 2) - 1) * 2 + kernel - side, 0) for side in x.shape[2:]]
    return F.max_pool2d(F.pad(x, (0, missing[1], 0, missing[0]), value=-torch.inf), kernel, 2)


def keras_flatten(x):
    """Permute((2, 1, 3)) of [N, H, W, C], then Flatten."""
    return x.permute(0, 2, 3, 1).permute(0, 2, 1, 3).flatten(1)


@pytest.mark.parametrize("size", [(12, 12), (13, 12), (37, 50), (38, 51)])
def test_pnet(size, generator):
    x, arrays = torch.randn(2, 3, *size, generator=generator), iter(load_weights("pnet"))
    offsets, logits = PNet(load_weights("pnet"))(x)
    y = conv(conv(same_pool(conv(x, arrays), 2), arrays), arrays).permute(0, 2, 3, 1)
    torch.testing.assert_close(offsets, dense(y, arrays), atol=1e-4, rtol=1e-4)
    face = dense(y, arrays).softmax(-1)[..., 1]
    torch.testing.assert_close(logits.sigmoid(), face, atol=1e-5, rtol=1e-4)


def test_rnet(generator):
    x, arrays = torch.randn(5, 3, 24, 24, generator=generator), iter(load_weights("rnet"))
    offsets, logits = RNet(load_weights("rnet"))(x)
    y = F.max_pool2d(conv(same_pool(conv(x, arrays), 3), arrays), 3, 2)
    y = dense(keras_flatten(conv(y, arrays)), arrays)
    y = F.prelu(y, torch.from_numpy(next(arrays)).flatten())
    torch.testing.assert_close(offsets, dense(y, arrays), atol=1e-4, rtol=1e-4)
    face = dense(y, arrays).softmax(-1)[:, 1]
    torch.testing.assert_close(logits.sigmoid(), face, atol=1e-5, rtol=1e-4)


def test_onet(generator):
    x, arrays = torch.randn(5, 3, 48, 48, generator=generator), iter(load_weights("onet"))
    offsets, landmarks, logits = ONet(load_weights("onet"))(x)
    y = F.max_pool2d(conv(same_pool(conv(x, arrays), 3), arrays), 3, 2)
    y = conv(same_pool(conv(y, arrays), 2), arrays)
    y = dense(keras_flatten(y), arrays)
    y = F.prelu(y, torch.from_numpy(next(arrays)).flatten())
    torch.testing.assert_close(offsets, dense(y, arrays), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(landmarks, dense(y, arrays), atol=1e-4, rtol=1e-4)
    face = dense(y, arrays).softmax(-1)[:, 1]
    torch.testing.assert_close(logits.sigmoid(), face, atol=1e-5, rtol=1e-4)


def test_another_nets_weights_are_refused():
    with pytest.raises(WeightsError, match="RNet weights"):
        RNet(load_weights("onet"))


def test_missing_and_left_over_arrays_are_refused():
    arrays = load_weights("pnet")
    with pytest.raises(WeightsError, match="PNet weights"):
        PNet(arrays[3:])
    with pytest.raises(WeightsError, match="PNet weights"):
        PNet([*arrays[:9], *arrays[6:9], *arrays[9:]])


def test_nothing_of_it_is_trained():
    net = PNet(load_weights("pnet"))
    assert not net.training
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert all(np.isfinite(parameter.numpy()).all() for parameter in net.parameters())
