"""From light to a JPEG file: composite, exposure, tone curve, blur, noise and compression."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from fer_det.imaging.decode import encode_jpeg
from made_faces.scene.scene import CameraEffects
from made_faces.surface import Canvas, Floats

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Luminance weights of linear red, green and blue (ITU-R BT.709)."""
_METERED_PERCENTILE = 70
"""Percentile of a head's luminance used for metering; above most dark hair, so that pale faces
below it are not overexposed."""
_METERED = 0.42
"""Luminance to which the exposure moves that percentile: one stop above a gray card."""
_METER_RANGE = (0.5, 2.5)
"""Bounds of the exposure factor."""
_METER_PULL = 0.75
"""Exponent of the exposure factor; below 1, so that dark faces stay darker than light ones."""
_WHITE = 1.8
"""Light that the tone curve maps to white."""
_GAIN, _BEND = 1.3, 1.2
"""Slope of the tone curve in the shadows, and its curvature."""
_SHRUNK_SIDE = 8
"""Pixels; lower bound of a reduced picture's side."""


def photograph(
    canvases: Sequence[Canvas],
    background: Floats,
    effects: CameraEffects,
    width: int,
    height: int,
    rng: np.random.Generator,
) -> bytes:
    """Take the photograph: return a JPEG file of `width` x `height` pixels.

    canvases: from far to near, of the size of background [H, W, 3] linear RGB; none is changed.
    rng: for the noise. The same arguments give the same bytes.
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
    """Composite canvases over a background, far to near -> a new array [H, W, 3].

    The colour of a canvas is premultiplied by alpha.
    """
    light = background.astype(np.float32)
    for canvas in canvases:
        if canvas.colour.shape != light.shape:
            raise ValueError(f"canvas {canvas.colour.shape} over background {light.shape}")
        light *= (1 - canvas.alpha)[..., None]
        light += canvas.colour
    return light


def meter(canvases: Sequence[Canvas]) -> float:
    """Return the factor on the light that exposes the nearest head well; 1 without a head."""
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
    """Map light to 0..1: nearly linear in the shadows, saturating near white.

    x -> g x (1 + a x) / (1 + b x), with a such that _WHITE becomes 1; values below 0 become 0.
    """
    rise = ((1 + _BEND * _WHITE) / (_GAIN * _WHITE) - 1) / _WHITE
    light = np.maximum(light, 0)
    return light * (_GAIN * (1 + np.float32(rise) * light) / (1 + np.float32(_BEND) * light))


def encode_srgb(light: Floats) -> Floats:
    """Encode linear 0..1 as sRGB 0..1 (IEC 61966-2-1)."""
    bent = 1.055 * cv2.pow(light, 1 / 2.4).reshape(light.shape) - 0.055
    return np.asarray(np.where(light <= 0.0031308, light * 12.92, bent), np.float32)


def _colour(light: Floats, effects: CameraEffects) -> Floats:
    gray = (light @ _LUMINANCE)[..., None]
    if effects.gray:
        return np.repeat(gray, 3, axis=2)
    return np.asarray(gray + (light - gray) * effects.saturation, np.float32)


def _blur(light: Floats, effects: CameraEffects) -> Floats:
    """Apply defocus, motion blur and the loss of detail of a reduced picture."""
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
    """Return a motion blur kernel [K, K] of sum 1: a line of that length in pixels."""
    reach = math.ceil(length / 2)
    offset = np.arange(-reach, reach + 1, dtype=np.float32)
    angle = math.radians(degrees)
    along = offset[None, :] * math.cos(angle) - offset[:, None] * math.sin(angle)
    across = offset[None, :] * math.sin(angle) + offset[:, None] * math.cos(angle)
    inside = np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return np.asarray(inside / inside.sum(), np.float32)


def _through_smaller(light: Floats, part: float) -> Floats:
    """Reduce the picture by the factor `part` and enlarge it again."""
    height, width = light.shape[:2]
    small_width = max(round(width * part), _SHRUNK_SIDE)
    small_height = max(round(height * part), _SHRUNK_SIDE)
    shrunk = _resize(light, small_width, small_height, cv2.INTER_AREA)
    return _resize(shrunk, width, height, cv2.INTER_CUBIC)


def _resize(picture: Floats, width: int, height: int, interpolation: int) -> Floats:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=interpolation), np.float32)


def _noise(encoded: Floats, effects: CameraEffects, rng: np.random.Generator) -> Floats:
    """Sample noise for an sRGB picture [H, W, 3], with a standard deviation of about effects.noise.

    Shot noise grows with the root of the light and is nearly uniform after the sRGB curve; sensor
    noise adds to the shadows. Colour noise is coarser, as left by the noise reduction of cameras.
    """
    height, width = encoded.shape[:2]
    grain = rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(0.85)
    if not effects.gray:
        coarse = rng.standard_normal(((height + 1) // 2, (width + 1) // 2, 3), dtype=np.float32)
        grain = grain + _resize(coarse, width, height, cv2.INTER_LINEAR) * np.float32(0.7)
    return np.asarray(grain * effects.noise * (1.25 - 0.5 * encoded), np.float32)
