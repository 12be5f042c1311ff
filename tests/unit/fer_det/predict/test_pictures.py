from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fake_data.voc_tree import drawn_face
from PIL import Image

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.imaging.decode import DecodedImage, encode_jpeg
from fer_det.predict import pictures
from fer_det.predict.pictures import (
    PredictedPicture,
    describe_picture,
    in_batches,
    predict_files,
)

IMAGE = DecodedImage(np.zeros((4, 4, 3), np.uint8), "GIF", False, (4, 4))
FACE = Detection(FaceBox(1, 2, 30, 40), 0.9, {Expression.FEAR: 0.75, Expression.ANGER: 0.25})


class TestBatches:
    def test_in_order_and_the_rest_last(self) -> None:
        assert list(in_batches(range(5), 2, lambda _: 1)) == [[0, 1], [2, 3], [4]]
        assert list(in_batches([], 2, lambda _: 1)) == []

    def test_large_pictures_end_a_batch(self) -> None:
        half = pictures.MOST_PIXELS // 2
        sizes = [half, half, 1, 3 * half, 1, 1]
        assert list(in_batches(sizes, 4, lambda size: size)) == [
            [half, half],
            [1, 3 * half],
            [1, 1],
        ]

    def test_nothing_is_read_ahead(self) -> None:
        read: list[int] = []

        def items() -> Iterator[int]:
            for number in range(10):
                read.append(number)
                yield number

        batches = in_batches(items(), 3, lambda _: 1)
        assert next(batches) == [0, 1, 2]
        assert read == [0, 1, 2]


def answer(picture: Any, min_score: float, batch_size: int) -> list[list[Detection]]:
    """A face as large as the picture."""
    return [
        [Detection(FaceBox(0, 0, *image.size), min_score, {Expression.FEAR: 1.0})]
        for image in picture
    ]


def test_every_path_comes_out_in_order_read_or_not(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(7)]
    for number, path in enumerate(paths):
        path.write_bytes(encode_jpeg(drawn_face(number, 60 + number)))
    paths[1].write_text("<html>")
    paths[4].write_bytes(b"")
    paths[5].unlink()
    found = list(predict_files(paths, answer, 0.5, batch_size=3))
    assert [each.path for each in found] == paths
    widths = [each.faces[0].box.width if each.faces else None for each in found]
    assert widths == [60, None, 62, 63, None, None, 66]
    assert [each.error for each in found if each.image is None] == [
        f"{paths[1]} is not a picture we read",
        f"{paths[4]} is empty",
        f"{paths[5]} is absent",
    ]


def test_a_batch_in_which_nothing_can_be_read(tmp_path: Path) -> None:
    (found,) = predict_files([tmp_path / "absent.jpg"], answer, 0.5, batch_size=3)
    assert found.image is None


def test_the_first_picture_of_an_animation_is_used_and_noted(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second], duration=100)
    (found,) = predict_files([tmp_path / "a.gif"], answer, 0.5, 1)
    assert found.image is not None
    assert found.image.pixels[5, 5].tolist() == [255, 0, 0]
    assert found.note == "the first of its 2 pictures"


def test_a_picture_in_words() -> None:
    picture = PredictedPicture(Path("a.jpg"), IMAGE, (FACE,))
    assert list(describe_picture(picture)) == [
        "a.jpg: fear 0.75, face 0.90 at (1, 2, 30, 40), 38 px"
    ]
    assert list(describe_picture(PredictedPicture(Path("a.jpg"), IMAGE))) == ["a.jpg: no face"]
    small = replace(FACE, box=FaceBox(0, 0, 9, 10), probabilities={}, flags=("too_small",))
    unsure = replace(FACE, flags=("low_resolution", "unknown"))
    group = PredictedPicture(Path("a.jpg"), IMAGE, (FACE, unsure, small))
    assert list(describe_picture(group))[1:] == [
        "a.jpg: unknown (fear 0.75), face 0.90 at (1, 2, 30, 40), 38 px, low resolution",
        "a.jpg: too small, face 0.90 at (0, 0, 9, 10), 10 px",
        "a.jpg: 3 faces: fear 100 %; 1 unknown, 1 too small",
    ]
    animated = PredictedPicture(Path("a.gif"), replace(IMAGE, frames=3))
    assert list(describe_picture(animated)) == ["a.gif (the first of its 3 pictures): no face"]
