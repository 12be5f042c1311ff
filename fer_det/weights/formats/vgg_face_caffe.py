"""VGG_FACE.caffemodel: VGG-Face for Caffe, which reads blue first."""

from fer_det.weights.formats.form import Form, by_name
from fer_det.weights.formats.vgg_face import VGG_FACE

FORM = Form(
    name="vgg_face_caffe",
    title="VGG-Face for Caffe (VGG_FACE.caffemodel)",
    container="caffe",
    layout="OIHW",
    channels="bgr",
    training=VGG_FACE,
    pick=by_name,
)
