"""An exported file against the model that it was made from, on the same pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.data.voc_dataset import VocDataset, load_picture
from fer_det.errors import DatasetFormatError, WeightsError
from fer_det.evaluation.calibration import apply_temperature
from fer_det.export.contract import Contract
from fer_det.export.decoding import Floats
from fer_det.export.onnx_model import OnnxModel
from fer_det.imaging.view import View
from fer_det.models.contract import FaceModel

ALLOWED = {"float32": (0.01, 1e-4, 1.0), "float16": (1.0, 0.02, 0.98)}
"""Largest difference of boxes, in input pixels, and of scores and probabilities; smallest share of
equal labels."""
ALLOWED_DROP = 0.005
"""Of the accuracy with INT8, where at least one face may be lost."""
MIN_IOU = 0.5
"""Of the box that counts as the answer to a labelled face."""


@dataclass(frozen=True)
class Question:
    """An input of the model, and what is known of it."""

    image: Floats
    """[3, S, S] in 0..1."""
    boxes: Floats
    """[N, 4] of labelled faces in the input's pixels; none for made patterns."""
    labels: NDArray[np.int64]
    """[N], 1..C."""


Answer = tuple[Floats, Floats, Floats]
"""Boxes [M, 4], scores [M] and probabilities [M, C]; of a classifier one box, the whole input."""


@dataclass(frozen=True)
class Parity:
    """Differences between a file and its model."""

    pictures: int
    faces: int
    """Answers of the model that were compared."""
    least: float
    """Their lowest score."""
    unmatched: int
    """Answers of the model that the file does not have, or the other way round."""
    box: float
    """Largest difference of an edge in input pixels."""
    probability: float
    """Largest difference of a score or probability."""
    same_labels: int
    labelled: int
    """Faces with a known label."""
    correct_before: int
    correct_after: int
    """How many of them the model, and the file, answer correctly."""

    def describe(self) -> list[str]:
        """Return some lines of text."""
        lines = [
            f"the file against the model on {self.pictures} pictures, {self.faces} faces of score "
            f"{self.least:.2g} or more:",
            f"  boxes          {self.box:.2g} px apart at most",
            f"  probabilities  {self.probability:.2g} apart at most",
            f"  labels         {self.same_labels} of {self.faces} the same",
        ]
        if self.unmatched:
            lines.append(f"  faces that only one of them found: {self.unmatched}")
        if self.labelled:
            before, after = (
                f"{100 * count / self.labelled:.1f} %"
                for count in (self.correct_before, self.correct_after)
            )
            lines.append(f"  accuracy       {after}, of the model {before}")
        return lines

    def demand(self, dtype: str, name: str) -> None:
        """Raise WeightsError where the differences are larger than the number type allows."""
        if dtype in ALLOWED:
            box, probability, labels = ALLOWED[dtype]
            holds = (
                self.box <= box
                and self.probability <= probability
                and self.same_labels >= labels * self.faces
                and self.unmatched <= (1 - labels) * self.faces
            )
            wanted = f"boxes within {box} px, probabilities within {probability}, the same labels"
        else:
            lost = self.correct_before - self.correct_after
            holds = lost <= max(1, ALLOWED_DROP * self.labelled)
            wanted = f"at most {100 * ALLOWED_DROP} points of accuracy, or one face, less"
        if not self.faces:
            raise WeightsError(
                f"the model of {name} found no face in {self.pictures} pictures",
                "faces, on which the file is compared with its model",
                "name a VOC folder with --data",
            )
        if not holds:
            raise WeightsError(
                f"{name} answers otherwise than its model: {'; '.join(self.describe()[1:])}",
                wanted,
                "export float32" if dtype != "float32" else "report it with the model's settings",
            )


def questions(contract: Contract, data: Path | None, split: str, count: int) -> Iterator[Question]:
    """Yield inputs from a VOC folder, evenly over the split, or made patterns without one.

    Raises what reading the folder raises.
    """
    if data is None:
        yield from (made_pattern(number, contract.input_size) for number in range(count))
        return
    size = contract.input_size
    photos = VocDataset(data, split, size, contract.padding, contract.classes)
    rows = np.arange(len(photos))
    if contract.face_margin is not None:
        rows = np.flatnonzero(photos.labels > 0)
    if not len(rows):
        raise DatasetFormatError(
            f"no labelled face in the split {split} of {data}",
            "faces, on which a classifier's file is made and checked",
            "name another folder with --data",
        )
    spread = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    for row in rows[np.unique(spread)].tolist():
        picture = photos.pictures[row]
        pixels = load_picture(picture)
        faces = np.flatnonzero(picture.labels > 0)
        boxes, labels = picture.boxes[faces], picture.labels[faces]
        if contract.face_margin is None:
            view = View.whole(picture.width, picture.height, size)
        else:
            boxes, labels = boxes[:1], labels[:1]
            view = View.face(FaceBox(*boxes[0].tolist()), contract.face_margin, size)
        rendered = view.render(pixels, contract.padding).transpose(2, 0, 1)
        yield Question(
            rendered.astype(np.float32) / np.float32(255), view.boxes_to_input(boxes), labels
        )


