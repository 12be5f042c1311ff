from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from fer_det.imaging.decode import decode_rgb8
from made_faces.scene.photograph import compose, encode_srgb, meter, photograph, tone_curve
from made_faces.scene.scene import CameraEffects
from made_faces.surface import Canvas

PLAIN = CameraEffects(
    exposure=0.0,
    saturation=1.0,
    gray=False,
    blur=0.0,
    motion=0.0,
    motion_angle=0.0,
    noise=0.0,
    shrink=1.0,
    quality=95,
)
RED, GREEN, BLUE = (np.eye(3, dtype=np.float32)[channel] for channel in range(3))


def canvas(colour: np.ndarray, alpha: np.ndarray) -> Canvas:
    """A head of one colour, premultiplied by alpha."""
    return Canvas(colour * alpha[..., None], alpha, alpha)


def disc(side: int, radius: float, x: float = 0.5) -> np.ndarray:
    """A round head with an edge a pixel wide, [side, side]."""
    place = np.arange(side) + 0.5
    distance = np.hypot(place[:, None] - side / 2, place[None] - side * x)
    return np.clip(radius * side - distance + 0.5, 0, 1).astype(np.float32)


def evenly(colour: np.ndarray, side: int = 60) -> np.ndarray:
    return np.full((side, side, 3), colour, np.float32)


def checks(side: int = 120) -> np.ndarray:
    """Squares of 3 pixels, dark and light."""
    place = np.arange(side) // 3
    board = (place[:, None] + place[None]) % 2
    return np.repeat(board[..., None] * 0.6 + 0.05, 3, axis=2).astype(np.float32)


def taken(
    effects: CameraEffects = PLAIN,
    canvases: tuple[Canvas, ...] = (),
    background: np.ndarray | None = None,
    seed: int = 0,
    size: tuple[int, int] = (80, 80),
) -> np.ndarray:
    background = checks() if background is None else background
    data = photograph(canvases, background, effects, *size, np.random.default_rng(seed))
    return decode_rgb8(data, "photograph").pixels.astype(np.float64)


def detail(pixels: np.ndarray) -> float:
    return float(cv2.Laplacian(pixels, cv2.CV_64F).std())


class TestCompose:
    def test_near_hides_far(self) -> None:
        whole = np.ones((4, 4), np.float32)
        light = compose([canvas(GREEN, whole), canvas(RED, whole)], evenly(BLUE, 4))
        assert (light == RED).all()

    def test_far_shows_beside_near(self) -> None:
        left, right = np.zeros((2, 2, 2), np.float32)
        left[:, 0], right[:, 1] = 1, 0.5
        light = compose([canvas(GREEN, right), canvas(RED, left)], evenly(BLUE, 2))
        assert light[0].tolist() == [[1, 0, 0], [0, 0.5, 0.5]]

    def test_soft_edges_of_a_colour_over_itself_do_not_show(self) -> None:
        gray = np.full(3, 0.4, np.float32)
        light = compose([canvas(gray, disc(40, 0.3))], evenly(gray, 40))
        assert np.abs(light - 0.4).max() < 1e-6

    def test_leaves_what_it_was_given(self) -> None:
        background, head = evenly(BLUE, 40), canvas(RED, disc(40, 0.3))
        before = background.copy(), head.colour.copy()
        compose([head], background)
        assert np.array_equal(background, before[0])
        assert np.array_equal(head.colour, before[1])

    def test_sizes_must_fit(self) -> None:
        with pytest.raises(ValueError, match="over background"):
            compose([canvas(RED, disc(40, 0.3))], evenly(BLUE, 41))


