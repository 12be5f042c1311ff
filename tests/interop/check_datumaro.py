"""Check that Datumaro opens a VOC folder of ours with the same boxes and labels.

Datumaro pins its own versions of many packages, so it is run by hand, in an environment of its own,
from the repository's root:

    python -m venv /tmp/datumaro && /tmp/datumaro/bin/pip install datumaro
    PYTHONPATH=.:tests /tmp/datumaro/bin/python tests/interop/check_datumaro.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import datumaro
from datumaro import AnnotationType, Dataset, Environment
from fake_data.voc_tree import CLASSES, write_voc_tree

from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import IGNORE

SPLITS = {"train": ["fear", "anger", "happiness"], "val": ["neutral"], "test": ["fear", "disgust"]}
FORMATS = ("voc", "voc_detection")
FIRST_PIXEL = {"voc-one-based": 0, "dm-zero-based": 1}
"""What each of Datumaro's coordinate modes adds to our minimal edges.

`voc-one-based` reads pixels from 1, as the VOC kit writes them and so do we: it gives our boxes.
`dm-zero-based`, the default, hands the file's numbers on as they stand.
"""


def main() -> int:
    """Write a folder, open it in every way Datumaro offers, and compare; return the exit code."""
    print(f"datumaro {datumaro.__version__}")
    with tempfile.TemporaryDirectory() as place:
        folder = write_voc_tree(Path(place), SPLITS)
        print("formats that it recognises:", Environment().detect_dataset(str(folder.root)))
        mistakes = [
            f"{name}, {mode}: {line}"
            for name in FORMATS
            for mode in FIRST_PIXEL
            for line in compare(folder, name, mode)
        ]
    for line in mistakes:
        print("differs:", line)
    print("failed" if mistakes else "the same pictures, boxes, labels and splits")
    return 1 if mistakes else 0


def compare(folder: VocFolder, format_name: str, mode: str) -> list[str]:
    """What differs between our reading and Datumaro's, one line each."""
    opened = Dataset.import_from(str(folder.root), format_name, coordinate_mode=mode)
    names = [label.name for label in opened.categories()[AnnotationType.label]]
    mistakes = []
    if names != ["background", *CLASSES, IGNORE]:
        mistakes.append(f"classes {names}")
    items = {(item.subset, item.id): item for item in opened}
    wanted = {(split, name) for split in folder.splits() for name in folder.image_ids(split)}
    if set(items) != wanted:
        mistakes.append(f"pictures {sorted(set(items) ^ wanted)}")
    for split, image_id in sorted(wanted & set(items)):
        item, annotation = items[split, image_id], folder.read(image_id)
        if tuple(item.media.size) != (annotation.height, annotation.width):
            mistakes.append(f"{split} {image_id} has the size {item.media.size}")
        boxes = [
            (names[each.label], *each.points)
            for each in item.annotations
            if each.type == AnnotationType.bbox
        ]
        first = FIRST_PIXEL[mode]
        ours = [
            (face.name, x_min + first, y_min + first, x_max, y_max)
            for face in annotation.objects
            for x_min, y_min, x_max, y_max in [face.box.as_tuple()]
        ]
        if sorted(boxes) != sorted(ours):
            mistakes.append(f"{split} {image_id} has {boxes}, wanted {ours}")
    return mistakes


if __name__ == "__main__":
    sys.exit(main())
