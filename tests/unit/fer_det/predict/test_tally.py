from pathlib import Path

import numpy as np

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.predict_files import LookedAt
from fer_det.predict.sources import Sources
from fer_det.predict.tally import (
    MOST_NAMES,
    Tally,
    describe_passed_over,
    describe_picture,
    describe_video,
    printable,
)
from fer_det.predict.video.annotate import Watched
from fer_det.predict.video.timeline import Timeline

PIXELS = np.zeros((4, 4, 3), np.uint8)
FACE = Detection(FaceBox(1, 2, 30, 40), 0.9, {Expression.FEAR: 0.75, Expression.ANGER: 0.25})


def test_pictures_are_counted() -> None:
    tally = Tally()
    tally.add(LookedAt(Path("a.jpg"), PIXELS, (FACE, FACE)))
    tally.add(LookedAt(Path("b.jpg"), PIXELS))
    tally.add(LookedAt(Path("c.jpg"), None, error="c.jpg is empty"))
    assert list(tally.describe_pictures()) == [
        "2 pictures: 2 faces, no face in 1, 1 not read",
        "no face: b.jpg",
    ]
    assert list(tally.describe_failures()) == ["not read: c.jpg is empty"]


def test_long_lists_are_cut_and_say_so() -> None:
    tally = Tally()
    tally.add(LookedAt(Path("face.jpg"), PIXELS, (FACE,)))
    for number in range(MOST_NAMES + 5):
        tally.add(LookedAt(Path(f"{number}.jpg"), PIXELS))
        tally.add(LookedAt(Path(f"x{number}.jpg"), None, error=f"x{number}.jpg is empty"))
    pictures, failures = list(tally.describe_pictures()), list(tally.describe_failures())
    assert pictures[0] == "26 pictures: 1 face, no face in 25, 25 not read"
    assert len(pictures) == 1 + MOST_NAMES + 1
    assert pictures[-1] == "no face: and 5 more, named in the tables"
    assert len(failures) == MOST_NAMES + 1
    assert failures[-1] == "not read: and 5 more, named in the tables"


def test_a_picture_s_faces() -> None:
    told = list(describe_picture(LookedAt(Path("a.jpg"), PIXELS, (FACE,))))
    assert told == ["a.jpg: fear 0.75, face 0.90 at (1, 2, 30, 40)"]
    assert list(describe_picture(LookedAt(Path("a.jpg"), PIXELS))) == ["a.jpg: no face"]


def test_a_video_s_faces() -> None:
    timeline = Timeline((Expression.FEAR, Expression.ANGER))
    for frame in range(51):
        timeline.add(frame / 25, {7: (FACE.probabilities, FACE.expression)} if frame else {})
    watched = Watched("a.mp4", 51, 2.0, 4.0, timeline.expressions, tuple(timeline.faces()), "")
    assert list(describe_video(watched)) == [
        "a.mp4: 51 frames (0:02) in 4 s, 12.8 frames/s; 1 face",
        "  face 7: 0:00 to 0:02, 50 frames, on average fear 0.75",
    ]
    empty = Watched("a.mp4", 1, 0.0, 0.0, timeline.expressions, (), "")
    assert list(describe_video(empty)) == ["a.mp4: 1 frame (0:00) in 0 s, 0.0 frames/s; no face"]


def test_what_was_left_alone() -> None:
    sources = Sources(repeated=1)
    sources.passed_over.update({".txt": 2, ".heic": 1200})
    assert list(describe_passed_over(sources)) == [
        "in folders, neither picture nor video: 1,200 .heic, 2 .txt",
        "named more than once and looked at once: 1 file",
    ]
    assert list(describe_passed_over(Sources())) == []


def test_printable() -> None:
    assert printable("café \udce9.jpg") == "café \\xe9.jpg"
