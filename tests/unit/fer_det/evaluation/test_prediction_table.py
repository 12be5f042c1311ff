"""Tables of other programs: columns, words, units, misses, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_data.voc_tree import CLASSES

from fer_det.errors import ScoresError, ScoresNotFoundError
from fer_det.evaluation.picture import ScoredPicture
from fer_det.evaluation.prediction_table import PredictionTable, read_prediction_table
from fer_det.evaluation.predictions import predicted_classes


def table(folder: Path, text: str) -> PredictionTable:
    path = folder / "predictions.csv"
    path.write_text(text, encoding="utf-8")
    return read_prediction_table(path)


def scored(of: PredictionTable, image_id: str, faces: int = 1) -> ScoredPicture:
    boxes = np.array([[10.0 * n, 0, 10.0 * n + 8, 8] for n in range(faces)], np.float32)
    labels = np.arange(1, faces + 1)
    return of.score(image_id, (60, 40), boxes, labels, np.empty((0, 4), np.float32), CLASSES)


def test_predicted_words_without_boxes(tmp_path: Path) -> None:
    found = table(tmp_path, "image,emotion\na.jpg,Happy\nfolder/b.png,ANGRY\nc.jpg,\n")
    assert found.classes == ("happiness", "anger")
    assert not found.has_boxes
    assert found.without_answer == 1
    for image_id, wanted in (("a", 4), ("b", 6)):
        for rule in ("top1", "matched"):
            assert predicted_classes(scored(found, image_id), rule).tolist() == [wanted]
    # A line without an answer and a picture without a line are misses.
    for image_id in ("c", "d"):
        assert predicted_classes(scored(found, image_id), "top1").tolist() == [0]


def test_probabilities_in_per_cent_with_boxes(tmp_path: Path) -> None:
    head = "source,x_min,y_min,x_max,y_max,score,angry,happy,note"
    found = table(tmp_path, f"{head}\na.jpg,0,0,8,8,0.5,25,75,x\na.jpg,30,30,38,38,0.9,90,10,\n")
    picture = scored(found, "a")
    assert picture.probabilities[0].tolist() == [0, 0, 0, 0.75, 0, 0.25, 0]
    # The surer box is elsewhere: wrong by top1, ignored by matched.
    assert predicted_classes(picture, "top1").tolist() == [6]
    assert predicted_classes(picture, "matched").tolist() == [4]
    assert picture.truth_probabilities is None


def test_faces_of_one_picture_by_number(tmp_path: Path) -> None:
    found = table(tmp_path, "image,face,label\na,1,fear\na,0,sad\n")
    assert predicted_classes(scored(found, "a", 2), "top1").tolist() == [5, 2]
    with pytest.raises(ScoresError, match="with face 1 of a; wanted a number below 1"):
        scored(found, "a", 1)


def test_the_table_of_predict(tmp_path: Path) -> None:
    """Its lines without face, with a face too small to judge, and of a file that was not read."""
    names = ",".join(CLASSES)
    head = f"source,frame,seconds,face,x_min,y_min,x_max,y_max,size,flags,score,expression,{names}"
    text = (
        f"{head},note\n"
        "a.jpg,,,,0,0,8,8,8,,0.99,fear,0.1,0.4,0.1,0.1,0.1,0.1,0.1,\n"
        "b.jpg,,,,0,0,8,8,8,too_small,0.99,,,,,,,,,\n"
        f"c.jpg{',' * 19}no face\n"
    )
    found = table(tmp_path, text)
    assert predicted_classes(scored(found, "a"), "top1").tolist() == [2]
    assert found.without_answer == 2
    assert set(found.faces) == {"a"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "with the columns none; wanted image, expression or one column an expression"),
        ("image,score\na,1\n", "with the columns image, score"),
        ("image,happy,x_min\na,1,3\n", "and all of x_min, y_min, x_max, y_max or none"),
        ("image,happy,happiness\na,1,1\n", "two columns for one expression"),
        ("image,label\na,bored\n", "line 2, with 'bored' as label; wanted one of surprise"),
        ("image,happy,sad\na,0,0\n", "a sum of 0.0"),
        ("image,happy,sad\na,1,nan\n", "line 2, with 'nan' as sad"),
        ("image,happy,sad\na,1,-1\n", "line 2, with '-1' as sad"),
        ("image,happy,sad\na,inf,1\n", "a sum of inf"),
        ("image,label\n,sad\n", "line 2, with '' as image"),
        ("image,label,x_min,y_min,x_max,y_max\na,sad,9,0,1,1\n", "min edges below max edges"),
        ("image,label,x_min,y_min,x_max,y_max\na,sad,0,0,1,inf\n", "min edges below max edges"),
        ("image,label,score\na,sad,1.2\n", "with '1.2' as score; wanted a number of 0 to 1"),
    ],
)
def test_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ScoresError) as refused:
        table(tmp_path, text)
    assert message in str(refused.value)


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(ScoresNotFoundError, match="is absent"):
        read_prediction_table(tmp_path / "no.csv")
    with pytest.raises(ScoresError, match="cannot be read"):
        read_prediction_table(tmp_path)
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ScoresError, match="is no CSV table"):
        read_prediction_table(tmp_path / "picture")
