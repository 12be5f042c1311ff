"""Where the public files of weights are, and what of each can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fer_det.config.weights import PublicName
from fer_det.weights.formats.network import CONVOLUTIONS, count_parameters, weight_shapes

_OXFORD = "https://www.robots.ox.ac.uk/~vgg/software/vgg_face/src"
_SHAPES = weight_shapes(width=64, head=4096, classes=2622)
_BACKBONE = {name: shape for name, shape in _SHAPES.items() if name in CONVOLUTIONS}
VGG_FACE_PARAMETERS = count_parameters(_SHAPES)
BACKBONE_PARAMETERS = count_parameters(_BACKBONE)
IMAGENET_PARAMETERS = count_parameters(weight_shapes(width=64, head=4096, classes=1000))


@dataclass(frozen=True)
class PublicFile:
    """One file to download."""

    url: str
    parameters: int
    member: str | None = None
    """The file's name within the archive, where it is one."""
    md5: str | None = None
    """Of what is downloaded, where one is public."""
    least_bytes: int = 0
    """Less than this cannot hold the parameters."""

    @property
    def file_name(self) -> str:
        """Under which name it is kept."""
        return self.url.rpartition("/")[2]


PUBLIC_FILES: Mapping[PublicName, PublicFile] = {
    "caffe": PublicFile(
        f"{_OXFORD}/vgg_face_caffe.tar.gz",
        VGG_FACE_PARAMETERS,
        member="vgg_face_caffe/VGG_FACE.caffemodel",
        # In bob.bio.face of the Idiap institute, which fetches the same archive.
        md5="ee707ac6e890bc148cb155adeaad12be",
    ),
    "matconvnet": PublicFile(
        "https://www.vlfeat.org/matconvnet/models/vgg-face.mat",
        VGG_FACE_PARAMETERS,
        # In MatConvNet's own table of checksums.
        md5="3d6cd504bf9c98af4a561aad059565d1",
    ),
    "torch": PublicFile(
        f"{_OXFORD}/vgg_face_torch.tar.gz",
        VGG_FACE_PARAMETERS,
        member="vgg_face_torch/VGG_FACE.t7",
    ),
    "pytorch": PublicFile(
        "https://www.robots.ox.ac.uk/~albanie/models/pytorch-mcn/vgg_face_dag.pth",
        VGG_FACE_PARAMETERS,
        least_bytes=4 * VGG_FACE_PARAMETERS,
    ),
    "keras": PublicFile(
        "https://github.com/rcmalli/keras-vggface/releases/download/v2.0/"
        "rcmalli_vggface_tf_vgg16.h5",
        VGG_FACE_PARAMETERS,
        least_bytes=4 * VGG_FACE_PARAMETERS,
    ),
    "keras_notop": PublicFile(
        "https://github.com/rcmalli/keras-vggface/releases/download/v2.0/"
        "rcmalli_vggface_tf_notop_vgg16.h5",
        BACKBONE_PARAMETERS,
        least_bytes=4 * BACKBONE_PARAMETERS,
    ),
    "deepface": PublicFile(
        "https://github.com/serengil/deepface_models/releases/download/v1.0/vgg_face_weights.h5",
        VGG_FACE_PARAMETERS,
        least_bytes=4 * VGG_FACE_PARAMETERS,
    ),
    "imagenet": PublicFile(
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        IMAGENET_PARAMETERS,
        least_bytes=4 * IMAGENET_PARAMETERS,
    ),
}
