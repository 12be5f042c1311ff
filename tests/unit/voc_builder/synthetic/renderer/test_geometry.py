import numpy as np
import pytest

from voc_builder.synthetic.renderer.geometry import head_rotation, pose_head, unit, vertex_normals

ANGLES = [(40.0, 0.0, 0.0), (0.0, 20.0, 0.0), (0.0, 0.0, 25.0), (-60.0, 15.0, -10.0)]


def ball(rows: int = 24, columns: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """A unit ball, its triangles counter-clockwise seen from outside -> points, triangles."""
    polar = np.linspace(0.02, np.pi - 0.02, rows)[:, None]
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    points = np.stack(
        [
            np.sin(polar) * np.cos(around),
            np.sin(polar) * np.sin(around),
            np.cos(polar) + 0 * around,
        ],
        axis=-1,
    )
    row, column = np.mgrid[: rows - 1, :columns]
    following = (column + 1) % columns
    here, right = row * columns + column, row * columns + following
    below, across = here + columns, right + columns
    triangles = np.stack([here, below, across, here, across, right], axis=-1).reshape(-1, 3)
    return points.reshape(-1, 3).astype(np.float32), triangles.astype(np.int32)


def bust() -> np.ndarray:
    """Points that fill a body from 0.4 to 0.85 m, as Head.template does."""
    rng = np.random.default_rng(0)
    return rng.uniform([-0.06, -0.12, 0.4], [0.06, 0.03, 0.85], (4000, 3)).astype(np.float32)


class TestNormals:
    def test_of_a_ball_point_away_from_its_middle(self) -> None:
        points, triangles = ball()
        normals = vertex_normals(points, triangles)
        assert normals.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
        assert (np.einsum("vi,vi->v", normals, points) > 0.99).all()

    def test_turn_around_with_the_triangles(self) -> None:
        points, triangles = ball()
        np.testing.assert_allclose(
            vertex_normals(points, triangles[:, ::-1]),
            -vertex_normals(points, triangles),
            atol=1e-5,
        )

    def test_a_lone_vertex_has_none(self) -> None:
        points = np.eye(4, 3, dtype=np.float32)
        assert vertex_normals(points, np.array([[0, 1, 2]], np.int32))[3].tolist() == [0, 0, 0]

    def test_unit_leaves_zero(self) -> None:
        assert unit(np.array([[0, 0, 0], [3, 0, 4]], np.float32)).tolist() == [
            [0, 0, 0],
            [pytest.approx(0.6), 0, pytest.approx(0.8)],
        ]


class TestRotation:
    # The face looks along -y, its left is +x, up is +z.
    def test_yaw_turns_the_face_to_its_left(self) -> None:
        assert (head_rotation(30, 0, 0) @ [0, -1, 0])[0] == pytest.approx(0.5)

    def test_pitch_turns_the_face_down(self) -> None:
        assert (head_rotation(0, 30, 0) @ [0, -1, 0])[2] == pytest.approx(-0.5)

    def test_roll_leans_the_crown_to_the_left_shoulder(self) -> None:
        assert (head_rotation(0, 0, 30) @ [0, 0, 1])[0] == pytest.approx(0.5)


class TestPose:
    @pytest.mark.parametrize("angles", ANGLES)
    def test_the_head_turns_as_one_by_the_whole_angle(self, angles: tuple[float, ...]) -> None:
        template = bust()
        posed = pose_head(template, template, *angles)
        head = template[:, 2] > 0.62
        turned = (template[head] - template[head][0]) @ head_rotation(*angles).T
        np.testing.assert_allclose(posed[head] - posed[head][0], turned, atol=2e-6)

    @pytest.mark.parametrize("angles", ANGLES)
    def test_the_shoulders_turn_as_one_by_less_than_half(self, angles: tuple[float, ...]) -> None:
        template = bust()
        posed = pose_head(template, template, *angles)
        shoulders = template[:, 2] < 0.5
        before = template[shoulders] - template[shoulders].mean(axis=0)
        after = posed[shoulders] - posed[shoulders].mean(axis=0)
        # Kabsch's rotation between the two clouds.
        left, _, right = np.linalg.svd(before.T @ after)
        rotation = (left @ right).T
        np.testing.assert_allclose(before @ rotation.T, after, atol=2e-6)
        angle = np.degrees(np.arccos((np.trace(rotation) - 1) / 2))
        whole = np.degrees(np.arccos((np.trace(head_rotation(*angles)) - 1) / 2))
        assert 0.05 * whole < angle < 0.5 * whole

    def test_the_neck_bends_without_a_step(self) -> None:
        template = bust()
        line = np.zeros((200, 3), np.float32)
        line[:, 2] = np.linspace(0.4, 0.7, 200)
        both = np.concatenate([template, line])
        posed = pose_head(both, both, 60, 20, 20)[len(template) :]
        steps = np.linalg.norm(np.diff(posed, axis=0), axis=1)
        spacing = 0.3 / 199
        assert steps.min() > 0.5 * spacing
        assert steps.max() < 1.6 * spacing

    def test_no_turn_is_no_change(self) -> None:
        template = bust()
        np.testing.assert_allclose(pose_head(template, template, 0, 0, 0), template, atol=1e-6)

    def test_pivots_follow_the_shape(self) -> None:
        template = bust()
        away = np.array([0.5, 0.2, -0.1], np.float32)
        moved = pose_head(template + away, template, 30, 10, 5)
        np.testing.assert_allclose(
            moved, pose_head(template, template, 30, 10, 5) + away, atol=2e-6
        )
