import numpy as np
import pytest
from fake_data.plain_face import face_places, person

from made_faces.materials.scalp import scalp

FACE = face_places()
ABOVE = (FACE.z > 0.825) & (FACE.across < 0.02)
FOREHEAD = (FACE.z < 0.770) & (FACE.across < 0.02)


@pytest.mark.parametrize("style", ["short", "cap", "long", "buzz"])
def test_above_the_hairline(style: str) -> None:
    part = scalp(FACE, person(hair_style=style))
    assert part.dtype == np.float32
    assert part.shape == FACE.x.shape
    assert part[ABOVE].mean() > 0.3
    assert part[FOREHEAD].max() == 0
    assert part.max() <= 0.95


def test_a_higher_hairline_leaves_more_forehead() -> None:
    low, high = (scalp(FACE, person(hairline=height)).sum() for height in (0.790, 0.805))
    assert high < 0.9 * low


def test_the_back_of_the_head_and_not_its_ears() -> None:
    back = face_places()
    back.y[:] = 0.02
    nape = (back.z > 0.68) & (back.z < 0.72) & (back.across < 0.02)
    assert scalp(back, person())[nape].mean() > 0.3
    back.ears[:] = 1
    assert scalp(back, person())[nape].max() == 0


def test_a_bald_head_is_skin_in_front_and_on_top() -> None:
    assert scalp(FACE, person(hair_style="bald"))[ABOVE | FOREHEAD].max() == 0
