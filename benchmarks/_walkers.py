"""Made films of people whose places are known, with the boxes that a detector would give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox

WIDTH, HEIGHT = 640, 360
"""Pixels of the frames that the boxes are in."""
SCALE = 4
"""By which the frames are drawn smaller."""
HIDDEN = 0.3
"""A face of which less than this part is seen is in no truth and never found."""
PLAIN = 0.7
"""A face of which less than this part is seen gets a low score."""
MISSED, BLURRED, FALSE_BOXES, NOISE = 0.04, 0.04, 0.05, 0.03
"""Part of the faces that are not found; part with a low score; false boxes a frame; standard
deviation of a box's centre and size, relative to its size."""


@dataclass(frozen=True, eq=False)
class Moment:
    """One frame of a film."""

    seconds: float
    pixels: NDArray[np.uint8]
    """[HEIGHT / SCALE, WIDTH / SCALE, 3]: a background, and a disc for each person."""
    truth: dict[int, FaceBox]
    """Person -> box of the face, for those that can be seen."""
    boxes: list[FaceBox]
    scores: list[float]
    """What a detector found."""
    owners: list[int | None]
    """Person of each box; None for a false one."""


@dataclass(frozen=True, eq=False)
class _Shot:
    """Several people before one background."""

    first: int
    """Number of the first person."""
    paths: NDArray[np.float64]
    """[P, T, 3]: x and y of the centre, and the side, of each person in each frame."""
    pillars: Sequence[tuple[float, float]] = ()
    """Left and right edge of what stands before everybody."""


def make_film(kind: str, seed: int, rate: float, seconds: float, people: int = 4) -> list[Moment]:
    """Draw a film. kind: a key of KINDS. rate: frames per second."""
    dice = np.random.default_rng([seed, *kind.encode()])
    times = np.arange(round(seconds * rate)) / rate
    return list(_film(KINDS[kind](dice, times, people), times, dice))


