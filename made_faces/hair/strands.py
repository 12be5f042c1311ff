"""Strands: thousands of hairs that follow the guide hairs with random deviations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.identity import Identity
from made_faces.hair.guides import Guides
from made_faces.hair.haircut import Haircut
from made_faces.renderer.camera import Camera
from made_faces.renderer.head_fit import SKULL, HeadFit
from made_faces.renderer.overlays import Strokes, project_paths, rasterise_strokes
from made_faces.renderer.shading import SCATTERED, halfway
from made_faces.scene.scene import Lighting
from made_faces.surface import Canvas, Floats, unit


def shade_hair(
    along: Floats, outward: Floats, ambient_occlusion: Floats, tint: Floats, lighting: Lighting
) -> Floats:
    """[..., 3] light reflected by hairs, after Kajiya and Kay, with the shadow of the hair volume.

    along, outward [..., 3]: unit vectors along the hair and away from the head; ambient_occlusion
    [...]: 0 deep inside the hair to 1 at its surface; tint [..., 3]: colour of the hair.
    """
    sky = lighting.ambient * (0.6 + 0.4 * outward[..., 2:])
    matte = sky * ambient_occlusion[..., None]
    for direction, colour in (
        (lighting.key, lighting.key_colour),
        (lighting.fill, lighting.fill_colour),
    ):
        cosine = along @ direction
        thread = np.sqrt(np.clip(1 - np.square(cosine), 0, 1))
        # Shadow of the volume itself, soft since light passes between the hairs.
        facing = np.clip((outward @ direction + 0.35) / 1.35, 0, 1)
        matte = matte + (thread * facing * ambient_occlusion)[..., None] * (
            colour * np.float32(0.8)
        )
    back = np.clip(outward @ lighting.rim, 0, 1) * np.float32(lighting.rim_strength)
    matte = matte + back[..., None]
    shine = _shine(along, outward, lighting) * ambient_occlusion
    light = tint * matte * SCATTERED
    light = light + shine[..., None] * lighting.key_colour * (np.float32(0.013) + 0.25 * tint)
    return np.asarray(light, np.float32)


def _shine(along: Floats, outward: Floats, lighting: Lighting) -> Floats:
    """[...] the highlight across combed hair."""
    # The scales of a hair tilt its highlight towards the root.
    tilted = along @ halfway(lighting) + np.float32(0.08)
    band = np.power(np.clip(1 - np.square(tilted), 0, 1), np.float32(24))
    shine: Floats = band * np.clip(outward @ lighting.key + 0.2, 0, 1)
    return shine


_SPREAD = 0.0052
"""Standard deviation in metres of the distance between strand and guide."""
_SLACK = 0.004
"""Metres by which a strand may lie behind the canvas and still be visible; it is thicker than a
line."""
_COVER = np.float32(0.75)
"""Alpha of a strand between root and tip."""
_GRAY = np.float32(0.24)
"""Colour of hair without pigment as seen among other hair."""


@dataclass(frozen=True)
class Strands:
    """Strands around the base head."""

    points: Floats
    """[S, K, 3] metres, from root to tip."""
    layer: Floats
    """[S] 0 on the skin to 1 on top."""
    tone: Floats
    """[S] brightness factor, about 1."""


def grow_strands(guides: Guides, cut: Haircut, count: int) -> Strands:
    """Grow about `count` strands, the same number along each guide."""
    rng = np.random.default_rng([7, *cut.seed])
    guides_count, points, _ = guides.points.shape
    each = max(1, count // max(guides_count, 1))
    owner = np.repeat(np.arange(guides_count), each)
    shortened = guides.ends[owner] * rng.uniform(0.8, 1.0, len(owner))
    path = _cut(guides.points, owner, shortened.astype(np.float32))
    outward = unit(path - SKULL)
    along = unit(np.gradient(path, axis=1))
    aside = unit(np.cross(along, outward))
    part = np.linspace(0, 1, points, dtype=np.float32)
    # Locks: the strands of a guide converge towards the tip.
    spread = np.float32(_SPREAD) * (1 - np.float32(cut.clumping) * part)
    own = rng.standard_normal((3, len(owner), 1), np.float32)
    stray = rng.standard_normal((2, len(owner), points), np.float32).cumsum(axis=2)
    stray *= np.float32(0.0006 * cut.frizz) * part
    sideways = own[0] * spread + stray[0]
    lift = np.abs(own[1]) * np.float32(0.0012) * part + stray[1] * np.float32(0.6)
    if cut.curl:
        bend, rise = _curls(path, owner, cut, rng)
        sideways, lift = sideways + bend, lift + rise
    moved = path + aside * sideways[:, :, None] + outward * lift[:, :, None]
    # Roots are also scattered along the hair.
    moved += along * (own[2] * np.float32(0.003) * (1 - part))[:, :, None]
    lock = rng.lognormal(0, 0.13, size=(guides_count,))[owner]
    tone = lock * rng.lognormal(0, 0.12, len(owner))
    return Strands(moved.astype(np.float32), guides.layer[owner], tone.astype(np.float32))


def _cut(paths: Floats, owner: NDArray[np.intp], ends: Floats) -> Floats:
    """Resample the points [G, K, 3] of each strand's guide over the part before its end."""
    count = paths.shape[1]
    place = np.linspace(0, 1, count, dtype=np.float32) * ends[:, None] * np.float32(count - 1)
    before = np.minimum(place.astype(np.int32), count - 2)
    part = (place - before)[:, :, None]
    flat = paths.reshape(-1, 3)
    first = owner[:, None] * count + before
    cut: Floats = flat.take(first, axis=0) * (1 - part) + flat.take(first + 1, axis=0) * part
    return cut


