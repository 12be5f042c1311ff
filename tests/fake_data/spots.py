"""Fast replacements for rendering: a coloured spot at the position of the face."""

from __future__ import annotations

import os

import numpy as np
from fake_data.faces import COLOURS

from fer_det.core.box import FaceBox
from fer_det.imaging.decode import encode_jpeg
from made_faces.recipe import Recipe
from made_faces.render import MadePicture

LANDMARKS = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
"""As fractions of the box."""


def draw_spot(recipe: Recipe) -> MadePicture:
    """Draw a spot that FakeDetector finds; the recipe sets its position, size and background."""
    scene = recipe.subject.scene
    width, height = scene.width, scene.height
    column, row = (
        side * (0.5 + part / 4) for side, part in zip((width, height), scene.offset, strict=True)
    )
    half = height * (0.2 + 0.05 * recipe.intensity)
    box = FaceBox(column - 0.8 * half, row - half, column + 0.8 * half, row + half)
    y, x = np.mgrid[:height, :width] + 0.5
    inside = ((x - column) / box.width) ** 2 + ((y - row) / box.height) ** 2 < 0.25
    pixels = np.full((height, width, 3), 60 + recipe.subject.identity.number % 60, np.uint8)
    pixels[inside] = COLOURS[0]
    landmarks = np.array(LANDMARKS) * (box.width, box.height) + (box.x_min, box.y_min)
    return MadePicture(
        encode_jpeg(pixels),
        box,
        landmarks.astype(np.float32),
        np.repeat(landmarks[2:3], 68, axis=0).astype(np.float32),
    )


def die(recipe: Recipe) -> MadePicture:
    """End the process, as a lack of memory would."""
    os._exit(9)
