from __future__ import annotations

import numpy as np
from fake_data.bare_head import bare_head

from made_faces.face_model.head import Head
from made_faces.renderer.head_fit import (
    SKULL,
    disc_coordinates,
    disc_directions,
    fit_head,
    head_disc,
    look_up_disc,
)


def test_directions_come_back_from_the_disc() -> None:
    directions = disc_directions().reshape(-1, 3)
    # The corners of the picture are beyond straight down.
    kept = directions[:, 2] > -0.9
    column, row = disc_coordinates(directions[kept])
    wanted_row, wanted_column = (axis.ravel()[kept] for axis in np.mgrid[0:128, 0:128])
    np.testing.assert_allclose(column, wanted_column, atol=0.01)
    np.testing.assert_allclose(row, wanted_row, atol=0.01)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-5)


def test_look_up_of_many_points() -> None:
    picture = np.dstack([np.full((128, 128), 2.0), np.full((128, 128), 3.0)]).astype(np.float32)
    directions = np.random.default_rng(0).normal(size=(700, 100, 3)).astype(np.float32)
    found = look_up_disc(picture, directions.reshape(-1, 3))
    assert found.shape == (70_000, 2)
    assert (found == [2, 3]).all()


def test_disc_holds_the_skull(head: Head) -> None:
    radius = head_disc(head).radius
    crown = head.template[np.argmax(head.template[:, 2] - np.abs(head.template[:, 0]))]
    up = (crown - SKULL)[None]
    assert abs(look_up_disc(radius, up)[0] - np.linalg.norm(up)) < 0.003
    # The skull behind an ear is 7 to 8 cm from the median plane; ears reach out to 8.8 cm.
    aside = np.array([[1.0, 0.25, -0.1]], np.float32)
    assert look_up_disc(radius, aside)[0] < 0.083


def test_disc_is_made_once(head: Head) -> None:
    assert head_disc(head) is head_disc(head)


def test_unmoved_head_moves_nothing(head: Head) -> None:
    fit = fit_head(head, head.template)
    around = np.random.default_rng(0).uniform(-0.1, 0.1, (50, 3)).astype(np.float32) + SKULL
    np.testing.assert_allclose(fit.to_posed(around), around, atol=1e-4)


def test_accessories_follow_the_skin(head: Head) -> None:
    posed = bare_head(head, yaw=40.0, pitch=10.0, roll=-12.0).points
    fit = fit_head(head, posed)
    anchors = fit.disc.anchors
    gap = np.linalg.norm(fit.to_posed(head.template[anchors]) - posed[anchors], axis=1)
    assert np.median(gap) < 0.0005
    assert gap.max() < 0.015


def test_accessories_follow_the_jaw(head: Head) -> None:
    opened = head.express(head.template, {"jawOpen": 1.0})
    chin = head.landmarks68[8:9]
    moved = np.linalg.norm(opened[chin] - head.template[chin])
    gap = np.linalg.norm(fit_head(head, opened).to_posed(head.template[chin]) - opened[chin])
    assert gap < 0.3 * moved


def test_accessories_follow_the_width_of_the_head(head: Head) -> None:
    wide = head.template * np.array([1.2, 1, 1], np.float32)
    place = np.array([[0.09, -0.05, 0.75]], np.float32)
    assert abs(fit_head(head, wide).to_posed(place)[0, 0] - 0.108) < 0.001


def test_directions_turn_with_the_head(head: Head) -> None:
    fit = fit_head(head, bare_head(head, yaw=90.0).points)
    left = fit.turn_directions(np.array([[1.0, 0, 0]], np.float32))[0]
    # Turned to its left by 90 degrees, the head's own left points backwards.
    np.testing.assert_allclose(left, [0, 1, 0], atol=0.05)
    down = fit.turn_back(np.array([0, 0, -1], np.float32))
    np.testing.assert_allclose(fit.turn_directions(down[None])[0], [0, 0, -1], atol=1e-4)
