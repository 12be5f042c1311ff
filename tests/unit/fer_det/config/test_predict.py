from pathlib import Path
from typing import Any

import pytest

from fer_det.config.predict import FaceOptions, PredictConfig
from fer_det.errors import ConfigError


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"min_score": 1.5}, "--min_score 1.5; wanted 0 to 1"),
        ({"smoothing": -1.0}, "--smoothing -1.0; wanted 0 seconds or more"),
        ({"batch_size": 0}, "--batch_size 0; wanted at least 1"),
        ({"min_face": 11.0}, "--min_face 11; wanted 12 pixels or more, or a part between 0 and 1"),
        ({"min_face": 0.0}, "--min_face 0; wanted 12 pixels or more"),
        ({"max_faces": 0}, "--max_faces 0; wanted at least 1"),
        ({"too_small": -1.0}, "--too_small -1; wanted 0 pixels or more"),
        ({"seconds": 0.0}, "--seconds 0.0; wanted more than 0"),
        ({"out": Path("drawn.JPG")}, "--out drawn.JPG, a file; wanted a folder"),
        ({"out": Path("a/drawn.mp4")}, "name the folder: --out a/drawn"),
    ],
)
def test_refused(flags: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as error:
        PredictConfig(sources=("a.jpg",), **flags)
    assert text in str(error.value)


def test_out_may_be_a_folder_of_any_name_but_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "notes").write_text("")
    PredictConfig(sources=("a.jpg",), out=tmp_path / "x.jpg")
    PredictConfig(sources=("a.jpg",), out=tmp_path / "run.2")
    with pytest.raises(ConfigError, match="a file; wanted a folder"):
        PredictConfig(sources=("a.jpg",), out=tmp_path / "notes")


def test_the_smallest_face_is_in_pixels_or_a_part_of_the_longer_side() -> None:
    assert FaceOptions().smallest_face(4000, 3000) == 20
    assert FaceOptions(min_face=35.0).smallest_face(4000, 3000) == 35
    assert FaceOptions(min_face=0.1).smallest_face(3000, 4000) == 400
    assert FaceOptions(min_face=0.1).smallest_face(50, 40) == 12
