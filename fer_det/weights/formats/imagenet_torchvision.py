"""torchvision's own VGG16, vgg16-397923af.pth: trained on ImageNet, the usual start without faces.

Mean and deviation as torchvision's VGG16_Weights.IMAGENET1K_V1 states them.
"""

import numpy as np

from fer_det.weights.formats.form import Form, Layers, Training, by_torchvision_name
from fer_det.weights.formats.network import Stored

IMAGENET = Training(
    trained_on="ImageNet, 1.3 million photos of 1,000 classes",
    source="torchvision, VGG16_Weights.IMAGENET1K_V1",
    licence="BSD-3-Clause; ImageNet's photos are for research",
    classes=1000,
    image_mean=(0.485, 0.456, 0.406),
    image_std=(0.229, 0.224, 0.225),
)


def has_no_head(layers: Layers) -> bool:
    """Whether fc6 is there and holds no numbers, as in torchvision's file of features alone."""
    return "fc6" in layers and bool(np.isnan(layers["fc6"].bias).any())


def _pick(stored: Stored) -> Layers | None:
    layers = by_torchvision_name(stored)
    return None if layers is None or has_no_head(layers) else layers


FORM = Form(
    name="imagenet_torchvision",
    title="torchvision's VGG16 from ImageNet",
    container="pytorch",
    layout="OIHW",
    channels="rgb",
    training=IMAGENET,
    pick=_pick,
)
