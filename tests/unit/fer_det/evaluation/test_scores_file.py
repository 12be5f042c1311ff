"""scores.json, written and read again, and what is no scores.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_data.scored_pictures import CLASSES, protocol_for, random_pictures

from fer_det.errors import FerDetError, ScoresError, ScoresNotFoundError
from fer_det.evaluation import evaluate, read_scores, write_scores
from fer_det.evaluation.matching import answer_top1


@pytest.fixture
def written(tmp_path: Path) -> Path:
    pictures = random_pictures([3, 2, 2, 4, 2, 2, 3], seed=1)
    report = evaluate(pictures, CLASSES, protocol_for(pictures), resamples=5)
    write_scores(tmp_path / "scores.json", report.to_json())
    return tmp_path / "scores.json"


def test_a_line_a_face_with_the_answers_of_all_rules(written: Path) -> None:
    pictures = random_pictures([3, 2, 2, 4, 2, 2, 3], seed=1)
    scores, faces = read_scores(written)
    assert len(faces) == scores["n"] == len(pictures)
    assert written.read_text().count('\n{"id": ') == len(faces)
    for face, picture in zip(faces, pictures, strict=True):
        (label,) = answer_top1(picture)
        told = face.answers["top1"]
        assert (told.label if told else None) == (CLASSES[label - 1] if label else None)
        assert face.label == CLASSES[picture.truth_labels[0] - 1]
        assert face.box == pytest.approx(picture.truth_boxes[0], abs=0.01)
        given = face.answers["gt_box"]
        assert given is not None
        assert given.probabilities == pytest.approx(picture.truth_probabilities[0], rel=1e-5)


def test_figures_can_be_counted_again_from_the_faces(written: Path) -> None:
    scores, faces = read_scores(written)
    for rule in ("top1", "matched", "gt_box"):
        right = sum(face.is_right(rule) for face in faces)
        assert right / len(faces) == pytest.approx(scores[rule]["accuracy"])
        missed = sum(face.answers[rule] is None for face in faces)
        assert missed / len(faces) == pytest.approx(scores[rule]["miss_rate"])


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        (None, ScoresNotFoundError, "is absent"),
        ("{", ScoresError, "is no JSON"),
        ("[]", ScoresError, "holds something else"),
        ("{}", ScoresError, "holds something else"),
        ('{"primary": "top1", "classes": [], "protocol": {}}', ScoresError, "before scores had"),
        (
            '{"primary": "top1", "classes": [], "protocol": {}, "faces": [{"id": "a"}]}',
            ScoresError,
            "not whole",
        ),
        ("\xff", ScoresError, "is no JSON"),
    ],
)
def test_what_is_no_scores_file_is_told_in_one_line(
    tmp_path: Path, text: str | None, error: type[FerDetError], told: str
) -> None:
    path = tmp_path / "a.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(error, match=told):
        read_scores(path)


def test_a_folder_is_no_scores_file(tmp_path: Path) -> None:
    with pytest.raises(ScoresError, match="cannot be read"):
        read_scores(tmp_path)


def test_is_plain_json(written: Path) -> None:
    assert json.loads(written.read_text())["primary"] == "top1"
