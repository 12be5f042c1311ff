"""Synthetic identities: their attributes, random sampling, and weights of whole-body targets.

MakeHuman has one target for each combination of extremes (sex, age, ancestry, muscle, weight). An
identity lies between the extremes, and the weight of a target is the product of linear
interpolation weights along each scale. The positions of the extremes follow Anny (Bregier et al.,
"Anny", 2025): ages are evenly spaced from a baby at 0 over child and young to old at 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from made_faces.face_model.local_shapes import LOCAL_SHAPE_DEVIATIONS, SIDED_SHAPE_DEVIATIONS
from made_faces.surface import Floats
from made_faces.texture import interpolation_weights

HairStyle = Literal["short", "cap", "long", "buzz", "bald"]
Colour = Floats
"""[3] linear RGB."""


@dataclass(frozen=True)
class Identity:
    """A synthetic person: everything about a head that does not change with its expression."""

    number: int
    """The number that sample_identity made it from."""
    age: float
    """0.3 child, 0.5 teenager, 2/3 twenty-five years, 1 old; see years_from_age."""
    female: float
    """0 male to 1 female."""
    ancestry: tuple[float, float, float]
    """Fractions African, Asian, Caucasian of the shape; they sum to 1."""
    weight: float
    muscle: float
    """0 the minimum of MakeHuman's bodies to 1 the maximum."""
    local_shapes: dict[str, float]
    """Name of a local shape, such as nose-width1-incr, to its strength, -1 to 1."""
    skin: Colour
    darkness: float
    """0 the lightest skin to 1 the darkest."""
    blotches: float
    """Strength of colour variation of the skin, about 1."""
    freckles: float
    """0 none to about 1."""
    gloss: float
    """Roughness of the skin, about 0.4."""
    lips: Colour
    lip_tint: float
    """0 the skin's own colour to 1 the colour `lips`."""
    iris: Colour
    hair: Colour
    hair_style: HairStyle
    hairline: float
    """Height of the hairline on the base head in metres."""
    parting: float
    """x of the parting in metres."""
    volume: float
    """Scale of the thickness of the hair, about 1."""
    beard: float
    """0 none to 0.9 full."""
    brow_width: float
    """Scale of the height of the brows, about 1."""
    brow_density: float
    """Fraction of the skin covered by brow hairs, about 0.8."""
    brow_lift: float
    """Metres above the average position."""
    lashes: float
    """Darkness of the lashes, 0 to 1."""
    shirt: Colour
    collar: float
    """Height at which the shirt begins on the base head, in metres."""
    texture_offsets: Floats
    """[8] in 0..1: offsets of this identity in the noise textures."""


ANCESTRIES = ("african", "asian", "caucasian")
_AGES = {"baby": 0.0, "child": 1 / 3, "young": 2 / 3, "old": 1.0}
_YEARS = {"baby": 1.0, "child": 10.0, "young": 25.0, "old": 90.0}
"""Years that MakeHuman's bodies stand for."""
_SEXES = {"male": 0.0, "female": 1.0}
_MUSCLES = {"minmuscle": 0.0, "averagemuscle": 0.5, "maxmuscle": 1.0}
_WEIGHTS = {"minweight": 0.0, "averageweight": 0.5, "maxweight": 1.0}


def body_target_names() -> list[str]:
    """Return all targets that body_target_weights may use."""
    bodies = [f"{sex}-{age}" for sex in _SEXES for age in _AGES]
    builds = [f"{muscle}-{weight}" for muscle in _MUSCLES for weight in _WEIGHTS]
    return [
        *(f"{ancestry}-{body}" for ancestry in ANCESTRIES for body in bodies),
        *(f"universal-{body}-{build}" for body in bodies for build in builds),
    ]


def body_target_weights(identity: Identity) -> dict[str, float]:
    """Return the body targets of an identity with their weights, none of them 0."""
    weights: dict[str, float] = {}
    muscles, fats = _interpolate(identity.muscle, _MUSCLES), _interpolate(identity.weight, _WEIGHTS)
    for sex, sex_part in _interpolate(identity.female, _SEXES).items():
        for age, age_part in _interpolate(identity.age, _AGES).items():
            part = sex_part * age_part
            for ancestry, share in zip(ANCESTRIES, identity.ancestry, strict=True):
                weights[f"{ancestry}-{sex}-{age}"] = part * share
            for muscle, muscle_part in muscles.items():
                for fat, fat_part in fats.items():
                    weights[f"universal-{sex}-{age}-{muscle}-{fat}"] = part * muscle_part * fat_part
    return {name: weight for name, weight in weights.items() if weight}


