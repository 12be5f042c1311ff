from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_data import mmi as fake
from fake_data.faces import draw

from fer_det.core.expression import Expression
from fer_det.core.sample import Clip, Sample
from fer_det.errors import ConfigError, DatasetFormatError
from fer_det.imaging.decode import decode_rgb8
from voc_builder.readers.mmi import Options, read


def samples_of(root: Path, **options: Any) -> list[Sample]:
    return [each for each in read(root, Options(**options)) if each.left_out is None]


def left_out_of(root: Path) -> Counter[str | None]:
    return Counter(each.left_out for each in read(root, Options()) if each.left_out)


def test_the_middle_frames_are_the_peak(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path)
    assert len(samples) == 6 * 3
    first = samples[0]
    assert first.sample_id == "mmi_1_S001-001_0003"
    assert first.picture.name == "Sessions/1/S001-001.avi#3"
    assert first.labels == (Expression.ANGER,)
    assert (first.group, first.clip) == ("S001", Clip("1_S001-001", 3))
    pixels = decode_rgb8(samples[1].open(), "frame").pixels
    assert abs(pixels[:, :40].mean() - fake.LEVELS[4]) < 4


def test_the_first_frame_is_neutral(tmp_path: Path) -> None:
    fake.write(tmp_path)
    samples = samples_of(tmp_path, neutral=True, count=1)
    assert [(each.clip and each.clip.frame, each.labels[0].label) for each in samples[:2]] == [  # type: ignore[union-attr]
        (0, "neutral"),
        (4, "anger"),
    ]


def test_sessions_by_number_and_without_emotion(tmp_path: Path) -> None:
    fake.write(tmp_path)
    fake.write_session(tmp_path, 9, "S009-001", "18")
    fake.write_session(tmp_path, 10, "S010-001", "4", view=1)
    numbers = [each.picture.name.split("/")[1] for each in samples_of(tmp_path)]
    assert numbers == sorted(numbers, key=int)
    assert left_out_of(tmp_path) == {
        "no emotion": 1,
        "another emotion": 1,
        "a profile view": 1,
    }


def test_two_views_side_by_side(tmp_path: Path) -> None:
    fake.write_session(tmp_path, 3, "S001-001", "4", view=2)
    (left,) = samples_of(tmp_path, count=1)
    (right,) = samples_of(tmp_path, count=1, frontal_half="right")
    halves = [decode_rgb8(each.open(), "frame").pixels for each in (left, right)]
    assert [half.shape for half in halves] == [(48, 48, 3)] * 2
    # The right third of the whole frame is white.
    assert halves[0].mean() < halves[1].mean()


def test_turned_videos(tmp_path: Path) -> None:
    fake.write_session(tmp_path, 3, "S001-001", "4")
    for options, where in (({"turn_clockwise": (3,)}, -1), ({"turn_anticlockwise": (3,)}, 0)):
        (sample,) = samples_of(tmp_path, count=1, **options)
        pixels = decode_rgb8(sample.open(), "frame").pixels
        assert pixels.shape == (96, 48, 3)
        assert pixels[where].mean() > 245
    with pytest.raises(ConfigError, match="with 3"):
        Options(turn_clockwise=(3,), turn_anticlockwise=(3, 4))


def test_an_absent_video_is_counted_and_a_broken_one_is_too(tmp_path: Path) -> None:
    fake.write(tmp_path)
    (tmp_path / "Sessions" / "1" / "S001-001.avi").unlink()
    (tmp_path / "Sessions" / "2" / "S001-002.avi").write_bytes(b"RIFF")
    first, second = samples_of(tmp_path)[:2]
    assert (first.picture.name, first.picture.exists()) == ("Sessions/1/S001-001.avi#0", False)
    assert (second.picture.name, second.picture.exists()) == ("Sessions/2/S001-002.avi#0", True)


def test_folds_share_no_person(tmp_path: Path) -> None:
    fake.write(tmp_path)
    splits = Counter((each.group, each.split) for each in samples_of(tmp_path, test_fold=1))
    assert splits == {("S001", "train"): 6, ("S002", "test"): 6, ("S003", "train"): 6}
    with pytest.raises(ConfigError, match="test_fold 10"):
        Options(test_fold=10)


def test_pictures_and_second_videos(tmp_path: Path) -> None:
    folder = fake.write_session(tmp_path, 1, "S001-001", "1")
    draw(folder / "S001-001.jpg", (40, 40), [])
    assert left_out_of(tmp_path) == {"a picture beside the video": 1}
    (folder / "S001-002.avi").write_bytes(b"RIFF")
    with pytest.raises(DatasetFormatError, match=r"for S001-001\.avi and S001-002\.avi"):
        samples_of(tmp_path)


def test_a_description_that_is_no_xml(tmp_path: Path) -> None:
    folder = fake.write_session(tmp_path, 1, "S001-001", "1")
    (folder / "session.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><session>&b;</session>')
    with pytest.raises(DatasetFormatError, match=r"session\.xml declares a DOCTYPE"):
        samples_of(tmp_path)
