"""Settings of a photograph (pose, camera, light, accessories, effects) and their sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from made_faces.surface import Floats

GlassesKind = Literal["none", "clear", "dark"]


@dataclass(frozen=True)
class Lighting:
    """Four lights: a key that casts shadows, a fill, a rim light from behind, and ambient light.

    Directions are unit vectors [3] from the face towards the light, colours linear RGB [3].
    """

    key: Floats
    """Direction."""
    key_colour: Floats
    softness: float
    """Standard deviation of the key shadow's edge in final pixels."""
    fill: Floats
    """Direction; from the other side, to brighten the key's shadow."""
    fill_colour: Floats
    rim: Floats
    """Direction; from behind, so that only edges receive it."""
    rim_strength: float
    """0 for none; rim light is white."""
    ambient: Floats
    """Colour of the light from all directions."""


@dataclass(frozen=True)
class CameraEffects:
    """What camera and image file change: exposure, colour, blur, noise and compression."""

    exposure: float
    """Stops above the automatic exposure."""
    saturation: float
    """Colour saturation: 1 unchanged, 0 gray."""
    gray: bool
    """Whether the picture is gray."""
    blur: float
    """Standard deviation in final pixels; 0 for none."""
    motion: float
    """Length of a motion blur in final pixels; 0 for none."""
    motion_angle: float
    """Degrees counter-clockwise from the picture's right."""
    noise: float
    """Standard deviation in sRGB values of 0 to 1; 0 for none."""
    shrink: float
    """Factor by which the picture is reduced and enlarged again; 1 for none."""
    quality: int
    """JPEG quality, 1 to 100."""


@dataclass(frozen=True)
class Scene:
    """Settings of one photograph except the identity and the expression."""

    width: int
    height: int
    """Size of the final picture in pixels."""
    yaw: float
    pitch: float
    roll: float
    """Rotation of the head in degrees: to its left, downwards, towards its left shoulder."""
    distance: float
    """Metres from the camera to an adult's face; the camera is closer to smaller faces."""
    face_fraction: float
    """Height from chin to brow as a fraction of the picture's shorter side."""
    offset: tuple[float, float]
    """Offset of the face from the centre, right and down, as fractions of width and height."""
    lighting: Lighting
    effects: CameraEffects
    background_seed: int
    """Seed of the background."""
    glasses: GlassesKind = "none"
    mask: bool = False
    hand: bool = False
    hat: bool = False
    accessory_seed: int = 0
    """Seed of glasses, mask, hat and hand."""


class _Span(NamedTuple):
    """Range of a setting at variety 0, 0.5 and 1, interpolated linearly."""

    studio: tuple[float, float]
    usual: tuple[float, float]
    wide: tuple[float, float]

    def sample(self, rng: np.random.Generator, variety: float) -> float:
        """Sample a number uniformly from the range."""
        return float(rng.uniform(*self.at(variety)))

    def at(self, variety: float) -> tuple[float, float]:
        """Return both ends of the range at that variety."""
        ends = zip(self.studio, self.usual, self.wide, strict=True)
        low, high = (float(np.interp(variety, (0, 0.5, 1), end)) for end in ends)
        return low, high


class _Chance(NamedTuple):
    """Probability at variety 0, 0.5 and 1, interpolated linearly."""

    studio: float
    usual: float
    wide: float

    def sample(self, rng: np.random.Generator, variety: float) -> bool:
        """Sample whether it happens."""
        return bool(rng.random() < np.interp(variety, (0, 0.5, 1), self))


# Degrees: standard deviation and largest angle.
_YAW = _Span((6, 15), (13, 32), (26, 60))
_PITCH = _Span((3, 8), (7, 16), (11, 30))
_ROLL = _Span((2, 6), (6, 16), (11, 35))
# Metres; then a fraction of the picture's shorter side.
_DISTANCE = _Span((1.2, 1.8), (0.75, 1.8), (0.55, 2.5))
_FACE_PART = _Span((0.46, 0.55), (0.42, 0.68), (0.3, 1.1))
# Fractions of the picture: standard deviation and largest offset.
_SHIFT = _Span((0.015, 0.04), (0.033, 0.1), (0.12, 0.35))
# Pixels; then how often the picture is square.
_SIDE = _Span((224, 224), (200, 256), (160, 288))
_SQUARE = _Chance(1, 0.8, 0.4)

