"""Writes tests/golden/web.json: what the program gives where web/js has code of its own.

    python tests/golden/web.py

Pictures are those of FORMULA in view.py. tests/web/golden.test.mjs reads the same file.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from fer_det.core.box import FaceBox
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.export.contract import Contract
from fer_det.export.decoding import select_detections, softmax
from fer_det.faces.mtcnn.boxes import Candidates, pyramid_scales, suppress
from fer_det.faces.mtcnn.resize import crop_and_resize
from fer_det.predict.labels import place_labels
from fer_det.predict.video.steady import LABEL_MARGIN, LabelKeeper, Smoother

PATH = Path(__file__).with_name("web.json")
picture = runpy.run_path(str(PATH.with_name("view.py")))["picture"]

CLASSES = tuple(each.label for each in BASIC_EXPRESSIONS)
UNKNOWN_BELOW = 0.32
CONTRACT = Contract(
    kind="detector",
    form="core",
    model="ssdlite",
    classes=CLASSES,
    input_size=64,
    padding=(128, 128, 128),
    image_mean=(0.5, 0.5, 0.5),
    image_std=(0.25, 0.25, 0.25),
    temperature=1.4,
    box_weights=(10.0, 10.0, 5.0, 5.0),
    candidates=30,
    nms_iou=0.4,
    detections=8,
)


def detections() -> dict[str, Any]:
    """A core's answer with overlapping boxes, one without area, and what is selected of it."""
    random = np.random.default_rng(1)
    corners = random.uniform(-4, 50, (40, 2))
    anchors = np.concatenate([corners, corners + random.uniform(8, 30, (40, 2))], 1)
    deltas = random.normal(0, 1.5, (40, 4))
    deltas[0, 2] = -60
    deltas[1, 3] = 40
    logits = random.normal(0, 3, (40, 1 + len(CLASSES)))
    logits[:2, 1:] += 9
    inputs = [each.astype(np.float32).round(4) for each in (logits, deltas, anchors)]
    boxes, scores, probabilities = select_detections(*inputs, CONTRACT)
    names = ("logits", "deltas", "anchors")
    return {
        "contract": json.loads(CONTRACT.to_json()),
        **{name: each.tolist() for name, each in zip(names, inputs, strict=True)},
        "boxes": boxes.tolist(),
        "scores": scores.tolist(),
        "probabilities": probabilities.tolist(),
    }


def probabilities() -> list[dict[str, Any]]:
    """Softmax with temperatures, also of logits that a plain exp cannot hold."""
    rows = [[0.0, 1.0, -2.0], [900.0, 899.0, -900.0], [0.3, 0.3, 0.3]]
    return [
        {"logits": row, "temperature": t, "probabilities": softmax(np.array([row]), t)[0].tolist()}
        for row in rows
        for t in (1.0, 0.5, 3.0)
    ]


def shrunk() -> list[dict[str, Any]]:
    """OpenCV's INTER_AREA at ratios that divide a side and that do not."""
    rows = []
    for size, target in (((12, 8), (6, 4)), ((13, 9), (7, 5)), ((20, 31), (17, 12))):
        pixels = picture(*size).astype(np.float32)
        small = cv2.resize(pixels, target, interpolation=cv2.INTER_AREA)
        rows.append({"from": size, "to": target, "pixels": np.round(small, 3).tolist()})
    return rows


def crops() -> list[dict[str, Any]]:
    """MTCNN's crops, inside the picture and beyond its edges."""
    pixels = (picture(30, 22).astype(np.float32) - 127.5) / 128
    planes = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())
    boxes = np.array([[3.2, 4.1, 20.7, 18.9], [-5.0, -3.0, 12.0, 14.0], [20.0, 10.0, 36.0, 26.0]])
    found = crop_and_resize(planes, boxes, np.zeros(3, np.int64), 6).numpy()
    return [
        {"size": [30, 22], "box": box, "side": 6, "planes": np.round(crop, 5).ravel().tolist()}
        for box, crop in zip(boxes.tolist(), found, strict=True)
    ]


