"""Recipes: all settings of one picture (identity, expression, photograph), sampled from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from made_faces.expression import sample_units
from made_faces.face_model.identity import Identity, sample_identity
from made_faces.layouts.assignment import PhotoAssignment, SequenceAssignment
from made_faces.scene.scene import CameraEffects, Scene, sample_scene

FORMAT = 1
"""Increase when the same settings give other pictures."""

BYSTANDER_SHARE = 0.06
"""Fraction of the photos with a second person further back."""
BLINK = (0.0, 0.12)
"""Range of how far the lids of open eyes are closed, 0 to 1."""
BYSTANDER_BODY_HEIGHTS = 1.8
"""Distance, in units of brow to chin, from the centre of a bystander's face down to where the body
surely reaches. scene.scene uses a larger value for the subject; one value for both would change the
pictures."""
SEQUENCE_SIZE = (320, 245)
"""Width and height of rendered sequences: half of CK+'s, whose video holds no more detail."""

_PHOTO, _SEQUENCE = 11, 12
"""Separate the random numbers of photos and sequences."""
_FACE, _SCENE, _BYSTANDER, _NOISE = range(4)
"""Separate the random numbers of the parts of a picture, so that each can use any amount of them.
"""


@dataclass(frozen=True)
class Subject:
    """One person in a picture."""

    identity: Identity
    units: Mapping[str, float]
    """Action units and their weights."""
    blink: float
    scene: Scene


@dataclass(frozen=True)
class Recipe:
    """Settings of one picture."""

    expression: Expression
    """Expression of the labelled face."""
    intensity: float
    """0 neutral, 1 full strength; a little more is possible."""
    subject: Subject
    """The labelled person."""
    bystander: Subject | None
    """A second person further back without a label."""
    laboratory: bool
    """Whether it is taken as in CK+: a fixed camera for the whole sequence and a plain backdrop."""
    noise_seed: tuple[int, ...]
    """Seed of the image noise."""


def sample_photo(seed: int, photo: PhotoAssignment, variety: float) -> Recipe:
    """Sample the recipe of one photo, a pure function of the arguments.

    variety: 0 studio portraits to 1 anything people photograph. At 0 every expression has nearly
    full strength, at 1 some are weak.
    """
    key = (seed, _PHOTO, photo.index)
    rng = np.random.default_rng([*key, _FACE])
    intensity = _sample_intensity(photo.expression, variety, rng)
    subject = Subject(
        identity=sample_identity(seed, photo.identity_number),
        units=sample_units(photo.expression, intensity, rng, variety),
        blink=float(rng.uniform(*BLINK)),
        scene=sample_scene(np.random.default_rng([*key, _SCENE]), variety),
    )
    bystander = None
    rng = np.random.default_rng([*key, _BYSTANDER])
    if rng.random() < BYSTANDER_SHARE:
        subject, bystander = _add_bystander(seed, photo, subject, variety, rng)
    return Recipe(
        expression=photo.expression,
        intensity=intensity,
        subject=subject,
        bystander=bystander,
        laboratory=False,
        noise_seed=(*key, _NOISE),
    )


def sample_frame(seed: int, sequence: SequenceAssignment, frame: int) -> Recipe:
    """Sample the recipe of frame 0, 1, ... of a sequence, a pure function of the arguments.

    The first frame is neutral, the last is the peak; unlabelled sequences stay weak.
    """
    key = (seed, _SEQUENCE, sequence.index)
    rng = np.random.default_rng([*key, _FACE])
    peak = float(rng.uniform(0.85, 1.1) if sequence.labelled else rng.uniform(0.25, 0.4))
    units = sample_units(sequence.expression, peak, rng, 0.0)
    part = _onset(sequence.frames, rng)[frame]
    blink = float(rng.uniform(*BLINK))
    subject = Subject(
        identity=sample_identity(seed, sequence.identity_number),
        units={name: weight * part for name, weight in units.items()},
        blink=blink,
        scene=_sample_laboratory(np.random.default_rng([*key, _SCENE])),
    )
    return Recipe(
        expression=sequence.expression,
        intensity=peak * part,
        subject=subject,
        bystander=None,
        laboratory=True,
        noise_seed=(*key, _NOISE, frame),
    )


