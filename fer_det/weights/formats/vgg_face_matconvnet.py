"""vgg_face.mat and vgg-face.mat: VGG-Face for MatConvNet, with fc6 a 7 x 7 convolution."""

from fer_det.weights.formats.form import Form, by_name
from fer_det.weights.formats.vgg_face import VGG_FACE

FORM = Form(
    name="vgg_face_matconvnet",
    title="VGG-Face for MatConvNet (vgg_face.mat)",
    container="matlab",
    layout="HWIO",
    channels="rgb",
    training=VGG_FACE,
    pick=by_name,
)