def made_pattern(number: int, size: int) -> Question:
    """An input of smooth spots and edges, the same for the same number."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    image = np.empty((3, size, size), np.float32)
    for plane in image:
        angle, scale, phase = random.uniform(0, 6.3), random.uniform(3, 40), random.uniform(0, 6.3)
        plane[:] = 0.5 + 0.3 * np.sin(scale * (x * np.cos(angle) + y * np.sin(angle)) + phase)
    left, top, radius = random.uniform(0.2, 0.8, 3) * (1, 1, 0.5)
    image[:, (x - left) ** 2 + (y - top) ** 2 < radius**2] *= 0.5
    return Question(image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))


def measure(
    model: FaceModel, temperature: float, file: OnnxModel, asked: Sequence[Question]
) -> Parity:
    """Ask both the same questions. model: in evaluation mode, on the CPU, in float32."""
    all_wanted = [_of_model(model, temperature, question.image) for question in asked]
    # A detector may find nothing in made patterns; then its best boxes, sure or not, are compared.
    best = np.median([answer[1].max(initial=0) for answer in all_wanted])
    least = min(file.contract.thresholds.score, float(best) * 0.999)
    faces = unmatched = same = labelled = before = after = 0
    box = probability = 0.0
    for question, answer in zip(asked, all_wanted, strict=True):
        wanted = _kept(answer, least)
        found = _kept(_of_file(file, question.image), least)
        pairs = _pairs(wanted[0], found[0])
        faces += len(wanted[0])
        unmatched += len(wanted[0]) + len(found[0]) - 2 * len(pairs)
        for row, other in pairs:
            box = max(box, _difference(wanted[0][row], found[0][other]))
            score = _difference(wanted[1][row], found[1][other])
            probability = max(probability, score, _difference(wanted[2][row], found[2][other]))
            same += int(wanted[2][row].argmax() == found[2][other].argmax())
        labelled += len(question.labels)
        before += _correct(wanted, question)
        after += _correct(found, question)
    return Parity(
        len(asked), faces, least, unmatched, box, probability, same, labelled, before, after
    )


@torch.inference_mode()
def _of_model(model: FaceModel, temperature: float, image: Floats) -> Answer:
    (answer,) = model(torch.from_numpy(image)[None])
    boxes, scores, probabilities = (
        answer[name].float().numpy() for name in ("boxes", "scores", "probabilities")
    )
    return boxes, scores, apply_temperature(probabilities, temperature)


def _of_file(file: OnnxModel, image: Floats) -> Answer:
    if file.contract.kind == "classifier":
        size = float(file.contract.input_size)
        whole = np.array([[0, 0, size, size]], np.float32)
        return whole, np.ones(1, np.float32), file.probabilities(image[None])
    return file.detect(image[None])


def _kept(answer: Answer, least: float) -> Answer:
    boxes, scores, probabilities = answer
    kept = scores >= least
    return boxes[kept], scores[kept], probabilities[kept]


def _pairs(boxes: Floats, others: Floats) -> list[tuple[int, int]]:
    """Rows of boxes [N, 4] and others [M, 4] that overlap most, each used once."""
    iou = _iou(boxes, others)
    pairs = []
    while iou.size and iou.max() >= MIN_IOU:
        row, other = np.unravel_index(iou.argmax(), iou.shape)
        pairs.append((int(row), int(other)))
        iou[row], iou[:, other] = -1, -1
    return pairs


def _correct(answer: Answer, question: Question) -> int:
    """Return how many labelled faces have a box, and its most probable class is the label."""
    iou = _iou(question.boxes, answer[0])
    if not iou.size:
        return 0
    if len(answer[0]) == 1 and len(question.labels) == 1 and answer[1][0] == 1:
        iou[:] = 1  # A classifier's box is the whole input.
    best = iou.argmax(axis=1)
    right = answer[2][best].argmax(axis=1) + 1 == question.labels
    return int((right & (iou.max(axis=1) >= MIN_IOU)).sum())


def _iou(boxes: Floats, others: Floats) -> Floats:
    starts = np.maximum(boxes[:, None, :2], others[None, :, :2])
    ends = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(ends - starts, 0).prod(axis=2)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (boxes, others)]
    overlap: Floats = shared / (areas[0][:, None] + areas[1][None] - shared)
    return overlap


def _difference(first: Floats, second: Floats) -> float:
    return float(np.abs(np.asarray(first, np.float64) - second).max(initial=0))
