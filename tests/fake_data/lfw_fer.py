"""A tiny LFW-FER: photos, masked photos and cut faces in folders of three classes."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
PERSONS = ("Aaron_Eckhart", "Zico", "Ann_Lee_Smith")
FORMS = {"original": "LFW-FER", "masked": "M-LFW-FER", "face_cut": "LFW-FER_crop"}


def write(root: Path, forms: tuple[str, ...] = ("original", "masked", "face_cut")) -> None:
    """Write a picture of each person and class in each form below `root`."""
    for form in forms:
        for number, word in enumerate(("positive", "negative", "neutral"), start=1):
            for person in PERSONS:
                path = root / FORMS[form] / word / f"{person}_{number:04d}.jpg"
                draw(path, (60, 60), [(10, 6, 50, 56)])
