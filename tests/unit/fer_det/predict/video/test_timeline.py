import numpy as np
import pytest

from fer_det.core.expression import Expression
from fer_det.predict.video import timeline as module
from fer_det.predict.video.timeline import BINS, FINEST, MOST_FACES, Said, Timeline

EXPRESSIONS = (Expression.HAPPINESS, Expression.ANGER)


def mixed(happiness: float, label: Expression = Expression.ANGER) -> Said:
    return {Expression.HAPPINESS: happiness, Expression.ANGER: 1 - happiness}, label


def test_means_of_the_pieces() -> None:
    timeline = Timeline(EXPRESSIONS)
    timeline.add(0.0, {1: mixed(1.0)})
    timeline.add(0.6 * FINEST, {1: mixed(0.5)})
    timeline.add(2.1 * FINEST, {1: mixed(0.0)})
    (face,) = timeline.faces()
    assert face.means[0].tolist() == [0.75, 0.25]
    assert np.isnan(face.means[1]).all()
    assert face.means[2].tolist() == [0.0, 1.0]
    assert np.isnan(face.means[3:]).all()
    assert (face.frames, face.first, face.last) == (3, 0.0, 2.1 * FINEST)
    assert face.mean.tolist() == pytest.approx([0.5, 0.5])


def test_a_long_video_has_longer_pieces_and_the_same_means() -> None:
    timeline = Timeline(EXPRESSIONS)
    rate, seconds = 5, 3600
    for frame in range(rate * seconds):
        now = frame / rate
        timeline.add(now, {1: mixed(float(now >= seconds / 2))})
    (face,) = timeline.faces()
    assert face.means.shape == (BINS, 2)
    assert seconds <= BINS * timeline.piece < 2 * seconds + timeline.piece
    assert face.frames == rate * seconds
    middle = int(seconds / 2 / timeline.piece)
    assert (face.means[:middle, 0] == 0).all()
    assert (face.means[middle + 1 : int(seconds / timeline.piece), 0] == 1).all()


def test_faces_are_told_by_how_long_they_were_seen() -> None:
    timeline = Timeline(EXPRESSIONS)
    for frame in range(10):
        faces = {1: mixed(1.0)} | ({2: mixed(0.0)} if frame < 3 else {})
        timeline.add(frame / 25, faces)
    assert [(face.number, face.frames) for face in timeline.faces()] == [(1, 10), (2, 3)]


def test_the_label_of_a_piece_is_the_one_that_stood_longest() -> None:
    timeline = Timeline(EXPRESSIONS)
    happy, angry = EXPRESSIONS
    for place, label in ((0.1, angry), (0.2, happy), (0.3, happy), (2.1, angry)):
        timeline.add(place * FINEST, {1: mixed(0.0, label)})
    (face,) = timeline.faces()
    assert face.labels[:4].tolist() == [0, -1, 1, -1]


def test_of_too_many_faces_the_briefest_that_are_gone_are_dropped() -> None:
    timeline = Timeline(EXPRESSIONS)
    for frame in range(20):
        timeline.add(frame / 25, {1: mixed(1.0)})
    for number in range(2, MOST_FACES + 50):
        timeline.add(number / 1.0, {number: mixed(0.5)})
    known = timeline.faces()
    assert len(known) == MOST_FACES
    assert known[0].number == 1
    assert MOST_FACES + 49 in {face.number for face in known}
    assert timeline.dropped == 49


def test_faces_of_the_same_frame_are_never_dropped_for_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_FACES", 2)
    timeline = Timeline(EXPRESSIONS)
    timeline.add(0.0, {number: mixed(0.5) for number in range(5)})
    assert len(timeline.faces()) == 5


def test_no_face_at_all() -> None:
    timeline = Timeline(EXPRESSIONS)
    timeline.add(3.0, {})
    assert timeline.faces() == []
    assert timeline.seconds == 3.0