def _curls(
    path: Floats, owner: NDArray[np.intp], cut: Haircut, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """[S, K] sideways and outward displacement in metres of curls, shared by a lock."""
    steps = np.linalg.norm(np.diff(path, axis=1, prepend=path[:, :1]), axis=2)
    metres = steps.cumsum(axis=1)
    lock = rng.uniform(0, 2 * np.pi, int(owner.max(initial=0)) + 1)[owner]
    phase = (lock + rng.normal(0, 0.7, len(path))).astype(np.float32)
    rate = (cut.curl_turns * rng.normal(1, 0.12, len(path))).astype(np.float32)
    angle = phase[:, None] + np.float32(2 * np.pi) * rate[:, None] * metres
    radius = np.float32(cut.curl) * np.minimum(metres / np.float32(0.02), 1)
    return np.sin(angle) * radius, np.cos(angle) * radius


def shade_strands(
    canvas: Canvas,
    strands: Strands,
    fit: HeadFit,
    identity: Identity,
    cut: Haircut,
    camera: Camera,
    lighting: Lighting,
) -> Strokes:
    """Shade each strand and rasterise it as strokes in front of the canvas."""
    rng = np.random.default_rng([8, *cut.seed])
    count, points, _ = strands.points.shape
    placed = fit.to_posed(strands.points)
    middle = (strands.points[:, 1:] + strands.points[:, :-1]) / 2
    steps: Floats = np.diff(placed, axis=1)
    along = unit(steps)
    outward = fit.turn_directions(unit(np.asarray(middle - SKULL, np.float32)))
    part = np.linspace(0, 1, points - 1, dtype=np.float32)
    # Roots are in the shadow of the hair above them.
    shallow = np.clip(0.6 * (strands.layer[:, None] + part), 0, 1)
    ambient_occlusion: Floats = (0.4 + 0.6 * shallow).astype(np.float32)
    gray = rng.random((count, 1)) < cut.gray
    pigment = np.where(gray, 0.6 * identity.hair + 0.4 * _GRAY, identity.hair)
    tint: Floats = (pigment * strands.tone[:, None]).astype(np.float32)[:, None]
    colour = shade_hair(along, outward, ambient_occlusion, tint, lighting)
    # Transparent at the tip and at the root.
    fade = np.clip((1 - part) * 3.5, 0.25, 1) * np.clip(0.4 + part * 5, 0, 1)
    rank = rng.normal(0, 0.9, count) + strands.layer * 1.5
    return rasterise_strokes(
        canvas,
        project_paths(camera, placed).reshape(-1, 2, 3),
        colour.reshape(-1, 3),
        np.tile(_COVER * fade, count).astype(np.float32),
        np.repeat(rank, points - 1).astype(np.float32),
        _SLACK,
    )
