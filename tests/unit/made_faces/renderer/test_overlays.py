from __future__ import annotations

import numpy as np
import pytest
from fake_data.bare_head import empty_canvas, scene

from made_faces.renderer import overlays
from made_faces.renderer.camera import Camera
from made_faces.renderer.overlays import (
    cast_soft_shadow,
    composite,
    draw_strokes,
    project_paths,
    rasterise_strokes,
    visible_points,
)
from made_faces.surface import Canvas, Floats

CAMERA = Camera(32, 32, 32.0, (16.0, 16.0), np.zeros(3, np.float32), 1.0)
# Two triangles across the view, counter-clockwise for the camera.
SQUARE = np.array([[-0.25, 0, -0.25], [0.25, 0, -0.25], [0.25, 0, 0.25], [-0.25, 0, 0.25]])
POINTS: Floats = SQUARE.astype(np.float32)
NORMALS: Floats = np.tile(np.array([0, -1, 0], np.float32), (4, 1))
TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def gray(inverse_depth: float = 0.0) -> Canvas:
    return empty_canvas(32, colour=0.5, alpha=1.0, inverse_depth=inverse_depth)


def test_sees_the_square_and_what_it_carries() -> None:
    seen = visible_points(gray(), CAMERA, POINTS, NORMALS, POINTS, TRIANGLES)
    assert len(seen.rows) == 16 * 16
    np.testing.assert_allclose(seen.values, seen.position, atol=1e-6)
    np.testing.assert_allclose(seen.position[:, 0], (seen.columns - 15.5) / 32, atol=1e-5)


@pytest.mark.parametrize(("inverse_depth", "slack", "count"), [(1.1, 0.0, 0), (1.1, 0.2, 256)])
def test_hidden_unless_within_the_slack(inverse_depth: float, slack: float, count: int) -> None:
    seen = visible_points(
        gray(inverse_depth), CAMERA, POINTS, NORMALS, POINTS, TRIANGLES, slack=slack
    )
    assert len(seen.rows) == count


def test_a_back_is_seen_only_if_asked() -> None:
    back = TRIANGLES[:, ::-1].copy()
    assert len(visible_points(gray(), CAMERA, POINTS, -NORMALS, POINTS, back).rows) == 0
    seen = visible_points(gray(), CAMERA, POINTS, -NORMALS, POINTS, back, cull=False)
    np.testing.assert_allclose(seen.normal, NORMALS[:1].repeat(256, axis=0))


def test_composites_visible_points() -> None:
    canvas = gray()
    seen = visible_points(canvas, CAMERA, POINTS, NORMALS, POINTS, TRIANGLES)
    composite(canvas, seen, np.ones((256, 3), np.float32), np.full(256, 0.75, np.float32))
    assert (canvas.colour[8:24, 8:24] == 0.875).all()
    assert (canvas.colour == 0.5).sum() == 3 * (32 * 32 - 256)
    np.testing.assert_allclose(canvas.inverse_depth[16, [4, 20]], [0, 1], atol=1e-6)


def test_a_shadow_falls_away_from_the_light() -> None:
    canvas = gray()
    cover = np.zeros((32, 32), np.float32)
    cover[14:18, 14:18] = 1
    cast_soft_shadow(canvas, cover, CAMERA, scene().lighting, fall=0.15)
    # The key light comes from the upper right.
    assert canvas.colour[20, 12, 0] < 0.47
    assert canvas.colour[12, 20, 0] > canvas.colour[20, 12, 0]
    # Neither the object that casts it nor distant areas are darkened.
    assert (canvas.colour[14:18, 14:18] == 0.5).all()
    assert canvas.colour[0, 31, 0] > 0.499


def stroke(*ends: tuple[float, float], inverse_depth: float = 1.0) -> Floats:
    return np.array([[[column, row, inverse_depth] for column, row in ends]], np.float32)


def draw(
    canvas: Canvas, ends: Floats, colour: float = 1.0, cover: float = 0.9, slack: float = 0.0
) -> None:
    count = len(ends)
    draw_strokes(
        canvas,
        ends,
        np.full((count, 3), colour, np.float32),
        np.full(count, cover, np.float32),
        np.zeros(count, np.float32),
        slack,
    )


@pytest.mark.parametrize("end", [(26.5, 10.5), (10.5, 26.5), (26.5, 17.25), (4.0, 28.0)])
def test_one_pixel_wide_whatever_the_slant(end: tuple[float, float]) -> None:
    canvas = empty_canvas()
    draw(canvas, stroke((10.5, 10.5), end), cover=0.1)
    steps = max(abs(end[0] - 10.5), abs(end[1] - 10.5))
    coverage = -np.log(1 - canvas.alpha) / 1.3
    assert coverage.sum() == pytest.approx(0.1 * steps, rel=0.08)


