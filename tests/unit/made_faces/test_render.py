from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from made_faces import render
from made_faces.face_model.head import Head
from made_faces.face_model.identity import Identity, sample_identity
from made_faces.render import RenderedHead, render_head
from made_faces.renderer.camera import SUPERSAMPLING, portrait_camera, pose_head
from made_faces.renderer.rasteriser import rasterise_head, visible_surface
from made_faces.scene.scene import Scene, sample_scene
from made_faces.surface import Region, vertex_normals

SMILE = {"mouthSmileLeft": 1.2, "mouthSmileRight": 1.2, "mouthUpperUpLeft": 0.5, "jawOpen": 0.2}


@pytest.fixture(scope="module")
def identity() -> Identity:
    return replace(sample_identity(0, 1), hair_style="bald", beard=0.0)


def scene(**settings: Any) -> Scene:
    """A small studio portrait from the front."""
    drawn = sample_scene(np.random.default_rng(0), 0.0)
    plain: dict[str, Any] = {"width": 128, "height": 128, "yaw": 0.0, "pitch": 0.0, "roll": 0.0}
    plain |= {"face_fraction": 0.5, "offset": (0.0, 0.0)}
    return replace(drawn, **{**plain, **settings})


def face_height(rendered: RenderedHead) -> float:
    """Final pixels from the brows to the chin."""
    return float(rendered.landmarks68[8, 1] - rendered.landmarks68[17:27, 1].mean())


def test_the_same_arguments_give_the_same_bytes(head: Head) -> None:
    identity = sample_identity(0, 3)
    wild = sample_scene(np.random.default_rng(1), 1.0)
    one, two = (render_head(head, identity, SMILE, wild) for _ in range(2))
    for name in ("colour", "alpha", "inverse_depth"):
        first, second = getattr(one.canvas, name), getattr(two.canvas, name)
        assert first.dtype == np.float32
        assert first.tobytes() == second.tobytes()
    assert one.box == two.box
    assert one.landmarks68.tobytes() == two.landmarks68.tobytes()


def test_light_is_finite_and_only_where_the_head_is(head: Head, identity: Identity) -> None:
    canvas = render_head(head, identity, {}, scene()).canvas
    assert np.isfinite(canvas.colour).all()
    assert canvas.colour.min() >= 0
    assert canvas.colour[canvas.alpha == 0].max() == 0
    assert (canvas.inverse_depth[canvas.alpha == 1] > 0).all()
    assert 0.3 < (canvas.alpha > 0.5).mean() < 0.9


@pytest.mark.parametrize(("width", "height"), [(128, 128), (160, 120), (100, 140)])
def test_the_face_is_as_large_as_the_scene_says(
    head: Head, identity: Identity, width: int, height: int
) -> None:
    rendered = render_head(head, identity, {}, scene(width=width, height=height))
    assert rendered.canvas.alpha.shape == (height * SUPERSAMPLING, width * SUPERSAMPLING)
    assert face_height(rendered) == pytest.approx(0.5 * min(width, height), rel=0.08)
    across, down = rendered.landmarks[[0, 1, 3, 4]].mean(axis=0)
    assert across == pytest.approx(width / 2, abs=1.5)
    assert down == pytest.approx(height / 2, abs=1.5)


@pytest.mark.parametrize("turn", [{"yaw": 50.0}, {"pitch": 25.0}, {"roll": 30.0}])
def test_a_turned_face_stays_in_the_middle(
    head: Head, identity: Identity, turn: dict[str, float]
) -> None:
    rendered = render_head(head, identity, {}, scene(**turn))
    middle = rendered.landmarks[[0, 1, 3, 4]].mean(axis=0)
    np.testing.assert_allclose(middle, [64, 64], atol=2)


def test_distance_changes_perspective_and_not_size(head: Head, identity: Identity) -> None:
    near, far = (
        render_head(head, identity, {}, scene(distance=distance)) for distance in (0.6, 2.5)
    )
    assert face_height(near) == pytest.approx(face_height(far), rel=0.06)
    # From close by, the nose is larger, since it is nearer than the eyes.
    assert near.box.width < far.box.width


def test_offset_moves_the_face(head: Head, identity: Identity) -> None:
    still = render_head(head, identity, {}, scene())
    moved = render_head(head, identity, {}, scene(offset=(0.25, -0.125)))
    expected = still.landmarks68 + np.array([32, -16], np.float32)
    np.testing.assert_allclose(moved.landmarks68, expected, atol=1e-3)
    assert moved.box.centre == pytest.approx(still.box.moved(32, -16).centre, abs=1e-3)