def age_from_years(years: float) -> float:
    """Convert years to Identity.age."""
    return float(np.interp(years, list(_YEARS.values()), list(_AGES.values())))


def years_from_age(age: float) -> float:
    """Convert Identity.age to years."""
    return float(np.interp(age, list(_AGES.values()), list(_YEARS.values())))


def _interpolate(value: float, places: Mapping[str, float]) -> dict[str, float]:
    """Return the one or two nearest positions to `value` with their interpolation weights."""
    (parts,) = interpolation_weights(np.array([value]), np.array(list(places.values()))).tolist()
    return {name: part for name, part in zip(places, parts, strict=True) if part}


_STREAM = 11
"""Separates these random numbers from others of the same seed."""

_AGE_GROUPS = ((4, 12), (12, 20), (20, 40), (40, 70), (70, 88))
"""Years, the upper bound exclusive."""
_AGE_SHARES = (0.07, 0.10, 0.47, 0.28, 0.08)

_SKIN_TONES = (
    (236, 200, 180), (225, 184, 158), (214, 168, 138), (198, 146, 112),
    (172, 120, 88), (140, 94, 66), (105, 68, 48), (80, 52, 38),
)  # fmt: skip
"""sRGB, from the lightest to the darkest."""
_USUAL_TONES = (5.3, 1.6, 0.8)
"""Mean position of African, Asian and Caucasian skin on that scale."""
_TONE_SPREAD = 0.9

_HAIR_COLOURS = (
    (28, 22, 20), (48, 34, 26), (82, 56, 36), (120, 84, 50), (170, 130, 84), (120, 56, 30),
)  # fmt: skip
"""sRGB: black, dark brown, brown, light brown, blond, red."""
_HAIR_SHARES_MIXED = (0.40, 0.27, 0.16, 0.07, 0.06, 0.04)
_HAIR_SHARES_DARK = (0.80, 0.17, 0.03, 0.0, 0.0, 0.0)
_GRAY = (178, 176, 172)

_IRIS_COLOURS = ((70, 44, 28), (92, 60, 34), (110, 92, 50), (86, 110, 120), (90, 120, 86))
"""sRGB: dark brown, brown, hazel, blue, green."""
_IRIS_SHARES_MIXED = (0.42, 0.25, 0.12, 0.14, 0.07)
_IRIS_SHARES_DARK = (0.75, 0.23, 0.02, 0.0, 0.0)

_LIP_COLOURS = ((178, 92, 88), (160, 70, 72), (190, 100, 100), (150, 48, 58))

_HAIR_STYLES: tuple[HairStyle, ...] = ("short", "cap", "long", "buzz", "bald")
_FEMALE_STYLE_SHARES = (0.15, 0.22, 0.60, 0.03, 0.0)
_MALE_STYLE_SHARES = (0.48, 0.24, 0.08, 0.20, 0.0)

_ADULT_YEARS = 18
"""Years from which men may have a beard and women may wear lip colour."""


def sample_identity(seed: int, number: int) -> Identity:
    """Sample the identity of that number; the same arguments give the same identity."""
    rng = np.random.default_rng([_STREAM, seed, number])
    years = _sample_years(rng)
    female = bool(rng.random() < 0.5)
    ancestry = rng.dirichlet((0.5, 0.5, 0.5))
    tone = float(np.clip(ancestry @ _USUAL_TONES + rng.normal(0, _TONE_SPREAD), 0, 7))
    mixed = bool(ancestry[2] > 0.5)
    dyed = rng.random() < (0.5 if female else 0.05)
    hair = _sample_hair_colour(rng, mixed, years, dyed)
    iris_shares = _IRIS_SHARES_MIXED if ancestry[2] > 0.4 else _IRIS_SHARES_DARK
    tinted = female and years >= _ADULT_YEARS and rng.random() < 0.4
    return Identity(
        number=number,
        age=age_from_years(years),
        female=float(rng.uniform(0.7, 1.0) if female else rng.uniform(0.0, 0.3)),
        ancestry=(float(ancestry[0]), float(ancestry[1]), float(ancestry[2])),
        weight=float(rng.uniform(0.25, 0.8 if years >= 12 else 0.5)),
        muscle=float(rng.uniform(0.3, 0.7)),
        local_shapes=_sample_local_shapes(rng, years),
        skin=_skin_of_tone(tone),
        darkness=tone / (len(_SKIN_TONES) - 1),
        blotches=float(rng.uniform(0.5, 1.3)),
        freckles=float(max(0.0, rng.normal(-0.2, 0.4))) if tone < 2.5 else 0.0,
        gloss=float(rng.uniform(0.34, 0.50)),
        lips=_choose_colour(rng, _LIP_COLOURS),
        lip_tint=float(rng.uniform(0.2, 0.7) + (0.3 if tinted else 0.0)),
        iris=_choose_colour(rng, _IRIS_COLOURS, iris_shares) * np.float32(rng.uniform(0.8, 1.2)),
        hair=hair,
        hair_style=_sample_hair_style(rng, female, years),
        hairline=float(rng.normal(0.797, 0.006)),
        parting=float(rng.uniform(-0.03, 0.03)),
        volume=float(rng.uniform(0.6, 1.4)),
        beard=_sample_beard(rng) if not female and years >= _ADULT_YEARS else 0.0,
        brow_width=float(rng.uniform(0.8, 1.15) * (0.8 if female else 1.15)),
        brow_density=float(rng.uniform(0.65, 0.95) * (0.75 if years < 12 else 1.0)),
        brow_lift=float(rng.normal(0, 0.0012)),
        lashes=float(rng.uniform(0.5, 1.0) if female else rng.uniform(0.2, 0.5)),
        shirt=_srgb_to_linear(rng.uniform(12, 242, 3)),
        collar=float(rng.uniform(0.58, 0.605)),
        texture_offsets=rng.random(8).astype(np.float32),
    )