def test_between_two_rows_it_is_shared() -> None:
    canvas = empty_canvas()
    draw(canvas, stroke((4.0, 11.0), (20.0, 11.0)))
    np.testing.assert_allclose(canvas.alpha[10, 6:18], canvas.alpha[11, 6:18])
    assert canvas.alpha[[9, 12]].max() == 0


def test_hidden_behind_what_is_nearer() -> None:
    canvas = empty_canvas(inverse_depth=1.1)
    canvas.inverse_depth[:, 16:] = 0.9
    draw(canvas, stroke((2.5, 8.5), (30.5, 8.5)))
    assert canvas.alpha[:, :16].max() == 0
    assert canvas.alpha[8, 17:29].min() > 0.5
    assert canvas.inverse_depth[8, 20] == 1


def test_slack_lets_it_lie_a_little_deeper() -> None:
    canvas = empty_canvas(inverse_depth=1 / 0.99)
    draw(canvas, stroke((2.5, 8.5), (30.5, 8.5)), slack=0.005)
    assert canvas.alpha.max() == 0
    draw(canvas, stroke((2.5, 8.5), (30.5, 8.5)), slack=0.02)
    assert canvas.alpha.max() > 0.5


def test_skipping_hidden_strokes_early_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    canvas = empty_canvas(64)
    canvas.inverse_depth[:] = np.kron([[0.9, 0.3], [0.7, 0.8]], np.ones((32, 32)))
    count = 3000
    middle = rng.uniform(-5, 69, (count, 1, 2))
    run = rng.normal(0, 1, (count, 1, 2)) * rng.choice([1, 4, 12, 30], (count, 1, 1))
    depth = rng.uniform(0, 1.1, (count, 2, 1))
    places = np.concatenate([middle - run, middle + run], axis=1)
    ends = np.concatenate([places, depth], axis=2).astype(np.float32)
    colour, cover = rng.random((count, 3)), rng.random(count)
    settings = (colour.astype(np.float32), cover.astype(np.float32), np.zeros(count, np.float32))
    found = rasterise_strokes(canvas, ends, *settings, 0.002)
    skipping = len(overlays._in_view(canvas, ends, 0.002))
    monkeypatch.setattr(overlays, "_STROKE_LENGTHS", ())
    monkeypatch.setattr(overlays, "_PART", count)
    wanted = rasterise_strokes(canvas, ends, *settings, 0.002)
    for name in ("pixels", "colour", "alpha", "inverse_depth"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert skipping < 0.9 * len(overlays._in_view(canvas, ends, 0.002))


def test_higher_rank_prevails() -> None:
    ends = np.concatenate([stroke((2.5, 8.5), (30.5, 8.5))] * 2)
    colour = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    rank = np.array([5, 0], np.float32)
    found = rasterise_strokes(empty_canvas(), ends, colour, np.full(2, 0.5, np.float32), rank, 0.0)
    assert (found.colour[:, 0] > 0.9).all()
    assert (found.colour[:, 1] < 0.1).all()


def test_what_leaves_the_picture_is_cut() -> None:
    canvas = empty_canvas()
    draw(canvas, stroke((-50.0, 16.0), (80.0, 17.0)))
    draw(canvas, stroke((40.0, 5.0), (60.0, 5.0)))
    draw(canvas, stroke((5.0, 5.0), (9.0, 9.0), inverse_depth=-1.0))
    assert (canvas.alpha.max(axis=0) > 0.5).all()
    assert canvas.alpha[:15].max() == 0


def test_nothing_to_draw() -> None:
    canvas = empty_canvas()
    draw(canvas, np.zeros((0, 2, 3), np.float32))
    draw(canvas, stroke((5.0, 5.0), (5.0, 5.0)))
    assert canvas.alpha.max() == 0


def test_paths_are_projected_piece_by_piece() -> None:
    camera = Camera(32, 32, 20.0, (16.0, 16.0), np.zeros(3, np.float32), 2.0)
    paths = np.random.default_rng(0).normal(0, 0.3, (2, 4, 3)).astype(np.float32)
    pieces = project_paths(camera, paths)
    assert pieces.shape == (2, 3, 2, 3)
    np.testing.assert_array_equal(pieces[:, :-1, 1], pieces[:, 1:, 0])
    np.testing.assert_array_equal(pieces[1, :, 0], camera.project(paths[1, :-1]))
