from pathlib import Path

import numpy as np
from fake_data.voc_tree import drawn_face
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.imaging.decode import encode_jpeg
from fer_det.predict.predict_files import look_at


def answer(picture: list[NDArray[np.uint8]], min_score: float) -> list[list[Detection]]:
    """A face as large as the picture."""
    return [
        [Detection(FaceBox(0, 0, *pixels.shape[1::-1]), min_score, {Expression.FEAR: 1.0})]
        for pixels in picture
    ]


def test_every_path_comes_out_in_order_read_or_not(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(7)]
    for number, path in enumerate(paths):
        path.write_bytes(encode_jpeg(drawn_face(number, 60 + number)))
    paths[1].write_text("<html>")
    paths[4].write_bytes(b"")
    paths[5].unlink()
    found = list(look_at(paths, answer, 0.5, batch_size=3))
    assert [each.path for each in found] == paths
    widths = [each.faces[0].box.width if each.faces else None for each in found]
    assert widths == [60, None, 62, 63, None, None, 66]
    assert [each.error for each in found if each.pixels is None] == [
        f"{paths[1]} is not a picture we read",
        f"{paths[4]} is empty",
        f"{paths[5]} is absent",
    ]


def test_a_batch_in_which_nothing_can_be_read(tmp_path: Path) -> None:
    (found,) = look_at([tmp_path / "absent.jpg"], answer, 0.5, batch_size=3)
    assert found.pixels is None
