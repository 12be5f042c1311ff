"""A tiny FERV39k: two scenes, seven expressions, four frames a clip."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
WORDS = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
SCENES = {"Action": "train", "School": "test"}
FRAMES = 4


def write(root: Path) -> None:
    """Write the frames and the lists of all scenes below `root`."""
    setups = root / "4_setups" / "All_scenes"
    setups.mkdir(parents=True)
    for scene, split in SCENES.items():
        rows = []
        for number, word in enumerate(WORDS):
            place = f"{scene}/{word}/{number:04d}"
            for frame in range(FRAMES):
                path = root / "2_ClipsforFaceCrop" / place / f"{number:04d}_{frame:03d}.jpg"
                draw(path, (32, 32), [(3, 3, 29, 29)])
            rows.append(f"{place} {word}\n")
        (setups / f"{split}_All.csv").write_text("".join(rows))
    one_scene = root / "4_setups" / "Action"
    one_scene.mkdir()
    (one_scene / "train_Action.csv").write_text("Action/Angry/0000 Angry\n")