def _sample_intensity(expression: Expression, variety: float, rng: np.random.Generator) -> float:
    if expression is Expression.NEUTRAL:
        return 0.0
    return float(rng.uniform(0.9 - 0.45 * variety, 1.1 + 0.1 * variety))


def _onset(frames: int, rng: np.random.Generator) -> list[float]:
    """Sample the intensity of each frame relative to the peak: a short rest, then a smooth rise to
    1.
    """
    still = int(rng.integers(1, 4))
    time = np.clip((np.arange(frames) - still + 1) / (frames - still), 0, 1)
    rise = (time * time * (3 - 2 * time)) ** rng.uniform(0.7, 1.3)
    return [float(part) for part in rise]


def _sample_laboratory(rng: np.random.Generator) -> Scene:
    """Sample a studio portrait as in CK+: frontal, centred, mostly gray."""
    studio = sample_scene(rng, 0.0)
    width, height = SEQUENCE_SIZE
    effects = CameraEffects(
        exposure=float(rng.normal(0, 0.15)),
        saturation=0.9,
        gray=bool(rng.random() < 0.9),
        blur=0.45,
        motion=0.0,
        motion_angle=0.0,
        noise=float(rng.uniform(0.004, 0.012)),
        shrink=1.0,
        quality=95,
    )
    return replace(
        studio,
        width=width,
        height=height,
        yaw=float(rng.normal(0, 3)),
        pitch=float(rng.normal(0, 3)),
        roll=float(rng.normal(0, 2)),
        face_fraction=float(rng.uniform(0.42, 0.5)),
        offset=(float(rng.normal(0, 0.02)), float(rng.normal(0.02, 0.02))),
        effects=effects,
        glasses="none",
        mask=False,
        hand=False,
        hat=False,
    )


def _add_bystander(
    seed: int, photo: PhotoAssignment, subject: Subject, variety: float, rng: np.random.Generator
) -> tuple[Subject, Subject]:
    """Move the subject aside and add a bystander of the same split."""
    side = 1 if rng.random() < 0.5 else -1
    scene = _widen(subject.scene, -side, rng)
    others = [number for number in photo.split_identities if number != photo.identity_number]
    expression = BASIC_EXPRESSIONS[int(rng.integers(len(BASIC_EXPRESSIONS)))]
    intensity = _sample_intensity(expression, variety, rng)
    bystander = Subject(
        identity=sample_identity(seed, others[int(rng.integers(len(others)))]),
        units=sample_units(expression, intensity, rng, variety),
        blink=float(rng.uniform(*BLINK)),
        scene=_further_back(sample_scene(rng, variety), scene, side, rng),
    )
    return replace(subject, scene=scene), bystander


def _widen(scene: Scene, side: int, rng: np.random.Generator) -> Scene:
    """Return the scene in a wider picture, with the face on one side at the same size."""
    height = scene.height
    return replace(
        scene,
        width=2 * round(height * rng.uniform(1.35, 1.6) / 2),
        face_fraction=scene.face_fraction * min(scene.width, height) / height,
        offset=(side * float(rng.uniform(0.14, 0.22)), scene.offset[1]),
    )


def _further_back(own: Scene, shared: Scene, side: int, rng: np.random.Generator) -> Scene:
    """Return the bystander's scene: its own pose, light and picture shared with the subject."""
    part = float(rng.uniform(0.4, 0.65))
    face_fraction = shared.face_fraction * part
    # As high as the subject if the body then reaches the lower edge of the picture.
    down = max(
        shared.offset[1] + float(rng.uniform(-0.08, 0.08)),
        0.5 - BYSTANDER_BODY_HEIGHTS * face_fraction,
    )
    return replace(
        own,
        width=shared.width,
        height=shared.height,
        distance=shared.distance / part,
        face_fraction=face_fraction,
        offset=(side * float(rng.uniform(0.24, 0.34)), down),
        lighting=shared.lighting,
        effects=shared.effects,
        background_seed=shared.background_seed,
    )
