"""vgg16_features-amdegroot-88682ab5.pth: torchvision's VGG16 whose convolutions come from Caffe.

Its names are those of torchvision's other VGG16, its input is another: a mean is subtracted in
0..255 and nothing divided (VGG16_Weights.IMAGENET1K_FEATURES). Its fully connected layers are
filled with NaN, which tells the two apart.
"""

from fer_det.weights.formats.form import Form, Layers, Training, by_torchvision_name
from fer_det.weights.formats.imagenet_torchvision import has_no_head
from fer_det.weights.formats.network import CONVOLUTIONS, Stored


def _pick(stored: Stored) -> Layers | None:
    layers = by_torchvision_name(stored)
    if layers is None or not has_no_head(layers):
        return None
    return {name: layer for name, layer in layers.items() if name in CONVOLUTIONS}


FORM = Form(
    name="imagenet_features",
    title="torchvision's VGG16 features from ImageNet by way of Caffe",
    container="pytorch",
    layout="OIHW",
    channels="rgb",
    training=Training(
        trained_on="ImageNet, 1.3 million photos of 1,000 classes",
        source="torchvision, VGG16_Weights.IMAGENET1K_FEATURES",
        licence="BSD-3-Clause; ImageNet's photos are for research",
        classes=1000,
        image_mean=(0.48235, 0.45882, 0.40784),
        image_std=(1 / 255, 1 / 255, 1 / 255),
    ),
    pick=_pick,
    backbone_alone=True,
)
