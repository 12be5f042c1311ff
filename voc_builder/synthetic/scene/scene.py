"""How a made face is photographed: pose, camera, light, things in the way, film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from voc_builder.synthetic.renderer.surface import Floats


@dataclass(frozen=True)
class Lighting:
    """Four lights, directions as unit vectors from the face towards the light."""

    key: Floats
    """[3] direction of the key light, which casts shadows."""
    key_colour: Floats
    """[3] linear RGB."""
    softness: float
    """Width of the shadow's edge in final pixels."""
    fill: Floats
    fill_colour: Floats
    rim: Floats
    rim_strength: float
    ambient: Floats
    """[3] linear RGB of the sky around."""


@dataclass(frozen=True)
class Film:
    """What camera and file do to the light."""

    exposure: float
    """Stops above the metered one."""
    saturation: float
    gray: bool
    blur: float
    """Standard deviation in final pixels."""
    motion: float
    """Length of a motion blur in final pixels; 0 for none."""
    motion_angle: float
    """Degrees."""
    noise: float
    """Standard deviation, of 1."""
    shrink: float
    """The picture has passed through this part of its size; 1 for none."""
    quality: int
    """JPEG's."""


@dataclass(frozen=True)
class Scene:
    """One photograph's settings."""

    width: int
    height: int
    """Size of the finished picture in pixels."""
    yaw: float
    pitch: float
    roll: float
    """Turn of the head in degrees: to its left, downwards, towards its left shoulder."""
    distance: float
    """Metres to the camera."""
    face_part: float
    """Height of the face (brow to chin) as a part of the picture's smaller side."""
    offset: tuple[float, float]
    """Shift of the face's centre from the picture's, as parts of its width and height."""
    lighting: Lighting
    film: Film
    background: int
    """What the background is drawn from."""
    glasses: Literal["none", "clear", "dark"] = "none"
    mask: bool = False
    hand: bool = False
    hat: bool = False
    accessory: int = 0
    """What the things worn and held are drawn from."""
