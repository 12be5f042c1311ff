"""From light to a file: heads over a background, exposed, blurred, noisy and written as JPEG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from fer_det.imaging.decode import encode_jpeg
from made_faces.scene.scene import CameraEffects
from made_faces.surface import Canvas, Floats

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Of linear red, green and blue (ITU-R BT.709)."""
_METERED_PERCENTILE = 70
"""Of a head's luminance: above most dark hair, so that a pale face below it does not glare."""
_METERED = 0.42
"""Luminance to which the meter pulls that percentile: skin then lies a stop above a gray card."""
_METER_RANGE = (0.5, 2.5)
"""No lamp is turned further down or up than by these factors."""
_METER_PULL = 0.75
"""Below 1, so that what is dark stays darker than what is light."""
_WHITE = 1.8
"""Light that the tone curve shows as white."""
_GAIN, _BEND = 1.3, 1.2
"""Slope of the tone curve in the shadows, and how soon it bends."""
_SHRUNK_SIDE = 8
"""Pixels; no picture is shrunk below."""


def photograph(
    canvases: Sequence[Canvas],
    background: Floats,
    effects: CameraEffects,
    width: int,
    height: int,
    rng: np.random.Generator,
) -> bytes:
    """Take the picture: the bytes of a JPEG file of `width` x `height` pixels.

    canvases: from far to near, of one size with background [H, W, 3] linear RGB; neither is
    changed. rng: draws the noise. The same arguments give the same bytes.
    """
    light = compose(canvases, background)
    light *= np.float32(meter(canvases) * 2.0**effects.exposure)
    light = _resize(tone_curve(light), width, height, cv2.INTER_AREA)
    light = _blur(_colour(light, effects), effects)
    encoded = encode_srgb(np.clip(light, 0, 1))
    if effects.noise > 0:
        encoded += _noise(encoded, effects, rng)
    pixels = np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)
    return encode_jpeg(pixels, effects.quality)


def compose(canvases: Sequence[Canvas], background: Floats) -> Floats:
    """Lay canvases over a background, far to near -> a new array [H, W, 3].

    A canvas holds colour times alpha, so that its soft edges bring no black with them.
    """
    light = background.astype(np.float32)
    for canvas in canvases:
        if canvas.colour.shape != light.shape:
            raise ValueError(f"canvas {canvas.colour.shape} over background {light.shape}")
        light *= (1 - canvas.alpha)[..., None]
        light += canvas.colour
    return light


def meter(canvases: Sequence[Canvas]) -> float:
    """The factor by which the light is multiplied so that the nearest head is well exposed.

    1 where there is no head.
    """
    if not canvases:
        return 1.0
    head = canvases[-1]
    luminance = head.colour[head.alpha > 0.9] @ _LUMINANCE
    if not len(luminance):
        return 1.0
    least, most = _METER_RANGE
    factor = _METERED / max(float(np.percentile(luminance, _METERED_PERCENTILE)), 1e-3)
    return float(min(max(factor, least), most) ** _METER_PULL)


def tone_curve(light: Floats) -> Floats:
    """Film's answer to light: nearly straight in the shadows, flat where it nears white.

    x -> g x (1 + a x) / (1 + b x), with a such that _WHITE becomes 1; what is below 0 becomes 0.
    """
    rise = ((1 + _BEND * _WHITE) / (_GAIN * _WHITE) - 1) / _WHITE
    light = np.maximum(light, 0)
    return light * (_GAIN * (1 + np.float32(rise) * light) / (1 + np.float32(_BEND) * light))


def encode_srgb(light: Floats) -> Floats:
    """Linear 0..1 -> sRGB's 0..1 (IEC 61966-2-1)."""
    bent = 1.055 * cv2.pow(light, 1 / 2.4).reshape(light.shape) - 0.055
    return np.asarray(np.where(light <= 0.0031308, light * 12.92, bent), np.float32)


def _colour(light: Floats, effects: CameraEffects) -> Floats:
    gray = (light @ _LUMINANCE)[..., None]
    if effects.gray:
        return np.repeat(gray, 3, axis=2)
    return np.asarray(gray + (light - gray) * effects.saturation, np.float32)


def _blur(light: Floats, effects: CameraEffects) -> Floats:
    """Out of focus, moved while the shutter was open, and through a smaller picture."""
    if effects.blur > 0:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), effects.blur), np.float32)
    if effects.motion > 0:
        kernel = _line(effects.motion, effects.motion_angle)
        moved = cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        light = np.asarray(moved, np.float32)
    if effects.shrink < 1:
        light = _through_smaller(light, effects.shrink)
    return light


def _line(length: float, degrees: float) -> Floats:
    """A line of that length in pixels as a blurring kernel [K, K] of sum 1."""
    reach = math.ceil(length / 2)
    offset = np.arange(-reach, reach + 1, dtype=np.float32)
    angle = math.radians(degrees)
    along = offset[None, :] * math.cos(angle) - offset[:, None] * math.sin(angle)
    across = offset[None, :] * math.sin(angle) + offset[:, None] * math.cos(angle)
    inside = np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return np.asarray(inside / inside.sum(), np.float32)


def _through_smaller(light: Floats, part: float) -> Floats:
    """What is left of a picture that was `part` of its size on its way."""
    height, width = light.shape[:2]
    small_width = max(round(width * part), _SHRUNK_SIDE)
    small_height = max(round(height * part), _SHRUNK_SIDE)
    shrunk = _resize(light, small_width, small_height, cv2.INTER_AREA)
    return _resize(shrunk, width, height, cv2.INTER_CUBIC)


def _resize(picture: Floats, width: int, height: int, interpolation: int) -> Floats:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=interpolation), np.float32)


def _noise(encoded: Floats, effects: CameraEffects, rng: np.random.Generator) -> Floats:
    """Grain for an sRGB picture [H, W, 3], about film.noise in standard deviation.

    The root of the light, which is shot noise, is nearly even after sRGB's curve; the sensor's own
    noise adds to the shadows. Colour noise is coarser, as cameras' own smoothing leaves it.
    """
    height, width = encoded.shape[:2]
    grain = rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(0.85)
    if not effects.gray:
        coarse = rng.standard_normal(((height + 1) // 2, (width + 1) // 2, 3), dtype=np.float32)
        grain = grain + _resize(coarse, width, height, cv2.INTER_LINEAR) * np.float32(0.7)
    return np.asarray(grain * effects.noise * (1.25 - 0.5 * encoded), np.float32)