# Azimuths and elevations in degrees; strengths of lights, about 2 for a usual key light.
_KEY_AZIMUTH = _Span((15, 45), (0, 70), (0, 150))
_KEY_ELEVATION = _Span((15, 40), (5, 60), (-45, 80))
_KEY = _Span((1.5, 2.1), (1.6, 2.8), (1, 4.2))
_SOFTNESS = _Span((3, 5), (1.5, 5), (0.7, 7))
_FILL_AZIMUTH = _Span((30, 60), (20, 80), (10, 100))
_FILL = _Span((0.3, 0.6), (0.15, 0.6), (0, 0.7))
_RIM = _Span((0, 0.4), (0, 0.8), (0, 1.8))
_RIM_AZIMUTH = _Span((120, 150), (110, 160), (100, 170))
_AMBIENT = _Span((0.5, 0.75), (0.4, 0.85), (0.12, 1))
_WARMTH = _Span((-0.03, 0.03), (-0.13, 0.13), (-0.3, 0.3))

# Stops; of the exposure only the second number, the standard deviation, is used.
_EXPOSURE = _Span((0, 0.08), (0, 0.12), (0, 0.5))
_SATURATION = _Span((0.85, 1), (0.62, 0.98), (0.35, 1.2))
_GRAY = _Chance(0, 0.08, 0.35)
_BLUR = _Span((0.3, 0.5), (0.3, 0.8), (0.3, 1.7))
_MOVED = _Chance(0, 0.03, 0.2)
_MOTION = _Span((1, 2), (1, 3), (1.5, 7))
_NOISE = _Span((0.003, 0.008), (0.004, 0.018), (0.004, 0.045))
_SHRUNK = _Chance(0, 0.1, 0.5)
_SHRINK = _Span((0.8, 1), (0.6, 1), (0.25, 0.9))
_QUALITY = _Span((88, 96), (72, 95), (35, 95))

_GLASSES = _Chance(0, 0.12, 0.25)
_DARK_GLASSES = _Chance(0, 0.1, 0.25)
_MASK = _Chance(0, 0, 0.06)
_HAND = _Chance(0, 0.02, 0.08)
_HAT = _Chance(0, 0.05, 0.12)

_BODY_HEIGHTS = 1.9
"""Distance, in units of brow to chin, from the centre of a face down to where the body surely ends.
Larger than recipe.BYSTANDER_BODY_HEIGHTS; using one value for both would change the pictures."""


def sample_scene(rng: np.random.Generator, variety: float) -> Scene:
    """Sample how a face is photographed.

    variety: 0 studio portraits, 0.5 usual snapshots, 1 anything: profiles, hard light, cropped
    faces, bad images, occlusions.
    """
    width, height = _sample_size(rng, variety)
    smallest, largest = _FACE_PART.at(variety)
    # Squared, so that whole faces are more frequent than faces that fill the picture.
    face_fraction = smallest + (largest - smallest) * float(rng.random()) ** 2
    offset = _sample_bounded(rng, _SHIFT, variety), _sample_bounded(rng, _SHIFT, variety)
    return Scene(
        width=width,
        height=height,
        yaw=_sample_bounded(rng, _YAW, variety),
        pitch=_sample_bounded(rng, _PITCH, variety),
        roll=_sample_bounded(rng, _ROLL, variety),
        distance=_DISTANCE.sample(rng, variety),
        face_fraction=_enlarge_to_edge(face_fraction, offset[1], width, height),
        offset=offset,
        lighting=_sample_lighting(rng, variety),
        effects=_sample_effects(rng, variety),
        background_seed=_sample_seed(rng),
        glasses=_sample_glasses(rng, variety),
        mask=_MASK.sample(rng, variety),
        hand=_HAND.sample(rng, variety),
        hat=_HAT.sample(rng, variety),
        accessory_seed=_sample_seed(rng),
    )