class TestPositions:
    def test_the_box_holds_the_landmarks_and_is_covered(
        self, head: Head, identity: Identity
    ) -> None:
        rendered = render_head(head, identity, {}, scene())
        box, margin = rendered.box, 0.02 * rendered.box.height
        for points in (rendered.landmarks, rendered.landmarks68):
            assert points[:, 0].min() >= box.x_min - margin
            assert points[:, 0].max() <= box.x_max + margin
            assert points[:, 1].min() >= box.y_min - margin
            assert points[:, 1].max() <= box.y_max + margin
        left, top, right, bottom = (round(edge * SUPERSAMPLING) for edge in box.as_tuple())
        alpha = rendered.canvas.alpha
        assert alpha[top:bottom, left:right].mean() > 0.8
        # Ears, skull and neck are outside the box.
        rows, columns = np.nonzero(alpha > 0.5)
        assert rows.min() < top
        assert columns.min() < left
        assert columns.max() > right

    def test_the_box_is_where_the_face_is_seen(self, head: Head, identity: Identity) -> None:
        setting = scene(yaw=20.0, roll=15.0)
        shape = head.shape(identity)
        rendered = render_head(head, identity, {}, setting, shape)
        camera = portrait_camera(head, shape, setting)
        posed = pose_head(shape, head.template, 20, 0, 15)
        fragments = rasterise_head(camera.project(posed), head, camera.width, camera.height)
        surface = visible_surface(fragments, head, posed, vertex_normals(posed, head.triangles))
        depth, level = surface.template[:, 1], surface.template[:, 2]
        face = (depth < -0.063) & (level > 0.617) & (level < 0.798) & (surface.region == 0)
        rows, columns = surface.rows[face], surface.columns[face]
        seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        np.testing.assert_allclose(rendered.box.as_tuple(), seen / SUPERSAMPLING, atol=4)

    def test_left_is_the_left_of_the_picture(self, head: Head, identity: Identity) -> None:
        left_eye, right_eye, nose, left_mouth, right_mouth = render_head(
            head, identity, {}, scene()
        ).landmarks
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < nose[0] < right_mouth[0]
        assert left_eye[1] < nose[1] < left_mouth[1]

    def test_a_face_beyond_the_margin_keeps_its_box(self, head: Head, identity: Identity) -> None:
        rendered = render_head(head, identity, {}, scene(face_fraction=1.1))
        assert rendered.box.y_min < 0
        assert rendered.box.y_max > 128


class TestPose:
    def test_yaw_brings_the_nose_to_the_heads_left(self, head: Head, identity: Identity) -> None:
        left_eye, right_eye, nose, *_ = render_head(head, identity, {}, scene(yaw=25.0)).landmarks
        assert nose[0] > (left_eye[0] + right_eye[0]) / 2 + 4

    def test_pitch_brings_the_nose_down(self, head: Head, identity: Identity) -> None:
        level, down = (
            render_head(head, identity, {}, scene(pitch=pitch)).landmarks for pitch in (0.0, 20.0)
        )
        assert down[2, 1] - down[:2, 1].mean() > level[2, 1] - level[:2, 1].mean()

    def test_roll_leans_to_the_left_shoulder(self, head: Head, identity: Identity) -> None:
        left_eye, right_eye, *_ = render_head(head, identity, {}, scene(roll=20.0)).landmarks
        slope = (right_eye[1] - left_eye[1]) / (right_eye[0] - left_eye[0])
        assert np.degrees(np.arctan(slope)) == pytest.approx(20, abs=3)


def test_all_expressions_are_framed_alike(head: Head, identity: Identity) -> None:
    still = render_head(head, identity, {}, scene())
    gaping = render_head(head, identity, {"jawOpen": 1.0}, scene())
    np.testing.assert_allclose(gaping.landmarks[:2], still.landmarks[:2], atol=0.3)
    assert face_height(gaping) > face_height(still) + 4


def test_a_given_camera_is_used(head: Head, identity: Identity) -> None:
    shape = head.shape(identity)
    camera = portrait_camera(head, shape, scene())
    given = render_head(head, identity, {}, scene(), shape, replace(camera, centre=(80.0, 96.0)))
    own = render_head(head, identity, {}, scene(), shape)
    shift = np.array([(80 - 96) / SUPERSAMPLING, 0], np.float32)
    np.testing.assert_allclose(given.landmarks, own.landmarks + shift, atol=1e-3)


@pytest.mark.parametrize("number", range(4))
def test_teeth_show_only_between_the_lips(head: Head, number: int) -> None:
    shape = head.shape(sample_identity(0, number))
    setting = scene(yaw=15.0)
    camera = portrait_camera(head, shape, setting)
    for actions in ({}, SMILE):
        posed = pose_head(head.express(shape, actions), head.template, 15, 0, 0)
        projected = camera.project(posed)
        fragments = rasterise_head(projected, head, camera.width, camera.height)
        regions = head.regions[fragments.triangle]
        teeth = np.isin(regions, (Region.UPPER_TEETH, Region.LOWER_TEETH))
        rows, columns = np.nonzero(teeth & (fragments.triangle >= 0))
        mouth = projected[head.landmarks68[48:], :2]
        if actions:
            assert len(rows) > 0
        if len(rows):
            assert columns.min() >= mouth[:, 0].min() - 2
            assert columns.max() <= mouth[:, 0].max() + 2
            assert rows.min() >= mouth[:, 1].min() - 2
            assert rows.max() <= mouth[:, 1].max() + 2


def test_a_hand_in_front_of_the_face_darkens_it(
    head: Head, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = render_head(head, identity, {}, scene()).canvas
    held = render_head(head, identity, {}, scene(hand=True)).canvas
    beside = (held.inverse_depth == bare.inverse_depth) & (bare.alpha == 1) & (held.alpha == 1)
    assert beside.mean() > 0.2
    monkeypatch.setattr(render, "contact_occlusion", lambda before, *_: np.zeros_like(before))
    unlit = render_head(head, identity, {}, scene(hand=True)).canvas
    assert unlit.colour.max() == 0
    assert held.colour[beside].min(axis=1).mean() > 0.05
