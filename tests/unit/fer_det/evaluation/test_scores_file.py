"""scores.json, written and read, and files that are no scores.json."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_data.scored_pictures import CLASSES, protocol_for, random_pictures

from fer_det.errors import FerDetError, OutputError, ScoresError, ScoresNotFoundError
from fer_det.evaluation.evaluate import evaluate
from fer_det.evaluation.predictions import predicted_classes
from fer_det.evaluation.scores_file import (
    read_scores,
    refuse_other_scores,
    scores_to_json,
    write_scores,
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    pictures = random_pictures([3, 2, 2, 4, 2, 2, 3], seed=1)
    evaluation = evaluate(pictures, CLASSES, protocol_for(pictures), resamples=5)
    write_scores(tmp_path / "scores.json", scores_to_json(evaluation))
    return tmp_path / "scores.json"


def test_one_line_for_each_face_with_the_predictions_of_all_rules(written: Path) -> None:
    pictures = random_pictures([3, 2, 2, 4, 2, 2, 3], seed=1)
    scores, faces = read_scores(written)
    assert len(faces) == scores["n"] == len(pictures)
    assert written.read_text().count('\n{"id": ') == len(faces)
    for face, picture in zip(faces, pictures, strict=True):
        (label,) = predicted_classes(picture, "top1")
        top1 = face.predictions["top1"]
        assert (top1.label if top1 else None) == (CLASSES[label - 1] if label else None)
        assert face.label == CLASSES[picture.truth_labels[0] - 1]
        assert face.box == pytest.approx(picture.truth_boxes[0], abs=0.01)
        given = face.predictions["gt_box"]
        assert given is not None
        assert given.probabilities == pytest.approx(picture.truth_probabilities[0], rel=1e-5)


def test_figures_can_be_counted_again_from_the_faces(written: Path) -> None:
    scores, faces = read_scores(written)
    for rule in ("top1", "matched", "gt_box"):
        correct = sum(face.is_correct(rule) for face in faces)
        assert correct / len(faces) == pytest.approx(scores[rule]["accuracy"])
        missed = sum(face.predictions[rule] is None for face in faces)
        assert missed / len(faces) == pytest.approx(scores[rule]["miss_rate"])


OTHER = {"primary": "top1", "classes": [], "protocol": {}, "n": 0, "n_by_class": {}}
NO_RULES = {"top1": None, "matched": None, "gt_box": None}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (None, ScoresNotFoundError, "is absent"),
        ("{", ScoresError, "is not JSON"),
        ("[" * 100_000, ScoresError, "is not JSON"),
        ("\xff", ScoresError, "is not JSON"),
        ("[]", ScoresError, "not a scores.json"),
        ("{}", ScoresError, "not a scores.json"),
        (json.dumps(OTHER), ScoresError, "not a scores.json"),
        (json.dumps({**OTHER, **NO_RULES}), ScoresError, "has no faces"),
        (json.dumps({**OTHER, **NO_RULES, "faces": [{"id": "a"}]}), ScoresError, "incomplete"),
    ],
)
def test_other_files_are_refused_in_one_line(
    tmp_path: Path, text: str | None, error: type[FerDetError], message: str
) -> None:
    path = tmp_path / "a.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(error, match=message) as refused:
        read_scores(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("place", ["label", "prediction", "rule"])
def test_faces_that_contradict_the_scores_are_refused(written: Path, place: str) -> None:
    scores = json.loads(written.read_text())
    face = scores["faces"][3]
    if place == "label":
        face["label"] = "contempt"
    elif place == "prediction":
        face["answers"]["gt_box"]["label"] = "contempt"
    else:
        del face["answers"]["gt_box"]
    write_scores(written, scores)
    with pytest.raises(ScoresError, match=f"a face of {face['id']} with other classes or rules"):
        read_scores(written)


def test_a_folder_is_no_scores_file(tmp_path: Path) -> None:
    with pytest.raises(ScoresError, match="cannot be read"):
        read_scores(tmp_path)


def test_scores_on_another_split_are_not_replaced(written: Path) -> None:
    protocol = protocol_for(random_pictures([3, 2, 2, 4, 2, 2, 3], seed=1))
    refuse_other_scores(written.with_name("absent.json"), protocol)
    refuse_other_scores(written, replace(protocol, weights_sha256="f" * 64))
    for changes in (
        {"split": "val"},
        {"dataset": "another"},
        {"views": "ten"},
        {"face_size": 30},
        {"label_map": "negative"},
        {"copies_left_out": True},
    ):
        with pytest.raises(OutputError, match=r"holds scores on the split .*--overwrite"):
            refuse_other_scores(written, replace(protocol, **changes))
    written.write_text("{}")
    with pytest.raises(OutputError, match="holds something else than scores"):
        refuse_other_scores(written, protocol)


def test_is_plain_json(written: Path) -> None:
    assert json.loads(written.read_text())["primary"] == "top1"