def _sample_years(rng: np.random.Generator) -> float:
    youngest, oldest = _AGE_GROUPS[int(rng.choice(len(_AGE_GROUPS), p=_AGE_SHARES))]
    return float(rng.uniform(youngest, oldest))


def _sample_local_shapes(rng: np.random.Generator, years: float) -> dict[str, float]:
    shapes = {}
    # The local targets are made for adults and too strong for small heads.
    grown = float(np.interp(years, (4, _ADULT_YEARS), (0.5, 1.0)))
    for name, spread in LOCAL_SHAPE_DEVIATIONS.items():
        shapes[name] = _sample_strength(rng, spread * grown)
    for name, spread in SIDED_SHAPE_DEVIATIONS.items():
        both = _sample_strength(rng, spread * grown)
        for side in "lr":
            # Faces are slightly asymmetric.
            shapes[f"{side}-{name}"] = both + float(rng.normal(0, 0.03))
    # In addition to the body targets, which age the skin of the face too little.
    shapes["head-age-incr"] += float(np.clip((years - 35) / 60, -0.2, 0.7))
    return shapes


def _sample_strength(rng: np.random.Generator, spread: float) -> float:
    return float(np.clip(rng.normal(0, spread), -2.5 * spread, 2.5 * spread))


def _sample_hair_colour(rng: np.random.Generator, mixed: bool, years: float, dyed: bool) -> Colour:
    shares = _HAIR_SHARES_MIXED if mixed else _HAIR_SHARES_DARK
    colour = _choose_colour(rng, _HAIR_COLOURS, shares) * np.float32(max(0.7, rng.normal(1, 0.1)))
    # Half of all heads are half gray at about 65 years.
    gray = float(np.clip((years - 65) / 40 + 0.5 + rng.normal(0, 0.2), 0, 0.97))
    # Squared: a little gray among dark hair is already visible.
    share = np.float32(0 if dyed else gray**2)
    return colour * (1 - share) + _srgb_to_linear(_GRAY) * share


def _sample_hair_style(rng: np.random.Generator, female: bool, years: float) -> HairStyle:
    shares = np.array(_FEMALE_STYLE_SHARES if female else _MALE_STYLE_SHARES)
    bald = 0.0 if female else float(np.interp(years, (25, 60), (0.0, 0.3)))
    shares = shares * (1 - bald)
    shares[_HAIR_STYLES.index("bald")] = bald
    return _HAIR_STYLES[int(rng.choice(len(_HAIR_STYLES), p=shares))]


def _sample_beard(rng: np.random.Generator) -> float:
    kind = rng.random()
    if kind < 0.45:
        return 0.0
    return float(rng.uniform(0.1, 0.4) if kind < 0.8 else rng.uniform(0.5, 0.9))


def _skin_of_tone(tone: float) -> Colour:
    tones = _srgb_to_linear(_SKIN_TONES)
    steps = np.arange(len(tones))
    return np.array([np.interp(tone, steps, tones[:, c]) for c in range(3)], np.float32)


def _choose_colour(
    rng: np.random.Generator,
    colours: Sequence[tuple[int, int, int]],
    shares: Sequence[float] | None = None,
) -> Colour:
    return _srgb_to_linear(colours[int(rng.choice(len(colours), p=shares))])


def _srgb_to_linear(colour: object) -> Floats:
    """Convert sRGB of 0 to 255 to linear light of 0 to 1."""
    return ((np.asarray(colour, np.float32) / 255) ** np.float32(2.2)).astype(np.float32)
