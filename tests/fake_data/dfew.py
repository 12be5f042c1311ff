"""A tiny DFEW: eight clips of three frames, two lists of a fold; one clip has no single label."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
LABELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7}
FRAMES = 12
TEST = (3, 6)


def write(root: Path) -> None:
    """Write the aligned frames and the lists of the first two folds below `root`."""
    for clip in (*LABELS, 8):
        # As in the real one, without zeros before.
        for frame in range(1, FRAMES + 1):
            path = root / "Clip" / "clip_224x224_16f" / str(clip) / f"{frame}.jpg"
            draw(path, (40, 40), [(4, 4, 36, 36)])
    for fold in (1, 2):
        test = [(clip + fold - 2) % 7 + 1 for clip in TEST]
        for split in ("train", "test"):
            folder = root / "EmoLabel_DataSplit" / f"{split}(single-labeled)"
            folder.mkdir(parents=True, exist_ok=True)
            rows = [
                f"{clip},{label}\n"
                for clip, label in LABELS.items()
                if (clip in test) == (split == "test")
            ]
            (folder / f"set_{fold}.csv").write_text("video_name,label\n" + "".join(rows))
    (root / "Annotation").mkdir()
    (root / "Annotation" / "annotation.xlsx").write_bytes(b"PK")
