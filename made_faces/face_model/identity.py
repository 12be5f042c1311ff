"""Who a made face is: everything about a head that stays when its expression changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from made_faces.surface import Floats

HairStyle = Literal["short", "cap", "long", "buzz", "bald"]
Colour = Floats
"""[3] linear RGB."""


@dataclass(frozen=True)
class Identity:
    """One person who never lived."""

    number: int
    """What draw_identity made this person of."""
    age: float
    """0.3 a child, 0.5 grown, 1 old."""
    female: float
    """0 male to 1 female."""
    ancestry: tuple[float, float, float]
    """Parts African, Asian, Caucasian of the shape; they sum to 1."""
    weight: float
    muscle: float
    """0 the least that MakeHuman's bodies have to 1 the most."""
    local_shapes: dict[str, float]
    """Name of a local shape, such as nose-width1-incr, to its strength, -1 to 1."""
    skin: Colour
    darkness: float
    """0 the lightest skin to 1 the darkest."""
    blotches: float
    """Unevenness of the skin, about 1."""
    freckles: float
    """0 none to about 1."""
    gloss: float
    """Roughness of the skin, about 0.4."""
    lips: Colour
    lip_tint: float
    """0 the skin's own colour to 1 that of `lips`."""
    iris: Colour
    hair: Colour
    hair_style: HairStyle
    hairline: float
    """Height of the hairline on the base head in metres."""
    parting: float
    """x of the parting in metres."""
    volume: float
    """Thickness of the hair, about 1."""
    beard: float
    """0 shaven to 0.9 full."""
    brow_width: float
    """Height of the brows, about 1."""
    brow_density: float
    """Part of the skin that their hairs cover, about 0.8."""
    brow_lift: float
    """Metres above the usual place."""
    lashes: float
    """Darkness of the lashes, 0 to 1."""
    shirt: Colour
    collar: float
    """Height at which the shirt begins on the base head, in metres."""
    texture_offsets: Floats
    """[8] in 0..1: where this person's skin lies in the noise textures."""