class TestMeter:
    def head(self, light: float) -> Canvas:
        return canvas(np.full(3, light, np.float32), disc(40, 0.3))

    def test_dark_heads_are_brightened_and_bright_ones_darkened(self) -> None:
        assert meter([self.head(0.15)]) > 1.2
        assert meter([self.head(0.42)]) == pytest.approx(1, abs=1e-3)
        assert meter([self.head(0.6)]) < 0.8

    def test_dark_stays_darker(self) -> None:
        lights = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.8])
        metered = [light * meter([self.head(light)]) for light in lights]
        assert (np.diff(metered) > 0).all()

    def test_heads_further_back_do_not_count(self) -> None:
        assert meter([self.head(0.28)]) == meter([self.head(5.0), self.head(0.28)])

    def test_dark_hair_does_not_make_a_face_glare(self) -> None:
        face, hair = disc(40, 0.25), disc(40, 0.4)
        colour = np.where(face > 0.5, 0.42, 0.02)[..., None] * np.ones(3, np.float32)
        hairy = canvas(colour.astype(np.float32), hair)
        assert (face > 0.5).sum() < 0.5 * (hair > 0.9).sum()
        assert meter([hairy]) == pytest.approx(1, abs=1e-3)

    def test_nothing_to_meter(self) -> None:
        assert meter([]) == 1
        assert meter([canvas(RED, np.zeros((4, 4), np.float32))]) == 1


class TestCurves:
    def test_tone_rises_from_black_to_white(self) -> None:
        light = np.linspace(0, 1.8, 200, dtype=np.float32)
        shown = tone_curve(light)
        assert shown[0] == 0
        assert shown[-1] == pytest.approx(1)
        assert (np.diff(shown) > 0).all()
        assert (np.diff(shown, 2) < 1e-5).all()

    def test_tone_keeps_middle_gray(self) -> None:
        assert tone_curve(np.float32([0.18]))[0] == pytest.approx(0.18, abs=0.03)

    def test_no_light_is_black(self) -> None:
        assert tone_curve(np.float32([-0.5]))[0] == 0

    def test_srgb(self) -> None:
        # IEC 61966-2-1: 0.2140 is encoded as one half, 0.0031308 lies at the joint.
        encoded = encode_srgb(np.float32([0, 0.0031308, 0.21404, 1]))
        assert encoded.tolist() == pytest.approx([0, 0.04045, 0.5, 1], abs=1e-4)


