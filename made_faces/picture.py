"""A recipe carried out: heads rendered, put before their background and photographed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from fer_det.core.box import FaceBox
from made_faces.expression.action_units import facial_actions
from made_faces.face_model.head import Head, load_head
from made_faces.recipe import Figure, Recipe
from made_faces.render import RenderedHead, render_head
from made_faces.renderer.framing import aim
from made_faces.scene.background import draw_background
from made_faces.scene.indoors import draw_studio
from made_faces.scene.photograph import photograph
from made_faces.surface import Floats


@dataclass(frozen=True)
class MadePicture:
    """A picture's file and where the labelled face is in it, in pixels from 0."""

    jpeg: bytes
    box: FaceBox
    """Of the face's own mesh, brow to chin; it can exceed the picture."""
    landmarks: Floats
    """[5, 2] RAF-DB's: eyes, tip of the nose, corners of the mouth; the one on the left first."""
    landmarks68: Floats
    """[68, 2] iBUG's."""


Maker = Callable[[Recipe], MadePicture]
"""What turns recipes into pictures; a module's own function, so that it can travel to a process."""


def make_picture(recipe: Recipe) -> MadePicture:
    """Render and photograph a recipe; the same recipe gives the same bytes."""
    head = _load_head()
    labelled = _render(head, recipe.figure, recipe.laboratory)
    far_to_near = [labelled]
    if recipe.company is not None:
        far_to_near.insert(0, _render(head, recipe.company, laboratory=False))
    height, width = labelled.canvas.alpha.shape
    scene = recipe.figure.scene
    jpeg = photograph(
        [each.canvas for each in far_to_near],
        _draw_background(recipe, width, height),
        scene.film,
        scene.width,
        scene.height,
        np.random.default_rng(recipe.film_seed),
    )
    return MadePicture(jpeg, labelled.box, labelled.landmarks, labelled.landmarks68)


def _render(head: Head, figure: Figure, laboratory: bool) -> RenderedHead:
    shape = head.shape(figure.identity)
    actions = facial_actions(figure.units, figure.blink)
    # Aimed at the neutral face, so that the camera stands still while the face moves.
    camera = aim(head, shape, figure.scene) if laboratory else None
    return render_head(head, figure.identity, actions, figure.scene, shape, camera)


def _draw_background(recipe: Recipe, width: int, height: int) -> Floats:
    seed = recipe.figure.scene.background
    if recipe.laboratory:
        return draw_studio(np.random.default_rng(seed), height, width)
    return draw_background(width, height, seed)


@cache
def _load_head() -> Head:
    """Once a process, which keeps to one thread: others make other pictures meanwhile."""
    cv2.setNumThreads(1)
    return load_head()