def direction(azimuth: float, elevation: float) -> Floats:
    """Return the unit vector [3] towards a light; degrees to the head's left and upwards, 0, 0 is
    the camera.
    """
    around, above = np.radians(azimuth), np.radians(elevation)
    return np.array(
        [np.sin(around) * np.cos(above), -np.cos(around) * np.cos(above), np.sin(above)],
        np.float32,
    )


def _sample_size(rng: np.random.Generator, variety: float) -> tuple[int, int]:
    sides = _SIDE.sample(rng, variety), _SIDE.sample(rng, variety)
    if _SQUARE.sample(rng, variety):
        sides = sides[0], sides[0]
    # Even, so that 1.5 times as many pixels are a whole number.
    return 2 * round(sides[0] / 2), 2 * round(sides[1] / 2)


def _enlarge_to_edge(face_fraction: float, down: float, width: int, height: int) -> float:
    """Enlarge a face whose body would end above the lower edge of the picture.

    down: offset of the face as a fraction of the height.
    """
    below = (0.5 - down) * height / min(width, height)
    return max(face_fraction, below / _BODY_HEIGHTS)


def _sample_lighting(rng: np.random.Generator, variety: float) -> Lighting:
    side = float(rng.choice([-1, 1]))
    key = direction(side * _KEY_AZIMUTH.sample(rng, variety), _KEY_ELEVATION.sample(rng, variety))
    rim_side = float(rng.choice([-1, 1]))
    sky = _tint(_WARMTH.sample(rng, variety))
    return Lighting(
        key=key,
        key_colour=_tint(_WARMTH.sample(rng, variety)) * np.float32(_KEY.sample(rng, variety)),
        softness=_SOFTNESS.sample(rng, variety),
        fill=direction(-side * _FILL_AZIMUTH.sample(rng, variety), 14),
        fill_colour=sky * np.float32(_FILL.sample(rng, variety)),
        rim=direction(rim_side * _RIM_AZIMUTH.sample(rng, variety), 17),
        rim_strength=_RIM.sample(rng, variety),
        ambient=sky * np.float32(_AMBIENT.sample(rng, variety)),
    )


def _sample_effects(rng: np.random.Generator, variety: float) -> CameraEffects:
    moved, shrunk = _MOVED.sample(rng, variety), _SHRUNK.sample(rng, variety)
    return CameraEffects(
        exposure=float(rng.normal(0, _EXPOSURE.at(variety)[1])),
        saturation=_SATURATION.sample(rng, variety),
        gray=_GRAY.sample(rng, variety),
        blur=_BLUR.sample(rng, variety),
        motion=_MOTION.sample(rng, variety) if moved else 0.0,
        motion_angle=float(rng.uniform(0, 180)),
        noise=_NOISE.sample(rng, variety),
        shrink=_SHRINK.sample(rng, variety) if shrunk else 1.0,
        quality=round(_QUALITY.sample(rng, variety)),
    )


def _sample_glasses(rng: np.random.Generator, variety: float) -> GlassesKind:
    wearing, dark = _GLASSES.sample(rng, variety), _DARK_GLASSES.sample(rng, variety)
    if not wearing:
        return "none"
    return "dark" if dark else "clear"


def _sample_bounded(rng: np.random.Generator, span: _Span, variety: float) -> float:
    """Sample from a normal distribution around 0 and clip; the span is (deviation, bound)."""
    deviation, most = span.at(variety)
    return float(np.clip(rng.normal(0, deviation), -most, most))


def _tint(warmth: float) -> Floats:
    """Return linear RGB [3] of white light, warm above 0 and cool below."""
    return np.array([1 + warmth, 1, 1 - warmth], np.float32)


def _sample_seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 30))
