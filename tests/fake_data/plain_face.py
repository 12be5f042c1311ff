"""A face without a mesh: a curved grid of points with lips, and identities for its materials."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from made_faces.face_model.identity import Identity
from made_faces.hair.haircut import Haircut, haircut_of
from made_faces.materials.skin_points import SkinPoints, head_noise_u
from made_faces.surface import Floats, Region, Surface

PIXEL = 0.0005
"""Distance between neighbouring points in metres."""
WIDTH, HEIGHT = 321, 601
BOTTOM = 0.56
"""Height of the lowest row in metres."""
EYE_CENTRE = np.array([0.031, -0.1245, 0.7284], np.float32)
EYE_RADIUS = 0.015


def make_identity(**features: Any) -> Identity:
    """Return a shaven adult man of medium skin without freckles, with some attributes replaced."""
    plain = Identity(
        number=1,
        age=0.5,
        female=0.0,
        ancestry=(0.2, 0.3, 0.5),
        weight=0.5,
        muscle=0.5,
        local_shapes={},
        skin=np.array([0.50, 0.33, 0.24], np.float32),
        darkness=0.3,
        blotches=1.0,
        freckles=0.0,
        gloss=0.4,
        lips=np.array([0.44, 0.10, 0.10], np.float32),
        lip_tint=0.4,
        iris=np.array([0.10, 0.05, 0.02], np.float32),
        hair=np.array([0.03, 0.02, 0.01], np.float32),
        hair_style="short",
        hairline=0.797,
        parting=0.0,
        volume=1.0,
        beard=0.0,
        brow_width=1.0,
        brow_density=0.85,
        brow_lift=0.0,
        lashes=0.5,
        shirt=np.array([0.05, 0.10, 0.50], np.float32),
        collar=0.60,
        texture_offsets=np.array([0.1, 0.7, 0.3, 0.9, 0.5, 0.2, 0.8, 0.4], np.float32),
    )
    return replace(plain, **features)


def cut_of(**features: Any) -> Haircut:
    """Return the haircut of such an identity, which must not be bald."""
    cut = haircut_of(make_identity(**features))
    assert cut is not None
    return cut


def grid() -> tuple[Floats, Floats, Floats]:
    """x, y and z of the points, each [HEIGHT * WIDTH], rows from the top."""
    across = np.linspace(-(WIDTH // 2), WIDTH // 2, WIDTH) * PIXEL
    heights = BOTTOM + np.arange(HEIGHT)[::-1] * PIXEL
    columns, rows = np.meshgrid(across, heights)
    depth = -0.15 + 8 * np.square(columns)
    x, y, z = (part.ravel().astype(np.float32) for part in (columns, depth, rows))
    return x, y, z


def lip_shape(x: Floats, z: Floats) -> Floats:
    """1 inside the lips, decreasing to 0 over 4 mm."""
    apart = np.hypot(x / 0.026, (z - 0.660) / 0.012)
    return np.clip(1 - (apart - 1) * 4, 0, 1).astype(np.float32)


def face_points(pixel: float = PIXEL) -> SkinPoints:
    """Return the grid as skin points; `pixel` sets the assumed size of a pixel."""
    x, y, z = grid()
    return SkinPoints(
        x=x,
        y=y,
        z=z,
        lips=lip_shape(x, z),
        eyelids=np.zeros_like(x),
        ears=np.zeros_like(x),
        noise_u=head_noise_u(x, y),
        offsets=make_identity().texture_offsets,
        pixel=pixel,
    )


def picture(values: Floats) -> Floats:
    """Reshape values of the grid to [HEIGHT, WIDTH] or [HEIGHT, WIDTH, 3]."""
    return values.reshape(HEIGHT, WIDTH, *values.shape[1:])


def surface() -> Surface:
    """Return the grid as a surface, with a row of each other region at its top."""
    x, y, z = grid()
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].reshape(2, -1).astype(np.int32)
    points = np.stack([x, y, z], axis=1)
    regions = np.full(len(x), Region.SKIN, np.uint8)
    for number, region in enumerate([region for region in Region if region != Region.SKIN]):
        regions[rows == number] = region
    uv = np.stack([x / 0.4 + 0.5, (z - 0.5) / 0.4], axis=1)
    normal = np.tile(np.array([0, -1, 0], np.float32), (len(x), 1))
    return Surface(rows, columns, points, points, normal, uv.astype(np.float32), regions)


def plain_head() -> Any:
    """Return what materials need of a Head: two eyeballs, and masks over the uv of the grid."""
    size = 256
    texel = (np.arange(size, dtype=np.float32) + 0.5) / size
    u, v = np.meshgrid(texel, texel[::-1])
    lips = lip_shape((u - 0.5) * 0.4, v * 0.4 + 0.5)
    ends = np.array([[1, 1, 1], [-1, -1, -1]], np.float32) * EYE_RADIUS
    mirrored = EYE_CENTRE * np.array([-1, 1, 1], np.float32)
    return SimpleNamespace(
        template=np.concatenate([EYE_CENTRE + ends, mirrored + ends]),
        eyes=(np.array([0, 1], np.int32), np.array([2, 3], np.int32)),
        masks={"lips": lips, "eyelids": np.zeros_like(lips), "ears": np.zeros_like(lips)},
    )
