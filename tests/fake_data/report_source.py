"""A ReportSource with everything in it: random scores, a small VOC folder, an invented log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from fake_data.scored_pictures import CLASSES, protocol_for, random_pictures
from fake_data.voc_tree import write_voc_tree

from fer_det.evaluation.evaluate import evaluate
from fer_det.evaluation.picture import ScoredPicture
from fer_det.evaluation.scores_file import scores_to_json
from fer_det.report.source import ReportSource, describe_machine, gather_data_facts

COLOUR = (201, 120, 33)
"""Colour of every pixel of every picture."""

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
    """Write a VOC folder below `root` and return the source of a report about `pictures`."""
    folder = write_voc_tree(root, {"train": ["fear"], "test": ["fear"]})
    (folder.home / "report.json").write_text(json.dumps(BUILT))
    (folder.home / "balance.json").write_text(json.dumps(BALANCED))
    (folder.home / "manifest.jsonl").write_text("{}\n{}\n")
    given = random_pictures([9, 3, 5, 20, 8, 6, 12], seed=5) if pictures is None else pictures
    evaluation = evaluate(given, CLASSES, protocol_for(given, **protocol), None, resamples)
    validation = {"accuracy": 0.5, "mean_recall": 0.4, "selection": 0.45}
    steps = [{"kind": "step", "step": 10 * n, "epoch": n // 4, "loss": 2 / n} for n in range(1, 9)]
    epochs = [
        {"kind": "epoch", "step": 30 * (n + 1), "epoch": n, "loss": 1 / (n + 1), **validation}
        for n in range(3)
    ]
    return ReportSource(
        scores=scores_to_json(evaluation),
        faces=evaluation.faces,
        weights="runs/frcnn-001/best.pth",
        model={"name": "frcnn_vgg16", "image_mean": [0.5, 0.5, 0.5]},
        info={
            "epoch": 1,
            "validation": validation,
            "train_config": {"balance": 0.5, "optimizer": {"name": "adamw"}, "init": None},
            "data": {"train": "4c3f" * 16},
            "init": {"path": "vgg.safetensors", "source": "VGG-Face", "sha256": "ab" * 32},
        },
        data=gather_data_facts(root, root),
        machine=describe_machine("cpu, float32, 1 threads"),
        records=[*steps, *epochs],
        load=lambda _: np.full((100, 100, 3), COLOUR, np.uint8),
    )
