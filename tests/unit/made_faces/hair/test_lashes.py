import numpy as np
from fake_data.bare_head import GRAY, assert_sound, bare_head, change
from fake_data.plain_face import person

from made_faces.face_model.head import Head
from made_faces.hair.lashes import draw_lashes


def test_dark_strokes_over_the_eyes_only(head: Head) -> None:
    bare = bare_head(head, width=224, height=224)
    canvas = bare.copy()
    draw_lashes(canvas, head, person(lashes=1.0), bare.points, bare.camera)
    assert_sound(canvas)
    rows, columns = np.nonzero(change(bare.canvas, canvas))
    assert len(rows) > 30
    assert canvas.colour.max() <= GRAY * 1.001
    lashes = bare.camera.project(bare.points[np.unique(head.lashes)])[:, :2]
    low, high = lashes.min(axis=0) - 1, lashes.max(axis=0) + 1
    assert (columns >= low[0]).all()
    assert (columns <= high[0]).all()
    assert (rows >= low[1]).all()
    assert (rows <= high[1]).all()


def test_softer_than_a_pixel(head: Head) -> None:
    bare = bare_head(head)
    canvas = bare.copy()
    draw_lashes(canvas, head, person(lashes=1.0), bare.points, bare.camera)
    touched = change(bare.canvas, canvas)
    assert len(np.unique(np.round(touched[touched > 0], 3))) >= 3


def test_darker_lashes_darken_more(head: Head) -> None:
    bare = bare_head(head)
    sums = []
    for darkness in (0.0, 0.3, 1.0):
        canvas = bare.copy()
        draw_lashes(canvas, head, person(lashes=darkness), bare.points, bare.camera)
        sums.append(change(bare.canvas, canvas).sum())
    assert sums[0] == 0
    assert sums[2] > 2 * sums[1] > 0


def test_hidden_behind_what_is_nearer(head: Head) -> None:
    bare = bare_head(head)
    wall = bare.behind_a_wall()
    draw_lashes(wall, head, person(lashes=1.0), bare.points, bare.camera)
    assert change(bare.canvas, wall).max() == 0
