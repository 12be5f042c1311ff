from dataclasses import replace

import numpy as np
import pytest
from fake_data.bare_head import bare_head
from fake_data.plain_face import cut_of, person

from made_faces.face_model.head import Head
from made_faces.hair.haircut import Haircut
from made_faces.hair.hairline import above_hairline, hair_density
from made_faces.hair.shells import light_shell
from made_faces.renderer.head_fit import fit_head
from made_faces.renderer.overlays import SeenPoints
from made_faces.surface import Floats


def shell(head: Head, cut: Haircut, yaw: float = 0.0) -> tuple[SeenPoints, Floats, Floats]:
    bare = bare_head(head, yaw=yaw)
    fit = fit_head(head, bare.points)
    light = bare.scene.lighting
    return light_shell(bare.canvas, fit, person(), cut, bare.camera, light)


@pytest.mark.parametrize("yaw", [0.0, 60.0])
def test_covers_where_hair_grows_and_thins_out_before_it(head: Head, yaw: float) -> None:
    cut = cut_of()
    seen, colour, alpha = shell(head, cut, yaw)
    assert len(alpha) > 1000
    assert np.isfinite(colour).all()
    assert colour.min() >= 0
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    assert alpha[hair_density(seen.values, cut) == 0].max(initial=0) == 0
    deep = seen.values[:, 2] > cut.hairline + 0.03
    facing = seen.normal[:, 1] < -0.5
    assert alpha[deep & facing].min() > 0.95


def test_its_edge_is_no_step(head: Head) -> None:
    cut = cut_of()
    seen, _, alpha = shell(head, cut)
    assert ((alpha > 0.1) & (alpha < 0.9)).sum() > 150
    above = above_hairline(seen.values, cut)
    front = (np.abs(seen.values[:, 0]) < 0.03) & (seen.values[:, 1] < -0.1)
    # Strands alone make the hairline: the shell grows dense only behind it.
    assert alpha[front & (above > 0.006) & (above < 0.010)].max() < 0.9
    assert alpha[front & (above > 0.030)].min() > 0.95


def test_thick_hair_stands_off(head: Head) -> None:
    thin = replace(cut_of(), thickness=0.004, side_thickness=0.004)
    thick = replace(thin, thickness=0.05, side_thickness=0.05)
    rows = [shell(head, cut)[0].rows.min() for cut in (thin, thick)]
    assert rows[1] < rows[0] - 8
