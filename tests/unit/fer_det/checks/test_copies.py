"""Copies are found among many pictures, without comparing all pairs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fer_det.checks import copies, hash_tables
from fer_det.checks.copies import MAX_CANDIDATES, MAX_WHOLE, Copy, find_copies
from fer_det.checks.likeness import SIDE

COUNT = 400


def many(seed: int, count: int = COUNT) -> np.ndarray:
    """[count, SIDE, SIDE] thumbnails of smooth spots, no two alike."""
    fields = np.random.default_rng(seed).integers(0, 255, (count, 10, 10), dtype=np.uint8)
    size = (SIDE, SIDE)
    return np.stack([cv2.resize(field, size, interpolation=cv2.INTER_CUBIC) for field in fields])


def turned(thumbnail: np.ndarray, degrees: float, scale: float = 1.0) -> np.ndarray:
    middle = (SIDE - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, scale)
    return cv2.warpAffine(thumbnail, matrix, (SIDE, SIDE))


def pairs_of(found: list[Copy]) -> set[tuple[int, int]]:
    return {(copy.later, copy.earlier) for copy in found}


def test_changed_copies_are_found_and_nothing_else() -> None:
    thumbnails = many(0)
    splits = np.arange(COUNT) // 150
    # Pictures 0 to 149 are of split 0, 150 to 299 of split 1, the rest of split 2.
    thumbnails[200] = thumbnails[10][:, ::-1]
    thumbnails[300] = turned(thumbnails[20], 7)
    thumbnails[301] = turned(thumbnails[30][:, ::-1], -4)
    thumbnails[302] = turned(thumbnails[210], 0, 1.12)
    thumbnails[40] = turned(thumbnails[303], 0, 1.15)
    found = find_copies(thumbnails, splits, 0.85)
    assert pairs_of(found) == {(200, 10), (300, 20), (301, 30), (302, 210), (303, 40)}
    values = [copy.likeness.value for copy in found]
    assert values == sorted(values, reverse=True)
    assert {copy.later for copy in found if copy.likeness.mirrored} == {200, 301}


def test_copies_within_a_split_are_not_looked_for() -> None:
    thumbnails = many(1, 20)
    thumbnails[3] = thumbnails[4]
    assert find_copies(thumbnails, np.repeat([0, 1], 10), 0.8) == []
    assert find_copies(thumbnails, np.zeros(20, int), 0.8) == []


def test_two_pictures_are_enough() -> None:
    """The medians of so few pictures say nothing; the fixed part of the hash must do."""
    first = many(2, 1)[0]
    copy = cv2.GaussianBlur(turned(first, 5), (3, 3), 0)
    assert pairs_of(find_copies(np.stack([first, copy]), np.array([0, 1]), 0.85)) == {(1, 0)}


def test_so_many_pairs_of_a_picture_are_measured() -> None:
    thumbnails = np.concatenate([many(3, 1).repeat(30, 0), many(4, 10)])
    splits = np.zeros(40, int)
    splits[0] = 2
    assert len(find_copies(thumbnails, splits, 0.9)) == MAX_CANDIDATES


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    thumbnails, splits = many(5, 60), np.arange(60) % 3
    thumbnails[31] = turned(thumbnails[12], 6)
    thumbnails[50] = thumbnails[15][:, ::-1]
    whole = find_copies(thumbnails, splits, 0.7)
    monkeypatch.setattr(copies, "PICTURES_AT_A_TIME", 7)
    monkeypatch.setattr(hash_tables, "PAIRS_AT_A_TIME", 5)
    assert find_copies(thumbnails, splits, 0.7, threads=1) == whole
    assert {(31, 12), (50, 15)} <= pairs_of(whole)


def test_few_pairs_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40,000 pairs of different pictures, and 108 views of each."""
    measured = []
    measure = copies.measure_likeness
    monkeypatch.setattr(copies, "measure_likeness", lambda *a: measured.append(a) or measure(*a))
    assert find_copies(many(6), np.arange(COUNT) // 200, 0.85) == []
    assert len(measured) < 400


def test_in_a_large_folder_what_is_unlike_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "VIEWED_AT_MOST", 10)
    measured = []
    measure = copies.measure_likeness
    monkeypatch.setattr(copies, "measure_likeness", lambda *a: measured.append(a) or measure(*a))
    thumbnails = np.concatenate([many(3, 1).repeat(30, 0), many(4, 10)])
    # Nearly the same low frequencies, which the hash is made of, and other details.
    noise = np.random.default_rng(2).normal(0, 25, (29, SIDE, SIDE))
    thumbnails[1:30] = (thumbnails[1:30] + noise).clip(0, 255)
    splits = np.zeros(40, int)
    splits[0] = 2
    monkeypatch.setattr(copies, "MIN_ROUGH", -1.0)
    find_copies(thumbnails, splits, 0.9)
    assert len(measured) == MAX_WHOLE
    monkeypatch.setattr(copies, "MIN_ROUGH", 0.95)
    assert find_copies(thumbnails, splits, 0.9) == []
    assert len(measured) == MAX_WHOLE


def test_in_a_large_folder_whole_and_mirrored_copies_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(copies, "VIEWED_AT_MOST", COUNT - 1)
    thumbnails = many(0)
    splits = (np.arange(COUNT) >= 150).astype(np.intp)
    noise = np.random.default_rng(1).integers(-6, 7, (2, SIDE, SIDE))
    thumbnails[200] = (thumbnails[10].astype(int) + noise[0]).clip(0, 255)
    thumbnails[300] = (thumbnails[20][:, ::-1].astype(int) + noise[1]).clip(0, 255)
    found = find_copies(thumbnails, splits, 0.9)
    assert pairs_of(found) == {(200, 10), (300, 20)}
    mirrored = {copy.later: copy.likeness.mirrored for copy in found}
    assert mirrored == {200: False, 300: True}
