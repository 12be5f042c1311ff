"""VGG-Face's training, the same behind each of its forms.

Parkhi, Vedaldi and Zisserman, "Deep face recognition", BMVC 2015. Pictures were in 0..255, with the
mean colour subtracted and nothing divided.
"""

from fer_det.weights.formats.form import Training

MEAN = (129.1863, 104.7624, 93.5940)
"""Red, green and blue in 0..255."""

VGG_FACE = Training(
    trained_on="2.6 million photos of 2,622 people",
    source="VGG-Face: Parkhi, Vedaldi, Zisserman, Deep face recognition, BMVC 2015",
    licence="CC BY-NC, for research",
    classes=2622,
    image_mean=(MEAN[0] / 255, MEAN[1] / 255, MEAN[2] / 255),
    image_std=(1 / 255, 1 / 255, 1 / 255),
)
