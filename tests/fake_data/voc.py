"""Small folders as other annotation tools write them: Pascal VOC's dialects, COCO, YOLO."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from fake_data.faces import draw

SIZE = (120, 90)
FACES = ((50, 20, 90, 70), (5, 30, 35, 65))
"""x_min, y_min, x_max, y_max, counted from 0, the maximal edges exclusive."""
WORDS = ("happiness", "fear", "Happy", "sad", "Surprised", "ANGER", "neutral", "disgust", "fear")
SPLITS = ("train",) * 5 + ("val",) * 2 + ("test",) * 2


def write(
    root: Path, form: str = "voc", quirks: Collection[str] = (), suffix: str = ".jpg"
) -> None:
    """Write nine annotated photos below `root`; each second one also has an unlabelled face."""
    {"voc": _write_voc, "coco": _write_coco, "yolo": _write_yolo}[form](root, quirks, suffix)


def _objects(number: int) -> list[tuple[str, tuple[int, int, int, int]]]:
    objects = [(WORDS[number], FACES[0])]
    return objects + [("bored", FACES[1])] * (number % 2)


def _write_voc(root: Path, quirks: Collection[str], suffix: str) -> None:
    base = root if "flat" in quirks else root / "VOCdevkit" / "VOC2012"
    pictures = base if "flat" in quirks else base / "JPEGImages"
    annotations = base if "flat" in quirks else base / "Annotations"
    annotations.mkdir(parents=True, exist_ok=True)
    names: dict[str, list[str]] = {}
    for number, split in enumerate(SPLITS):
        stem = f"IMG {number}_jpg.rf.{number:04x}" if "dots" in quirks else f"photo_{number}"
        draw(pictures / f"{stem}{suffix}", SIZE, FACES)
        objects = "".join(_object(word, box, number, quirks) for word, box in _objects(number))
        width, height = (0, 0) if "zero_size" in quirks else SIZE
        size = f"<size><width>{width}</width><height>{height}</height><depth/></size>"
        if "no_size" in quirks:
            size = ""
        text = f"<annotation><filename>x</filename>{size}{objects}</annotation>"
        (annotations / f"{stem}.xml").write_text(text)
        names.setdefault(split, []).append(stem)
    if "no_sets" not in quirks and "flat" not in quirks:
        main = base / "ImageSets" / "Main"
        main.mkdir(parents=True, exist_ok=True)
        before = "C:\\data\\JPEGImages\\" if "windows" in quirks else ""
        after = ".jpg" if "windows" in quirks else ""
        for split, own in names.items():
            lines = "".join(f"{before}{stem}{after}\n" for stem in own)
            (main / f"{split}.txt").write_text(lines)
        (main / "happiness_train.txt").write_text("photo_0  1\n")
    (base / "labels.txt").write_text("happiness\n")


def _object(word: str, box: tuple[int, int, int, int], number: int, quirks: Collection[str]) -> str:
    x_min, y_min, x_max, y_max = box
    edges = [x_min + 1, y_min + 1, x_max, y_max]
    if "from_zero" in quirks:
        edges = [0 if number == 3 else x_min, y_min, x_max - 1, y_max - 1]
    if "swapped" in quirks:
        edges = [*edges[2:], *edges[:2]]
    names = ("xmin", "ymin", "xmax", "ymax")
    inside = "".join(f"<{name}>{edge}</{name}>" for name, edge in zip(names, edges, strict=True))
    text = f"<object><name>{word}</name><bndbox>{inside}</bndbox></object>"
    if "odd_objects" in quirks:
        text += "<object/><object><name>fear</name><polygon><x1>1</x1></polygon></object>"
        text += f"<object><name>Person</name><bndbox>{inside}</bndbox></object>"
    return text


def _write_coco(root: Path, quirks: Collection[str], suffix: str) -> None:
    words = sorted({*WORDS, "bored"})
    for split in dict.fromkeys(SPLITS):
        images, annotations = [], []
        folder = {"val": "valid"}.get(split, split)
        for number, own in enumerate(SPLITS):
            if own != split:
                continue
            draw(root / folder / f"photo_{number}{suffix}", SIZE, FACES)
            images.append({"id": number, "file_name": f"photo_{number}.jpg"})
            for word, (x_min, y_min, x_max, y_max) in _objects(number):
                annotations.append(
                    {
                        "image_id": number,
                        "category_id": words.index(word),
                        "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
                    }
                )
        document = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": number, "name": word} for number, word in enumerate(words)],
        }
        place = root / "instances_val2017.json" if "one_file" in quirks else None
        path = place or root / folder / "_annotations.coco.json"
        path.write_text(json.dumps(document))


def _write_yolo(root: Path, quirks: Collection[str], suffix: str) -> None:
    words = sorted({*WORDS, "bored"})
    for number, split in enumerate(SPLITS):
        folder = {"val": "valid"}.get(split, split)
        draw(root / folder / "images" / f"photo_{number}{suffix}", SIZE, FACES)
        lines = []
        for word, (x_min, y_min, x_max, y_max) in _objects(number):
            values = (
                (x_min + x_max) / 2 / SIZE[0],
                (y_min + y_max) / 2 / SIZE[1],
                (x_max - x_min) / SIZE[0],
                (y_max - y_min) / SIZE[1],
            )
            lines.append(f"{words.index(word)} {' '.join(f'{value:.6f}' for value in values)}")
        path = root / folder / "labels" / f"photo_{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
    if "classes_txt" in quirks:
        (root / "classes.txt").write_text("\n".join(words))
    else:
        (root / "data.yaml").write_text(f"train: images\nnames: {json.dumps(words)}\n")
