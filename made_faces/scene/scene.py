"""How a made face is photographed: pose, camera, light, things in the way, film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from made_faces.surface import Floats

GlassesKind = Literal["none", "clear", "dark"]


@dataclass(frozen=True)
class Lighting:
    """Four lights: a key that casts shadows, a fill, a rim from behind, and the sky around.

    Directions are unit vectors [3] from the face towards the light, colours linear RGB [3].
    """

    key: Floats
    """Direction."""
    key_colour: Floats
    softness: float
    """Standard deviation of the key's shadow edge in final pixels."""
    fill: Floats
    """Direction; from the other side, so that the key's shadow is not black."""
    fill_colour: Floats
    rim: Floats
    """Direction; from behind, so that only edges catch it."""
    rim_strength: float
    """0 for none; its light is white."""
    ambient: Floats
    """Colour of the light from all around."""


@dataclass(frozen=True)
class Film:
    """What camera and file do to the light."""

    exposure: float
    """Stops above the metered one."""
    saturation: float
    """1 leaves colours as they are, 0 leaves none."""
    gray: bool
    """Black and white."""
    blur: float
    """Standard deviation in final pixels; 0 for none."""
    motion: float
    """Length of a motion blur in final pixels; 0 for none."""
    motion_angle: float
    """Degrees from the picture's right, upwards."""
    noise: float
    """Standard deviation in sRGB of 0 to 1; 0 for none."""
    shrink: float
    """The picture has passed through this part of its size; 1 for none."""
    quality: int
    """JPEG's, 1 to 100."""


@dataclass(frozen=True)
class Scene:
    """One photograph's settings: all but who is in it and what the face does."""

    width: int
    height: int
    """Size of the finished picture in pixels."""
    yaw: float
    pitch: float
    roll: float
    """Turn of the head in degrees: to its left, downwards, towards its left shoulder."""
    distance: float
    """Metres from the camera to a grown person's face; it comes nearer to a smaller one."""
    face_part: float
    """Height from chin to brow as a part of the picture's smaller side."""
    offset: tuple[float, float]
    """Right and down from the picture's middle to the face's, as parts of its width and height."""
    lighting: Lighting
    film: Film
    background: int
    """The background's seed."""
    glasses: GlassesKind = "none"
    mask: bool = False
    hand: bool = False
    hat: bool = False
    accessory: int = 0
    """The seed of all things worn and held."""