class TestPhotograph:
    def test_size_and_format(self) -> None:
        data = photograph((), checks(), PLAIN, 70, 50, np.random.default_rng(0))
        decoded = decode_rgb8(data, "photograph")
        assert decoded.format == "JPEG"
        assert decoded.pixels.shape == (50, 70, 3)

    def test_same_random_numbers_give_the_same_bytes(self) -> None:
        effects = replace(PLAIN, noise=0.02, blur=0.5, motion=3.0, shrink=0.7)
        one, two, other = (
            photograph((), checks(), effects, 80, 80, np.random.default_rng(seed))
            for seed in (1, 1, 2)
        )
        assert one == two != other

    def test_a_head_is_where_its_canvas_is(self) -> None:
        head = canvas(RED * 0.5, disc(60, 0.2, x=0.3))
        pixels = taken(canvases=(head,), background=evenly(BLUE * 0.3))
        assert pixels[40, 24, 0] > 100 > pixels[40, 24, 2]
        assert pixels[40, 60, 2] > 100 > pixels[40, 60, 0]

    def test_exposure_moves_brightness(self) -> None:
        means = [taken(replace(PLAIN, exposure=stops)).mean() for stops in (-1.0, 0.0, 1.0)]
        assert np.diff(means).min() > 15

    def test_gray_has_equal_channels(self) -> None:
        effects = replace(PLAIN, gray=True, noise=0.03)
        pixels = taken(effects, background=evenly(np.float32([0.5, 0.2, 0.1])))
        assert np.ptp(pixels, axis=2).max() <= 1
        assert pixels.std() > 1  # the noise is there all the same

    def test_gray_is_as_bright(self) -> None:
        background = evenly(np.float32([0.1, 0.5, 0.1]))
        luminance = np.array([0.2126, 0.7152, 0.0722])
        linear = [
            ((taken(effects, background=background) / 255) ** 2.2).mean(axis=(0, 1)) @ luminance
            for effects in (PLAIN, replace(PLAIN, gray=True))
        ]
        assert linear[0] == pytest.approx(linear[1], rel=0.05)

    def test_saturation(self) -> None:
        background = evenly(np.float32([0.5, 0.2, 0.1]))
        spread = [
            np.ptp(taken(replace(PLAIN, saturation=value), background=background).mean(axis=(0, 1)))
            for value in (0.0, 0.5, 1.0)
        ]
        assert spread[0] < 2
        assert spread[0] + 20 < spread[1] < spread[2] - 20

    @pytest.mark.parametrize("softened", [{"blur": 1.5}, {"motion": 6.0}, {"shrink": 0.4}], ids=str)
    def test_lowers_detail(self, softened: dict[str, float]) -> None:
        assert detail(taken(replace(PLAIN, **softened))) < 0.5 * detail(taken())

    def test_shrinking_further_leaves_less(self) -> None:
        background = np.random.default_rng(0).random((120, 120, 3), dtype=np.float32)
        details = [
            detail(taken(replace(PLAIN, shrink=part), background=background))
            for part in (1.0, 0.7, 0.4, 0.05)
        ]
        assert all(more > 1.3 * less for more, less in pairwise(details))

    @pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 120.0])
    def test_motion_smears_along_its_angle(self, degrees: float) -> None:
        background = np.zeros((80, 80, 3), np.float32)
        background[39:41, 39:41] = 1.5
        effects = replace(PLAIN, motion=16.0, motion_angle=degrees)
        light = (taken(effects, background=background)[..., 0] / 255) ** 2.2
        light[light < 0.01] = 0
        offset = np.arange(80) - 39.5
        # Rows count downwards, angles upwards.
        spread = np.cov(np.tile(offset, 80), -np.repeat(offset, 80), aweights=light.ravel(), ddof=0)
        variances, directions = np.linalg.eigh(spread)
        found = np.degrees(np.arctan2(directions[1, 1], directions[0, 1])) % 180
        assert abs((found - degrees + 90) % 180 - 90) < 4
        # A line of length L has the variance L^2 / 12.
        assert variances[1] == pytest.approx(16.0**2 / 12, rel=0.2)
        assert variances[0] < 1.5

    def test_blur_keeps_the_light(self) -> None:
        # Before the sRGB curve: blur preserves the light.
        soft = replace(PLAIN, blur=2.0, motion=5.0, motion_angle=30.0)
        gray = evenly(np.full(3, 0.2, np.float32))
        assert taken(soft, background=gray).mean() == pytest.approx(
            taken(background=gray).mean(), abs=0.5
        )

    def test_noise_has_its_deviation(self) -> None:
        gray = evenly(np.full(3, 0.2, np.float32), 120)
        noisy = taken(replace(PLAIN, noise=0.03), background=gray, size=(120, 120))
        assert noisy.std(axis=(0, 1)).mean() / 255 == pytest.approx(0.03, rel=0.15)
        assert np.ptp(noisy, axis=2).mean() > 2  # coloured
        assert noisy.mean() == pytest.approx(taken(background=gray).mean(), abs=1)

    def test_shadows_are_noisier(self) -> None:
        effects = replace(PLAIN, noise=0.03)
        dark, light = (
            taken(effects, background=evenly(np.full(3, value, np.float32))).std()
            for value in (0.03, 0.6)
        )
        assert dark > 1.2 * light

    def test_higher_quality_needs_more_bytes(self) -> None:
        effects = replace(PLAIN, noise=0.02)
        sizes = [
            len(photograph((), checks(), replace(effects, quality=quality), 80, 80, _rng()))
            for quality in (30, 70, 95)
        ]
        assert sizes[0] * 1.2 < sizes[1]
        assert sizes[1] * 1.4 < sizes[2]


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)