def _film(
    shots: list[_Shot], times: NDArray[np.float64], dice: np.random.Generator
) -> Iterator[Moment]:
    start = 0
    for shot in shots:
        small = dice.integers(0, 256, (6, 10, 3)).astype(np.float64)
        ground = np.kron(small, np.ones((HEIGHT // SCALE // 6, WIDTH // SCALE // 10, 1))).astype(
            np.uint8
        )
        for frame in range(shot.paths.shape[1]):
            yield _moment(shot, frame, float(times[start + frame]), ground, dice)
        start += shot.paths.shape[1]


def _moment(
    shot: _Shot, frame: int, seconds: float, ground: NDArray[np.uint8], dice: np.random.Generator
) -> Moment:
    places = shot.paths[:, frame]
    # Larger faces are nearer, and drawn later.
    pixels = ground.copy()
    owner = np.full(pixels.shape[:2], -1)
    rows = SCALE * (np.arange(owner.shape[0])[:, None] + 0.5)
    columns = SCALE * (np.arange(owner.shape[1])[None] + 0.5)
    for person in np.argsort(places[:, 2]):
        x, y, side = places[person]
        disc = (columns - x) ** 2 + (rows - y) ** 2 <= (side / 2) ** 2
        owner[disc] = person
        pixels[disc] = 80 + (37 * (shot.first + person) * np.array([1, 3, 7])) % 170
    for left, right in shot.pillars:
        behind = slice(int(left / SCALE), int(right / SCALE))
        owner[:, behind], pixels[:, behind] = -1, 60
    moment = Moment(seconds, pixels, {}, [], [], [])
    for person, (x, y, side) in enumerate(places):
        seen = SCALE**2 * (owner == person).sum() / (np.pi * side * side / 4)
        if seen < HIDDEN:
            continue
        box = FaceBox(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
        moment.truth[shot.first + person] = box
        if dice.random() < MISSED:
            continue
        dx, dy, ds = dice.normal(0, NOISE * side, 3)
        half = (side + ds) / 2
        moment.boxes.append(FaceBox(x + dx - half, y + dy - half, x + dx + half, y + dy + half))
        low = seen < PLAIN or dice.random() < BLURRED
        moment.scores.append(float(dice.uniform(*((0.25, 0.5) if low else (0.75, 1.0)))))
        moment.owners.append(shot.first + person)
    for _ in range(dice.poisson(FALSE_BOXES)):
        side = dice.uniform(30, 80)
        left, top = dice.uniform(0, WIDTH - side), dice.uniform(0, HEIGHT - side)
        moment.boxes.append(FaceBox(left, top, left + side, top + side))
        moment.scores.append(float(dice.uniform(0.2, 0.65)))
        moment.owners.append(None)
    return moment


Draw = Callable[[np.random.Generator, NDArray[np.float64], int], list[_Shot]]


def _crossing(dice: np.random.Generator, times: NDArray[np.float64], people: int) -> list[_Shot]:
    """People who walk to and fro at constant speed, at about the same height."""
    span = WIDTH + 0.0
    paths = []
    for _ in range(people):
        speed, begin = dice.uniform(60, 160), dice.uniform(0, 2 * span)
        there = (begin + speed * times) % (2 * span)
        x = np.where(there < span, there, 2 * span - there)
        y = dice.uniform(150, 210) + 4 * np.sin(2 * np.pi * 1.8 * times + dice.uniform(0, 6))
        paths.append(np.stack([x, y, np.full_like(x, dice.uniform(50, 80))], 1))
    return [_Shot(0, np.array(paths))]


def _hiding(dice: np.random.Generator, times: NDArray[np.float64], people: int) -> list[_Shot]:
    """The same behind two pillars, which hide a face for about half a second."""
    (shot,) = _crossing(dice, times, people)
    lefts = np.array([0.3, 0.65]) * WIDTH
    return [_Shot(0, shot.paths, [(left, left + 70) for left in lefts])]


def _turning(dice: np.random.Generator, times: NDArray[np.float64], people: int) -> list[_Shot]:
    """People who dance: their speed changes all the time."""
    step = float(times[1] - times[0])
    paths = []
    for _ in range(people):
        speed, place, path = dice.normal(0, 80, 2), dice.uniform((90, 90), (550, 270)), []
        side = dice.uniform(50, 80)
        for _ in times:
            speed = speed * np.exp(-step / 0.6) + dice.normal(0, 130 * np.sqrt(step), 2)
            place = place + speed * step
            for axis, most in enumerate((WIDTH, HEIGHT)):
                if not 40 < place[axis] < most - 40:
                    place[axis] = np.clip(place[axis], 40, most - 40)
                    speed[axis] = -speed[axis]
            path.append((*place, side))
        paths.append(path)
    return [_Shot(0, np.array(paths))]


def _leaving(dice: np.random.Generator, times: NDArray[np.float64], people: int) -> list[_Shot]:
    """People who walk through the picture, one after the other, each once."""
    paths = []
    for number in range(2 * people):
        speed = dice.uniform(120, 220) * (1 if number % 2 else -1)
        begin = dice.uniform(0, max(times[-1] - 2, 0.1))
        x = (-80 if speed > 0 else WIDTH + 80) + speed * (times - begin)
        side = dice.uniform(50, 80)
        paths.append(
            np.stack([x, np.full_like(x, dice.uniform(60, 300)), np.full_like(x, side)], 1)
        )
    return [_Shot(0, np.array(paths))]


def _sitting(dice: np.random.Generator, times: NDArray[np.float64], people: int) -> list[_Shot]:
    """People side by side who nod, filmed from the hand: the picture sways."""
    sway = 25 * np.sin(2 * np.pi * 0.7 * times) + np.cumsum(dice.normal(0, 1.2, len(times)))
    paths = []
    for number in range(people):
        x = WIDTH * (number + 0.5) / people + sway
        nod = 10 * np.sin(2 * np.pi * dice.uniform(0.3, 1) * times)
        side = np.full_like(x, dice.uniform(60, 90))
        paths.append(np.stack([x, dice.uniform(150, 210) + nod, side], 1))
    return [_Shot(0, np.array(paths))]


def _cuts(dice: np.random.Generator, times: NDArray[np.float64], people: int) -> list[_Shot]:
    """Shots of two seconds, each with two other people at about the same two places."""
    shots: list[_Shot] = []
    step = float(times[1] - times[0])
    length = round(2 / step)
    for start in range(0, len(times), length):
        part = times[start : start + length] - times[start]
        paths = []
        for number in range(min(people, 2)):
            x = WIDTH * (0.3 + 0.4 * number) + dice.uniform(-20, 20) + dice.uniform(-15, 15) * part
            side = np.full_like(x, dice.uniform(70, 90))
            paths.append(np.stack([x, np.full_like(x, dice.uniform(150, 210)), side], 1))
        shots.append(_Shot(2 * len(shots), np.array(paths)))
    return shots


KINDS: dict[str, Draw] = {
    "crossing": _crossing,
    "hiding": _hiding,
    "dancing": _turning,
    "leaving": _leaving,
    "sitting": _sitting,
    "cuts": _cuts,
}