def suppressed() -> list[dict[str, Any]]:
    """MTCNN's suppression, by union and by the smaller box."""
    random = np.random.default_rng(2)
    corners = random.uniform(0, 60, (25, 2)).round(2)
    boxes = np.concatenate([corners, corners + random.uniform(10, 40, (25, 2)).round(2)], 1)
    scores = random.permutation(25) / 25
    candidates = Candidates(boxes, scores, np.zeros(25, np.int64))
    return [
        {
            "boxes": boxes.tolist(),
            "scores": scores.tolist(),
            "threshold": 0.5,
            "smaller": overlap == "smaller",
            "kept": suppress(candidates, 0.5, overlap).tolist(),
        }
        for overlap in ("union", "smaller")
    ]


def pyramids() -> list[dict[str, Any]]:
    """Scales of MTCNN for pictures of some sizes."""
    sizes = [(20, 90), (21, 21), (48, 64), (480, 640), (1080, 1920)]
    return [{"size": size, "scales": pyramid_scales(*size)} for size in sizes]


def tracks(unknown_below: float) -> list[dict[str, Any]]:
    """Two faces over some frames, one of which is lost for a while; a third comes.

    The numbers are those of the scene: the page follows faces by the overlap of their boxes alone.
    A label is None for unknown.
    """
    random = np.random.default_rng(4)
    smoother, labels = Smoother(0.5), LabelKeeper(LABEL_MARGIN, unknown_below)
    frames = []
    for frame in range(14):
        seconds = round(0.2 * frame + 0.03 * (frame % 3), 2)
        shift = 3.0 * frame
        boxes = {1: [10 + shift, 10, 50 + shift, 60]}
        if not 4 <= frame < 6:
            boxes[2] = [150 - shift, 20, 190 - shift, 70]
        if frame > 9:
            boxes[3] = [300, 300, 340, 350]
        faces = []
        for box in boxes.values():
            row = random.dirichlet(np.full(len(CLASSES), 0.4)).round(4).tolist()
            faces.append({"box": box, "probabilities": row})
        shown = []
        for number, face in zip(boxes, faces, strict=True):
            own = dict(zip(BASIC_EXPRESSIONS, face["probabilities"], strict=True))
            mean = smoother.update(number, own, seconds)
            kept = labels.update(number, mean)
            label = None if kept is None else BASIC_EXPRESSIONS.index(kept)
            shown.append({"number": number, "probabilities": [*mean.values()], "label": label})
        frames.append({"seconds": seconds, "faces": faces, "shown": shown})
    return frames


def labels() -> list[dict[str, Any]]:
    """Crowds in a picture of 320 x 240, some faces at its edges, and where their labels are."""
    random = np.random.default_rng(5)
    cases = []
    for count in (1, 3, 12, 30):
        corners = random.integers([-10, -10], [300, 220], (count, 2))
        boxes = np.concatenate([corners, corners + random.integers(12, 60, (count, 2))], 1)
        widths = [sorted(random.integers(10, 90, 2).tolist(), reverse=True) for _ in boxes]
        placed = place_labels([FaceBox(*box) for box in boxes.tolist()], widths, 16, (320, 240))
        shown = [{"wording": wording, "place": place} for wording, place in placed]
        cases.append({"boxes": boxes.tolist(), "widths": widths, "labels": shown})
    return cases


def vectors() -> dict[str, Any]:
    """All that the file holds."""
    return {
        "detections": detections(),
        "softmax": probabilities(),
        "shrunk": shrunk(),
        "crops": crops(),
        "suppressed": suppressed(),
        "pyramids": pyramids(),
        "labels": labels(),
        "tracks": [
            {"unknown_below": least, "frames": tracks(least)} for least in (0.0, UNKNOWN_BELOW)
        ],
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(vectors(), separators=(",", ":")) + "\n", encoding="utf-8")
    sys.exit()
