"""VGG_FACE.t7: VGG-Face for Torch, made from Caffe's; modules have places and no names."""

from fer_det.weights.formats.form import Form, by_position
from fer_det.weights.formats.vgg_face import VGG_FACE

FORM = Form(
    name="vgg_face_torch",
    title="VGG-Face for Torch (VGG_FACE.t7)",
    container="torch7",
    layout="OIHW",
    channels="bgr",
    training=VGG_FACE,
    pick=by_position,
)
