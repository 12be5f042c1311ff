"""Haircuts: what an Identity leaves open is sampled from its texture offsets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from made_faces.face_model.identity import Identity

Combing = Literal["forward", "parted", "back", "tied", "outward"]
SEED_SCALE = 1 << 20
"""Scale by which texture offsets are converted to integers."""


@dataclass(frozen=True)
class Haircut:
    """A hairstyle on the base head; lengths in metres."""

    combing: Combing
    length: float
    """Of the hair on top of the head."""
    side_length: float
    thickness: float
    """Of the layer of hair on top of the head."""
    side_thickness: float
    hairline: float
    """Height of the hairline above the nose, on the base head."""
    recession: float
    """How much higher the hairline is above the temples."""
    sideburns: float
    """Height of the lower end of the hair in front of the ears."""
    crown_loss: float
    """0 a full crown to 1 a bald crown."""
    parting: float
    """x of the parting."""
    fringe: float
    """Fraction of the front hair that hangs over the forehead, 0 to 1."""
    fringe_end: float
    """Height of the lower end of hair in front of the face."""
    curl: float
    """Radius of the curls."""
    curl_turns: float
    """Turns of a curl per metre of hair."""
    wave: float
    """Amplitude of waves that neighbouring hairs share."""
    wave_turns: float
    """Waves per metre of hair."""
    clumping: float
    """How closely the hairs of a lock meet at its tip, 0 to 1."""
    spikes: float
    """Distance by which tips stand off the head."""
    frizz: float
    """Random deviation of single hairs, about 1."""
    gray: float
    """Fraction of gray hairs."""
    hangs: bool
    """Whether the hair is long enough to hang past the ears."""
    bulk: float
    """Height of the dense inner shell as a fraction of the thickness."""
    cover: float
    """Alpha of the inner shell."""
    thinning: float
    """Distance behind the hairline over which the shell becomes dense; before it only strands."""
    strands: int
    """Number of single hairs."""
    points: int
    """Points along each hair."""
    seed: tuple[int, ...]
    """Seed of the positions of hairs."""


class _Samples(NamedTuple):
    """Uniform random numbers from 0 to 1 for what an Identity leaves open, in this order."""

    curls: float
    curl_size: float
    combing: float
    length: float
    thickness: float
    straight_front: float
    recession: float
    sideburns: float
    crown_loss: float
    fringe: float
    frizz: float
    gray: float
    fringe_end: float
    wave: float
    locks: float
    spikes: float


def haircut_of(identity: Identity) -> Haircut | None:
    """Return the haircut of an identity, always the same; None for a bald head."""
    if identity.hair_style == "bald":
        return None
    seed = tuple(int(part * SEED_SCALE) for part in identity.texture_offsets)
    rng = np.random.default_rng([5, *seed])
    chance = _Samples(*rng.random(len(_Samples._fields)).tolist())
    male = identity.female < 0.5
    old = float(np.clip((identity.age - 0.6) / 0.4, 0, 1))
    curl, turns = _curl(identity, chance.curls, chance.curl_size)
    long = identity.hair_style == "long"
    combing = _combing(identity, chance.combing, curl)
    length, side_length = _lengths(identity, chance.length, combing)
    thickness, side_thickness = _thicknesses(identity, combing, chance.thickness, curl)
    straight_front = combing == "forward" or (
        long and combing == "parted" and not curl and chance.straight_front < 0.4
    )
    fringed = straight_front and identity.hair_style != "buzz"
    spiked = combing == "forward" and identity.hair_style == "short"
    loses_crown = male and identity.hair_style in ("short", "buzz")
    recession = 0.004 * chance.recession
    if male:
        recession = 0.004 + 0.016 * chance.recession * (0.5 + old)
    return Haircut(
        combing=combing,
        length=length,
        side_length=side_length,
        thickness=thickness,
        side_thickness=side_thickness,
        hairline=identity.hairline,
        recession=recession,
        sideburns=0.715 - (0.03 * chance.sideburns if male else 0.0),
        crown_loss=old * chance.crown_loss if loses_crown else 0.0,
        parting=identity.parting,
        fringe=0.6 + 0.4 * chance.fringe if fringed else 0.0,
        fringe_end=0.752 + 0.022 * chance.fringe_end,
        curl=curl,
        curl_turns=turns,
        wave=(0.0015 + 0.0075 * chance.wave) if long and not curl else 0.0,
        wave_turns=7 + 5 * chance.locks,
        clumping=0.35 if long else 0.3 + 0.5 * chance.locks,
        spikes=0.014 * chance.spikes if spiked else 0.0,
        frizz=0.5 + chance.frizz,
        gray=old * 0.6 * chance.gray,
        hangs=long and combing != "tied",
        bulk=0.8 if combing == "outward" else 0.5,
        cover=0.75 if identity.hair_style == "buzz" else 1.0,
        thinning=0.022 if combing in ("forward", "back") else 0.013,
        strands=_strands(identity, combing),
        points=_points(identity, curl, combing),
        seed=seed,
    )


def flatten_under_hat(cut: Haircut) -> Haircut:
    """Return the same hair flattened under a hat."""
    return replace(
        cut,
        combing="forward" if cut.combing == "outward" else cut.combing,
        thickness=0.004,
        side_thickness=min(cut.side_thickness, 0.007),
        length=min(cut.length, 0.05) if not cut.hangs else cut.length,
        spikes=0.0,
        curl=min(cut.curl, 0.002) if not cut.hangs else cut.curl,
        bulk=0.5,
    )


def _strands(identity: Identity, combing: Combing) -> int:
    """Number of strands; hanging hair needs fewer, since bands below fill the gaps."""
    if identity.hair_style == "buzz":
        return 5200
    if identity.hair_style == "long" and combing == "parted":
        return 2600
    return 5000 if combing == "outward" else 4000


def _points(identity: Identity, curl: float, combing: Combing) -> int:
    """Points along a hair: enough for round curls, few for short hair."""
    if identity.hair_style == "buzz":
        return 3
    if combing == "outward":
        return 12
    return 15 if curl or identity.hair_style == "long" else 9


def _curl(identity: Identity, chance: float, size: float) -> tuple[float, float]:
    """Radius of curls in metres and turns per metre; 0, 0 for straight hair."""
    african = identity.ancestry[0]
    if chance < african:
        return 0.0014 + 0.0014 * size, 140 - 50 * size
    if chance < african + 0.35 * identity.ancestry[2]:
        return 0.003 + 0.005 * size, 35 - 17 * size
    return 0.0, 0.0


def _combing(identity: Identity, chance: float, curl: float) -> Combing:
    """Combing of the style; tightly curled hair stands off the head."""
    if curl and identity.ancestry[0] > 0.5 and identity.hair_style in ("short", "cap"):
        return "outward"
    if identity.hair_style == "long":
        return "tied" if chance < 0.22 else "parted"
    if identity.hair_style == "cap":
        return "forward" if chance < 0.4 else "parted"
    if identity.hair_style == "buzz":
        return "forward"
    if chance < 0.3:
        return "forward"
    return "parted" if chance < 0.65 else "back"


def _lengths(identity: Identity, chance: float, combing: Combing) -> tuple[float, float]:
    """Metres on top and at the sides."""
    if identity.hair_style == "buzz":
        return 0.007, 0.005
    if combing == "outward":
        return 0.022, 0.02
    if identity.hair_style == "short":
        return 0.045 + 0.025 * chance, 0.018 + 0.012 * chance
    if identity.hair_style == "cap":
        return 0.10 + 0.04 * chance, 0.06 + 0.025 * chance
    if combing == "tied":
        return 0.19, 0.15
    # Between chin and chest.
    return 0.24 + 0.22 * chance, 0.18 + 0.2 * chance


def _thicknesses(
    identity: Identity, combing: Combing, chance: float, curl: float
) -> tuple[float, float]:
    """Metres on top and at the sides."""
    volume = identity.volume
    if identity.hair_style == "buzz":
        return 0.003, 0.002
    if combing == "outward":
        size = 0.018 + 0.04 * chance * (2 if identity.hair_style == "cap" else 1)
        return size * volume, 0.8 * size * volume
    if combing == "tied":
        return 0.009 * volume, 0.007 * volume
    body = 1.25 if curl else 1.0
    if identity.hair_style == "short":
        return (0.013 + 0.010 * chance) * volume * body, 0.006 * volume * body
    if identity.hair_style == "cap":
        return 0.018 * volume * body, 0.014 * volume * body
    return 0.013 * volume * body, 0.012 * volume * body
