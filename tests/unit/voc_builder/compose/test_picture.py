import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.imaging.jitter import jitter_generator
from fer_det.io.voc_annotation import VocAnnotation, VocObject
from voc_builder.compose.picture import COVERED, VISIBLE, compose, sample_size
from voc_builder.compose.plan import SourceFace, faces_of, region_of

RED = np.array([250, 20, 20], np.uint8)
WHOLE = (0.0, 0.0, 1.0, 1.0)


def drawn(width: int, height: int, box: FaceBox) -> NDArray[np.uint8]:
    """Blue pixels with a red ellipse that fills the box."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    centre_x, centre_y = box.centre
    distance = ((x - centre_x) / box.width) ** 2 + ((y - centre_y) / box.height) ** 2
    pixels = np.full((height, width, 3), (20, 20, 250), np.uint8)
    pixels[distance <= 0.25] = RED
    return pixels


def source(box: FaceBox, *others: FaceBox) -> SourceFace:
    face = VocObject("fear", box, landmarks=(box.centre, (box.x_max, box.y_max)))
    ignored = tuple(VocObject("ignore", each) for each in others)
    return SourceFace(0, "face", (0, 0), face, ignored, None)


def red_box(picture: NDArray[np.uint8]) -> FaceBox | None:
    """The bounds of all pixels that are clearly red."""
    signed = picture.astype(int)
    y, x = np.nonzero(signed[..., 0] > signed[..., 2] + 60)
    return FaceBox(x.min(), y.min(), x.max() + 1, y.max() + 1) if len(x) else None


@pytest.mark.parametrize("box", [FaceBox(20, 10, 60, 60), FaceBox(0, 0, 100, 80)])
def test_box_is_where_the_face_is(box: FaceBox) -> None:
    pixels, gray = drawn(100, 80, box), np.full((240, 320, 3), 120, np.uint8)
    seen = 0
    for number in range(60):
        faces = [(source(box), pixels)]
        picture, placed = compose(gray, gray, faces, 30, jitter_generator(0, "test", number))
        found = red_box(picture)
        if found is None:  # The picture, or the face, became gray.
            continue
        seen += 1
        ((_, face),) = placed
        near = 2 + 0.06 * face.box.height
        assert found.as_tuple() == pytest.approx(face.box.as_tuple(), abs=near), number
        cut = 0.15 * face.box.height
        assert face.landmarks[0] == pytest.approx(face.box.centre, abs=near + cut)
        assert face.landmarks[1] == pytest.approx(face.box.as_tuple()[2:], abs=near + cut)
    assert seen > 20


def test_faces_hardly_cover_each_other_and_are_inside() -> None:
    box = FaceBox(8, 8, 40, 48)
    pixels, gray = drawn(48, 56, box), np.full((320, 400, 3), 120, np.uint8)
    most = 0
    for number in range(20):
        faces = [(source(box), pixels)] * 8
        _, placed = compose(gray, gray, faces, 16, jitter_generator(1, "test", number))
        boxes = [face.box for _, face in placed]
        most = max(most, len(boxes))
        for index, first in enumerate(boxes):
            assert first.visible_part(400, 320) == 1
            for second in boxes[:index]:
                shared = (first.area + second.area) * first.iou(second) / (1 + first.iou(second))
                assert shared <= COVERED * min(first.area, second.area) / VISIBLE
    assert most >= 6


def test_other_faces_are_not_cut_out_with_it() -> None:
    box, other = FaceBox(10, 10, 40, 50), FaceBox(50, 10, 80, 50)
    pixels = drawn(100, 60, other)
    gray = np.full((240, 320, 3), 120, np.uint8)
    for number in range(20):
        faces = [(source(box, other), pixels)]
        picture, _ = compose(gray, gray, faces, 60, jitter_generator(0, "test", number))
        assert red_box(picture) is None


def test_background_is_not_changed() -> None:
    gray = np.full((240, 320, 3), 120, np.uint8)
    picture, placed = compose(gray, gray, [], 16, jitter_generator(0, "test", 1))
    assert (gray == 120).all()
    assert picture.shape == gray.shape
    assert placed == []


def test_sizes() -> None:
    sizes = [sample_size(jitter_generator(0, "size", number)) for number in range(200)]
    assert {width > height for width, height in sizes} == {True, False}
    assert min(map(min, sizes)) >= 213
    assert max(map(max, sizes)) <= 480


class TestSource:
    def test_box_of_a_face_crop(self) -> None:
        whole = VocAnnotation("a", 48, 48, (VocObject("fear", FaceBox(0, 0, 48, 48)),))
        (face,) = faces_of(whole, 0, None, None, None, (0.25, 0.0, 0.75, 1.0))
        assert face.face.box == FaceBox(12, 0, 36, 48)
        part = VocAnnotation("a", 48, 48, (VocObject("fear", FaceBox(4, 0, 44, 48)),))
        (face,) = faces_of(part, 0, None, None, None, (0.25, 0.0, 0.75, 1.0))
        assert face.face.box == FaceBox(4, 0, 44, 48)

    def test_faces_to_ignore_are_the_others(self) -> None:
        ignored, labelled = FaceBox(0, 0, 10, 10), FaceBox(20, 0, 30, 10)
        objects = (VocObject("ignore", ignored), VocObject("fear", labelled))
        (face,) = faces_of(VocAnnotation("a", 48, 48, objects), 3, "film", "clip", "x", WHOLE)
        assert (face.folder, face.group, face.others) == (3, "film", (objects[0],))

    def test_background_is_free_of_faces(self) -> None:
        boxes = FaceBox(100, 20, 140, 60), FaceBox(120, 40, 150, 70)
        objects = tuple(VocObject("ignore", box) for box in boxes)
        region = region_of(VocAnnotation("a", 400, 300, objects))
        assert region is not None
        left, top, right, bottom = region
        # Below the faces; to their right is less.
        assert (left, right, bottom) == (0, 400, 300)
        assert top >= 70 + 10
        close = VocObject("fear", FaceBox(10, 10, 90, 90))
        assert region_of(VocAnnotation("a", 100, 100, (close,))) is None
        assert region_of(VocAnnotation("a", 100, 100, ())) is None
