import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from fer_det.predict.video import timeline as module
from fer_det.predict.video.timeline import (
    BINS,
    COLOURS,
    FIRST_BIN,
    MOST_FACES,
    MOST_PANELS,
    Answer,
    Timeline,
    clock,
    describe_face,
    draw_timeline,
)

EXPRESSIONS = (Expression.HAPPINESS, Expression.ANGER)


def mixed(happiness: float, label: Expression = Expression.ANGER) -> Answer:
    return {Expression.HAPPINESS: happiness, Expression.ANGER: 1 - happiness}, label


def test_means_of_the_bins() -> None:
    timeline = Timeline(EXPRESSIONS)
    timeline.add(0.0, {1: mixed(1.0)})
    timeline.add(0.6 * FIRST_BIN, {1: mixed(0.5)})
    timeline.add(2.1 * FIRST_BIN, {1: mixed(0.0)})
    (face,) = timeline.faces()
    assert face.means[0].tolist() == [0.75, 0.25]
    assert np.isnan(face.means[1]).all()
    assert face.means[2].tolist() == [0.0, 1.0]
    assert np.isnan(face.means[3:]).all()
    assert (face.frames, face.first, face.last) == (3, 0.0, 2.1 * FIRST_BIN)
    assert face.mean.tolist() == pytest.approx([0.5, 0.5])


def test_a_long_video_has_longer_bins_and_the_same_means() -> None:
    timeline = Timeline(EXPRESSIONS)
    rate, seconds = 5, 3600
    for frame in range(rate * seconds):
        now = frame / rate
        timeline.add(now, {1: mixed(float(now >= seconds / 2))})
    (face,) = timeline.faces()
    assert face.means.shape == (BINS, 2)
    assert seconds <= BINS * timeline.bin < 2 * seconds + timeline.bin
    assert face.frames == rate * seconds
    middle = int(seconds / 2 / timeline.bin)
    assert (face.means[:middle, 0] == 0).all()
    assert (face.means[middle + 1 : int(seconds / timeline.bin), 0] == 1).all()


def test_faces_are_sorted_by_their_number_of_frames() -> None:
    timeline = Timeline(EXPRESSIONS)
    for frame in range(10):
        faces = {1: mixed(1.0)} | ({2: mixed(0.0)} if frame < 3 else {})
        timeline.add(frame / 25, faces)
    assert [(face.number, face.frames) for face in timeline.faces()] == [(1, 10), (2, 3)]


def test_the_label_of_a_bin_is_the_most_frequent_one() -> None:
    timeline = Timeline(EXPRESSIONS)
    happy, angry = EXPRESSIONS
    for place, label in ((0.1, angry), (0.2, happy), (0.3, happy), (2.1, angry)):
        timeline.add(place * FIRST_BIN, {1: mixed(0.0, label)})
    (face,) = timeline.faces()
    assert face.labels[:4].tolist() == [0, -1, 1, -1]


def test_of_too_many_faces_those_with_fewest_frames_are_dropped() -> None:
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


def certain(expression: Expression) -> Answer:
    return {each: float(each is expression) for each in BASIC_EXPRESSIONS}, expression


def drawn(timeline: Timeline, title: str = "a.mp4") -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(draw_timeline(timeline, title))) as image:
        return np.asarray(image.convert("RGB"))


def columns_of(pixels: NDArray[np.uint8], expression: Expression) -> NDArray[np.int64]:
    """Columns with a strip or curve of that colour, below the legend."""
    near = np.abs(pixels[80:].astype(int) - COLOURS[expression]).max(axis=2) < 12
    return np.flatnonzero(near.sum(axis=0) > 5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (7.5, "0:07.5"), (59.98, "1:00"), (750, "12:30"), (3605, "1:00:05")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_strip_changes_colour_when_the_expression_does() -> None:
    timeline = Timeline(BASIC_EXPRESSIONS)
    for frame in range(400):
        happy = frame < 100 or frame >= 300
        faces = {1: certain(Expression.HAPPINESS if happy else Expression.ANGER)}
        timeline.add(frame / 10, faces if frame < 350 else {})
    pixels = drawn(timeline)
    left, width = 60, 1200 - 60 - 24
    angry, happy = columns_of(pixels, Expression.ANGER), columns_of(pixels, Expression.HAPPINESS)
    assert (angry[0], angry[-1]) == pytest.approx(
        (left + width * 10 / 39.9, left + width * 30 / 39.9), abs=4
    )
    assert (happy[0], happy[-1]) == pytest.approx((left, left + width * 35 / 39.9), abs=4)
    assert not len(columns_of(pixels, Expression.FEAR))


def test_no_more_panels_than_can_be_read() -> None:
    heights = []
    for faces in (1, 3, MOST_PANELS, MOST_PANELS + 5):
        timeline = Timeline(BASIC_EXPRESSIONS)
        for frame in range(3):
            seen = {number: certain(Expression.NEUTRAL) for number in range(1, faces + 1)}
            timeline.add(frame / 10, seen)
        heights.append(drawn(timeline).shape[0])
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_a_single_frame_and_no_face() -> None:
    timeline = Timeline(BASIC_EXPRESSIONS)
    timeline.add(0.0, {})
    empty = drawn(timeline)
    timeline.add(0.0, {1: certain(Expression.SADNESS)})
    assert len(columns_of(drawn(timeline), Expression.SADNESS))
    assert not len(columns_of(empty, Expression.SADNESS))
    assert (empty[80:] < 100).any()


def test_any_name_can_be_a_title(capfd: pytest.CaptureFixture[str]) -> None:
    timeline = Timeline(BASIC_EXPRESSIONS)
    timeline.add(0.0, {})
    plain = drawn(timeline)
    for title in ("$x^2$ {b}", "照片 🙂 كتاب.mp4", "\\udce9.mp4"):
        assert (drawn(timeline, title) != plain).any()
    assert capfd.readouterr() == ("", "")


def test_a_face_in_words() -> None:
    timeline = Timeline(EXPRESSIONS)
    for frame in range(51):
        timeline.add(frame / 25, {7: mixed(0.75)} if frame else {})
    (face,) = timeline.faces()
    wanted = "face 7: 0:00 to 0:02, 50 frames, on average happiness 0.75"
    assert describe_face(face, EXPRESSIONS) == wanted
