"""View against its golden vectors, and the whole path of a picture against View."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_det.imaging.view import View

GOLDEN = json.loads(Path(__file__).with_name("view.json").read_text(encoding="utf-8"))
MAKER = runpy.run_path(str(Path(__file__).with_name("view.py")))


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_pixels_and_boxes(case: dict[str, Any]) -> None:
    view = View(np.array(case["matrix"]), GOLDEN["size"])
    pixels = MAKER["picture"](case["width"], case["height"])
    found = view.render(pixels, tuple(GOLDEN["padding"]))
    assert np.abs(found.astype(int) - case["pixels"]).max() <= GOLDEN["tolerance"]
    moved = view.boxes_to_input(np.array(case["boxes"], np.float32))
    assert moved == pytest.approx(np.array(case["boxes_in_input"]), abs=1e-4)
    back = view.boxes_to_picture(moved, case["width"], case["height"])
    assert back == pytest.approx(np.array(case["boxes_back"]), abs=1e-3)


def test_views_are_those_of_the_program() -> None:
    for (name, width, height, view), case in zip(MAKER["cases"](), GOLDEN["cases"], strict=True):
        assert (name, width, height) == (case["name"], case["width"], case["height"])
        assert view.matrix == pytest.approx(np.array(case["matrix"]), abs=1e-9)
