"""The hair of a head, from its roots to its soft edge, and the darkness that it casts."""

from __future__ import annotations

import numpy as np

from made_faces.face_model.head import Head
from made_faces.face_model.identity import Identity
from made_faces.hair.curtain import light_curtain
from made_faces.hair.guides import grow_guides
from made_faces.hair.haircut import flattened, haircut_of
from made_faces.hair.shells import light_shell
from made_faces.hair.strands import grow_strands, light_strands
from made_faces.renderer.camera import Camera
from made_faces.renderer.head_fit import fit_head
from made_faces.renderer.overlays import cast_soft_shadow, cover_of, lay
from made_faces.renderer.strokes import lay_strokes
from made_faces.scene.scene import Lighting
from made_faces.surface import Canvas, Floats
from made_faces.worn.hat import Headgear

_DOWN = np.array([0, 0, -1], np.float32)
_USUAL_SCALE = 1100.0
"""Pixels a metre at which a haircut's number of strands fills the hair."""
_LEAST_STRANDS, _MOST_STRANDS = 0.6, 2.0
"""Parts of that number: a stroke is a pixel wide, so a larger head needs more, a smaller fewer."""
_SHADOW_FALL = 0.007
"""Metres by which the shadow of hair is thrown on the skin below it."""


def draw_hair(
    canvas: Canvas,
    head: Head,
    identity: Identity,
    points: Floats,
    camera: Camera,
    lighting: Lighting,
    headgear: Headgear = "none",
) -> None:
    """Draw the hair of a head whose posed vertices are `points` [V, 3]; a bald one has none.

    headgear: what is worn, drawn already; it presses the hair down, and a scarf covers all of it.
    """
    cut = haircut_of(identity)
    if cut is None or headgear == "scarf":
        return
    if headgear != "none":
        cut = flattened(cut)
    fit = fit_head(head, points)
    seen, colour, alpha = light_shell(canvas, fit, identity, cut, camera, lighting)
    lay(canvas, seen, colour, alpha)
    cover = cover_of(canvas, seen, alpha)
    guides = grow_guides(fit.disc, cut, fit.unturn(_DOWN), cut.points)
    if cut.hangs:
        curtain = light_curtain(canvas, guides, fit, identity, camera, lighting)
        lay_strokes(canvas, curtain)
        cover.reshape(-1)[curtain.pixels] = curtain.alpha
    scale = camera.pixels_per_metre / _USUAL_SCALE
    count = int(cut.strands * np.clip(scale, _LEAST_STRANDS, _MOST_STRANDS))
    strands = grow_strands(guides, cut, count)
    strokes = light_strands(canvas, strands, fit, identity, cut, camera, lighting)
    flat = cover.reshape(-1)
    flat[strokes.pixels] = np.maximum(flat[strokes.pixels], strokes.alpha)
    cast_soft_shadow(canvas, cover, camera, lighting, _SHADOW_FALL)
    lay_strokes(canvas, strokes)
