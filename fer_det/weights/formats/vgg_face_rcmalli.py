"""rcmalli_vggface_tf_vgg16.h5 and ..._tf_notop_vgg16.h5: VGG-Face of the package keras-vggface.

fc6 is a product over H, W, C. The package turns pictures to blue, green, red before its network.
"""

from fer_det.weights.formats.form import Form, Layers, by_name
from fer_det.weights.formats.network import FULLY_CONNECTED, Stored
from fer_det.weights.formats.vgg_face import VGG_FACE


def _pick(stored: Stored) -> Layers | None:
    layers = by_name(stored)
    if layers is None:
        return None
    products = (layers[name].weight.ndim == 2 for name in FULLY_CONNECTED if name in layers)
    # With convolutions instead it is another's, and nothing says in which order it reads colours.
    return layers if all(products) else None


FORM = Form(
    name="vgg_face_rcmalli",
    title="VGG-Face for Keras (rcmalli_vggface_tf_vgg16.h5)",
    container="keras",
    layout="HWIO",
    channels="bgr",
    training=VGG_FACE,
    pick=_pick,
    backbone_alone=True,
)
