from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_data.plain_face import make_identity

from made_faces.face_model.identity import HairStyle
from made_faces.hair.haircut import flatten_under_hat, haircut_of

OFFSETS = [np.random.default_rng(seed).random(8).astype(np.float32) for seed in range(40)]


def test_bald_has_none() -> None:
    assert haircut_of(make_identity(hair_style="bald")) is None


def test_an_identity_keeps_its_haircut() -> None:
    assert haircut_of(make_identity()) == haircut_of(make_identity())
    assert haircut_of(make_identity()) != haircut_of(make_identity(texture_offsets=OFFSETS[0]))


@pytest.mark.parametrize("style", ["short", "cap", "long", "buzz"])
def test_lengths_fit_the_style(style: HairStyle) -> None:
    cuts = [haircut_of(make_identity(hair_style=style, texture_offsets=part)) for part in OFFSETS]
    lengths = [cut.length for cut in cuts if cut is not None]
    low, high = {
        "buzz": (0.003, 0.01),
        "short": (0.015, 0.08),
        "cap": (0.015, 0.15),
        "long": (0.15, 0.5),
    }[style]
    assert low < min(lengths)
    assert max(lengths) < high


def test_styles_vary() -> None:
    long = [haircut_of(make_identity(hair_style="long", texture_offsets=part)) for part in OFFSETS]
    assert {cut.combing for cut in long if cut is not None} == {"tied", "parted"}
    short = [haircut_of(make_identity(texture_offsets=part)) for part in OFFSETS]
    assert {"forward", "parted", "back"} <= {cut.combing for cut in short if cut is not None}


def test_hair_of_african_heads_curls() -> None:
    curly = [
        haircut_of(make_identity(ancestry=(1.0, 0.0, 0.0), texture_offsets=part))
        for part in OFFSETS
    ]
    assert all(cut is not None and cut.curl > 0 and cut.combing == "outward" for cut in curly)


def test_only_old_men_lose_their_crown() -> None:
    def losses(**features: float) -> list[float]:
        cuts = [haircut_of(make_identity(texture_offsets=part, **features)) for part in OFFSETS]
        return [cut.crown_loss for cut in cuts if cut is not None]

    assert max(losses(age=0.5)) == 0
    assert max(losses(age=1.0, female=1.0)) == 0
    assert max(losses(age=1.0)) > 0.5


def test_a_hat_presses_hair_down() -> None:
    cut = haircut_of(make_identity(ancestry=(1.0, 0.0, 0.0), hair_style="cap"))
    assert cut is not None
    flat = flatten_under_hat(cut)
    assert flat.thickness < 0.006
    assert flat.combing == "forward"
    assert replace(flat, seed=()) != replace(cut, seed=())
