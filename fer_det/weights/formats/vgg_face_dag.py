"""vgg_face_dag.pth: VGG-Face for PyTorch, turned from MatConvNet's, so it reads red first."""

from fer_det.weights.formats.form import Form, by_name
from fer_det.weights.formats.vgg_face import VGG_FACE

FORM = Form(
    name="vgg_face_dag",
    title="VGG-Face for PyTorch (vgg_face_dag.pth)",
    container="pytorch",
    layout="OIHW",
    channels="rgb",
    training=VGG_FACE,
    pick=by_name,
)
