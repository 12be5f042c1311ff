from __future__ import annotations

import numpy as np
import pytest

from made_faces.renderer.camera import head_rotation, pose_head

ANGLES = [(40.0, 0.0, 0.0), (0.0, 20.0, 0.0), (0.0, 0.0, 25.0), (-60.0, 15.0, -10.0)]


def bust() -> np.ndarray:
    """Points that fill a body from 0.4 to 0.85 m, as Head.template does."""
    rng = np.random.default_rng(0)
    return rng.uniform([-0.06, -0.12, 0.4], [0.06, 0.03, 0.85], (4000, 3)).astype(np.float32)


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
        # Kabsch's rotation between the two point sets.
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
