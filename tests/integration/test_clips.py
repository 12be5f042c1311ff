"""Frames of a video, from the film to the VOC folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from fake_data import mmi
from fake_data.faces import COLOURS, load_fake_detector
from fake_data.films import write_film

from fer_det.imaging.decode import load_rgb8
from fer_det.io.voc import VocFolder
from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.readers import READERS


def test_a_film_becomes_pictures(tmp_path: Path) -> None:
    folder = mmi.write_session(tmp_path / "raw", 1, "S001-001", "4")
    mmi.write_session(tmp_path / "raw", 2, "S002-001", "5")
    (tmp_path / "raw" / "Sessions" / "2" / "S002-001.avi").write_bytes(b"RIFF, and no video")
    frames = []
    for number in range(9):
        pixels = np.full((96, 96, 3), 128, np.uint8)
        # The face moves to the right.
        pixels[20:70, 10 + 3 * number : 50 + 3 * number] = COLOURS[0]
        frames.append(pixels)
    write_film(folder / "S001-001.avi", frames, codec="mpeg4", options={})
    source = Source("mmi", tmp_path / "raw", READERS["mmi"].Options())
    config = BuildConfig(tmp_path / "voc", workers=0, val_fraction=0.0, allow_missing=True)
    summary = build(config, [source], load_fake_detector)
    assert summary["pictures"]["encoded"] == 3
    voc = VocFolder(tmp_path / "voc")
    assert voc.image_ids("train") == [f"mmi_1_S001-001_000{number}" for number in (3, 4, 5)]
    for number, name in zip((3, 4, 5), voc.image_ids("train"), strict=True):
        (face,) = voc.read(name).objects
        assert face.name == "happiness"
        assert abs(face.box.x_min - (10 + 3 * number)) <= 3
        assert load_rgb8(voc.image_path(name)).shape == (96, 96, 3)
    rows = [json.loads(line) for line in (tmp_path / "voc" / "manifest.jsonl").open()]
    assert [(row["clip"], row["frame"], row["group"]) for row in rows[:3]] == [
        ("1_S001-001", number, "S001") for number in (3, 4, 5)
    ]
    # The broken one is a line of the manifest, without this machine's path.
    assert rows[3]["status"] == "rejected"
    assert rows[3]["reason"] == "the file is broken or no video"
