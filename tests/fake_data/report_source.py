"""A report's source with everything in it: scores at random, a drawn VOC folder, a made-up log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from fake_data.scored_pictures import CLASSES, protocol_for, random_pictures
from fake_data.voc_tree import write_voc_tree

from fer_det.evaluation import ScoredPicture, evaluate
from fer_det.report.data_facts import gather_data_facts
from fer_det.report.machine import describe_machine
from fer_det.report.source import ReportSource

COLOUR = (201, 120, 33)
"""Of every pixel of every picture."""

BUILT = {
    "datasets": {
        "rafdb": {"database": "rafdb", "root": "basic", "listed": 9, "written": 8, "rejected": 1}
    },
    "listed": {"train": dict.fromkeys(CLASSES, 5), "test": dict.fromkeys(CLASSES, 4)},
    "written": {"train": dict.fromkeys(CLASSES, 4), "test": dict.fromkeys(CLASSES, 3)},
    "rejected": {},
    "box_sources": {"mtcnn": 8},
    "reasons": {"no face was found": 1},
}
BALANCED = {"train": {label: {"before": 4, "after": 9} for label in CLASSES}}


def report_source(
    root: Path,
    pictures: Sequence[ScoredPicture] | None = None,
    resamples: int = 40,
    **protocol: object,
) -> ReportSource:
    """Write a VOC folder below `root` and gather a report of pictures that might be in it."""
    folder = write_voc_tree(root, {"train": ["fear"], "test": ["fear"]})
    (folder.home / "report.json").write_text(json.dumps(BUILT))
    (folder.home / "balance.json").write_text(json.dumps(BALANCED))
    (folder.home / "manifest.jsonl").write_text("{}\n{}\n")
    given = random_pictures([9, 3, 5, 20, 8, 6, 12], seed=5) if pictures is None else pictures
    report = evaluate(given, CLASSES, protocol_for(given, **protocol), None, resamples)
    scores = {"accuracy": 0.5, "mean_recall": 0.4, "selection": 0.45}
    epochs = (
        {"kind": "epoch", "step": 30 * (epoch + 1), "epoch": epoch, "loss": 1 / (epoch + 1)}
        | scores
        for epoch in range(3)
    )
    records = [
        {"kind": "step", "step": 10 * n, "epoch": n // 4, "loss": 2 / n} for n in range(1, 9)
    ]
    return ReportSource(
        scores=report.to_json(),
        faces=report.faces,
        weights="runs/frcnn-001/best.pth",
        model={"name": "frcnn_vgg16", "image_mean": [0.5, 0.5, 0.5]},
        info={
            "epoch": 1,
            "train_config": {"balance": 0.5, "optimizer": {"name": "adamw"}, "init": None},
            "data": {"train": "4c3f" * 16},
            "init": {"path": "vgg.safetensors", "source": "VGG-Face", "sha256": "ab" * 32},
        },
        data=gather_data_facts(root, root),
        machine=describe_machine("cpu, float32, 1 threads"),
        records=[
            *records,
            *(
                {"kind": "epoch", "step": 30 * (n + 1), "epoch": n, **e}
                for n, e in enumerate(epochs)
            ),
        ],
        load=lambda _: np.full((100, 100, 3), COLOUR, np.uint8),
    )
