"""The bulk of the hair: a dark shell over the scalp, thinning out softly where hair ends."""

from __future__ import annotations

import numpy as np

from made_faces.curves import smooth_step
from made_faces.face_model.identity import Identity
from made_faces.geometry import grid_triangles, vertex_normals
from made_faces.hair.haircut import Haircut
from made_faces.hair.hairline import above_hairline, hair_density, hair_thickness
from made_faces.noise import noise
from made_faces.renderer.camera import Camera
from made_faces.renderer.head_fit import SKULL, HeadFit, off_disc, sample
from made_faces.renderer.overlays import SeenPoints, see
from made_faces.renderer.plain_light import light_matte
from made_faces.scene.scene import Lighting
from made_faces.surface import Canvas, Floats

_GRID = 56
"""Vertices along a side of the shell's grid over the disc of directions."""
_SHADE = 0.58
"""Part of the light that reaches the inside of the hair."""


def light_shell(
    canvas: Canvas,
    fit: HeadFit,
    identity: Identity,
    cut: Haircut,
    camera: Camera,
    lighting: Lighting,
) -> tuple[SeenPoints, Floats, Floats]:
    """The points of the shell that the camera sees, their colour [P, 3] and alpha [P]."""
    directions = off_disc(_GRID).reshape(-1, 3)
    skin = SKULL + directions * sample(fit.disc.radius, directions)[:, None]
    height = hair_thickness(skin, cut) * np.float32(cut.bulk)
    if cut.combing == "outward":
        height = height * (1 + np.float32(0.14) * noise("low", skin[:, 0] * 5, skin[:, 2] * 5))
    placed = fit.place(skin + directions * height[:, None])
    triangles = grid_triangles(_GRID, _GRID)
    triangles = triangles[hair_density(skin, cut)[triangles].max(axis=1) > 0]
    normals = vertex_normals(placed, triangles)
    seen = see(canvas, camera, placed, normals, skin, triangles, cull=False, slack=0.003)
    place = seen.values
    # The density is asked anew for each pixel: between vertices the hairline has more detail.
    ragged = np.float32(0.0025) * noise("low", place[:, 0] * 6, place[:, 2] * 6)
    behind = smooth_step(-0.006, cut.thinning, above_hairline(place, cut) + ragged)
    alpha = smooth_step(0.15, 1.0, hair_density(place, cut)) * (0.25 + 0.75 * behind)
    # Seen edge-on the shell is thin, so that only strands make the outline.
    alpha *= smooth_step(
        0.0, 0.3, -seen.normal[:, 1] + 0.06 * noise("fine", place[:, 0], place[:, 2])
    )
    light = light_matte(seen.normal, lighting, wrap=0.35)
    curls = np.float32(0.35 if cut.combing == "outward" else 0.0)
    fleck = 1 + curls * noise("fine", place[:, 0] * 2 + place[:, 1], place[:, 2] * 2 + place[:, 1])
    fleck += np.float32(0.12) * noise("low", place[:, 0] * 6 + place[:, 1] * 5, place[:, 2] * 6)
    colour = identity.hair * light * (np.float32(_SHADE) * fleck)[:, None]
    return seen, np.maximum(colour, 0).astype(np.float32), np.float32(cut.cover) * alpha
