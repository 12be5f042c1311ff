from __future__ import annotations

from dataclasses import replace

import numpy as np
from fake_data.bare_head import bare_head, scene
from fake_data.plain_face import cut_of, make_identity

from made_faces.face_model.head import Head
from made_faces.hair.guides import Guides, grow_guides
from made_faces.hair.haircut import Haircut
from made_faces.hair.strands import grow_strands, shade_hair, shade_strands
from made_faces.renderer.head_fit import fit_head, head_disc
from made_faces.surface import Floats

LIGHTING = scene().lighting
TINT = np.full((1, 3), 0.1, np.float32)


def lit(along: Floats, outward: Floats, ambient_occlusion: float = 1.0) -> float:
    """Brightness of one hair."""
    openly = np.full(1, ambient_occlusion, np.float32)
    return float(shade_hair(along[None], outward[None], openly, TINT, LIGHTING).mean())


def across_the_key() -> Floats:
    thread = np.cross(LIGHTING.key, [0, 0, 1]).astype(np.float32)
    return thread / np.linalg.norm(thread)


def test_a_thread_across_the_light_is_brighter_than_one_along_it() -> None:
    assert lit(across_the_key(), LIGHTING.key) > 1.3 * lit(LIGHTING.key, LIGHTING.key)


def test_the_far_side_of_the_hair_is_dark() -> None:
    assert lit(across_the_key(), LIGHTING.key) > 2 * lit(across_the_key(), -LIGHTING.key)


def test_the_inside_of_the_hair_is_dark() -> None:
    assert lit(across_the_key(), LIGHTING.key, 0.2) < 0.4 * lit(across_the_key(), LIGHTING.key)


def test_single_precision_and_shape() -> None:
    along = np.zeros((4, 5, 3), np.float32)
    light = shade_hair(along, along, np.ones((4, 5), np.float32), TINT[None], LIGHTING)
    assert light.shape == (4, 5, 3)
    assert light.dtype == np.float32
    assert np.isfinite(light).all()


DOWN = np.array([0, 0, -1], np.float32)


def guides_of(head: Head, cut: Haircut) -> Guides:
    return grow_guides(head_disc(head), cut, DOWN, cut.points)


def test_strands_keep_to_their_guides(head: Head) -> None:
    cut = replace(cut_of(), curl=0.0)
    guides = guides_of(head, cut)
    guides = replace(guides, ends=np.ones(len(guides.points), np.float32))
    strands = grow_strands(guides, cut, 4000)
    each = len(strands.points) // len(guides.points)
    assert each == 4000 // len(guides.points)
    away = np.linalg.norm(strands.points - np.repeat(guides.points, each, axis=0), axis=2)
    assert 0.002 < np.median(away[:, 0]) < 0.008
    assert np.quantile(away, 0.95) < 0.03


def test_strands_end_where_their_guide_does(head: Head) -> None:
    cut = replace(cut_of(), curl=0.0, frizz=0.0)
    guides = guides_of(head, cut)
    halved = replace(guides, ends=np.full(len(guides.points), 0.5, np.float32))

    def lengths(guides: Guides) -> float:
        points = grow_strands(guides, cut, 2000).points
        return float(np.linalg.norm(np.diff(points, axis=1), axis=2).sum(axis=1).mean())

    whole = replace(guides, ends=np.ones(len(guides.points), np.float32))
    assert 0.4 < lengths(halved) / lengths(whole) < 0.6


def test_curls_swing(head: Head) -> None:
    straight = replace(cut_of(), curl=0.0)
    curly = replace(straight, curl=0.005, curl_turns=40.0)
    guides = guides_of(head, straight)
    moved = grow_strands(guides, curly, 2000).points - grow_strands(guides, straight, 2000).points
    # The tone is sampled after the curls, so only positions are compared.
    swing = np.linalg.norm(moved, axis=2)
    assert swing[:, 0].max() < 1e-6
    assert 0.003 < swing.max() <= 0.0051


def test_gray_hairs_are_lighter(head: Head) -> None:
    bare = bare_head(head)
    cut = cut_of()
    strands = grow_strands(guides_of(head, cut), cut, 2000)
    means = [
        shade_strands(
            bare.canvas,
            strands,
            fit_head(head, bare.points),
            make_identity(),
            replace(cut, gray=gray),
            bare.camera,
            bare.scene.lighting,
        ).colour.mean()
        for gray in (0.0, 1.0)
    ]
    assert means[1] > 1.5 * means[0]
