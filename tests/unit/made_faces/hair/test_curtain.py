from dataclasses import replace

import numpy as np
from fake_data.bare_head import BareHead, bare_head
from fake_data.plain_face import cut_of, person

from made_faces.face_model.head import Head
from made_faces.hair.curtain import light_curtain
from made_faces.hair.guides import grow_guides
from made_faces.renderer.head_fit import fit_head, head_disc
from made_faces.renderer.strokes import Strokes
from made_faces.surface import Canvas

DOWN = np.array([0, 0, -1], np.float32)


def curtain(head: Head, bare: BareHead, canvas: Canvas) -> Strokes:
    cut = replace(
        cut_of(hair_style="long"),
        combing="parted",
        hangs=True,
        length=0.35,
        side_length=0.3,
        fringe=0.0,
    )
    guides = grow_guides(head_disc(head), cut, DOWN, cut.points)
    fit = fit_head(head, bare.points)
    return light_curtain(canvas, guides, fit, person(), bare.camera, bare.scene.lighting)


def test_hangs_on_both_sides_of_the_face(head: Head) -> None:
    bare = bare_head(head)
    found = curtain(head, bare, bare.canvas)
    assert len(found.pixels) == len(found.alpha) == len(found.colour) == len(found.nearness)
    assert np.isfinite(found.colour).all()
    assert found.alpha.max() <= 1
    assert (found.nearness > bare.canvas.nearness.reshape(-1)[found.pixels]).all()
    covered = np.zeros(bare.canvas.alpha.size, bool)
    covered[found.pixels] = True
    covered = covered.reshape(bare.canvas.alpha.shape)
    mouth, middle = bare.pixel(head.landmarks68[62])
    level = np.flatnonzero(covered[mouth])
    assert level.min() < middle - 12
    assert level.max() > middle + 12
    for landmark in head.landmarks:
        assert not covered[bare.pixel(landmark)]


def test_hidden_behind_what_is_nearer(head: Head) -> None:
    bare = bare_head(head)
    assert len(curtain(head, bare, bare.behind_a_wall()).pixels) == 0
