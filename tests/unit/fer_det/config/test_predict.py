from pathlib import Path
from typing import Any

import pytest

from fer_det.config.predict import PredictConfig
from fer_det.errors import ConfigError


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"min_score": 1.5}, "--min_score 1.5; wanted 0 to 1"),
        ({"smoothing": -1.0}, "--smoothing -1.0; wanted 0 seconds or more"),
        ({"batch_size": 0}, "--batch_size 0; wanted at least 1"),
        ({"seconds": 0.0}, "--seconds 0.0; wanted more than 0"),
        ({"out": Path("drawn.JPG")}, "--out drawn.JPG, a file; wanted a folder"),
        ({"out": Path("a/drawn.mp4")}, "name the folder: --out a/drawn"),
    ],
)
def test_refused(flags: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as error:
        PredictConfig(("a.jpg",), **flags)
    assert text in str(error.value)


def test_out_may_be_a_folder_of_any_name_but_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "notes").write_text("")
    PredictConfig(("a.jpg",), out=tmp_path / "x.jpg")
    PredictConfig(("a.jpg",), out=tmp_path / "run.2")
    with pytest.raises(ConfigError, match="a file; wanted a folder"):
        PredictConfig(("a.jpg",), out=tmp_path / "notes")
