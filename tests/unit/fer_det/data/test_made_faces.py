import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data.made_faces import SHADE_STEP, describe, write_made_faces

from fer_det.config.training import AugmentConfig
from fer_det.core.box import FaceBox
from fer_det.data.augment import Augmentation
from fer_det.data.made_faces import (
    SMALLEST_SQUARE,
    MadeFaces,
    load_made_faces,
    read_making,
    sample_square,
)
from fer_det.data.sampler import Draw
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from fer_det.imaging.affine import turn_box
from fer_det.imaging.jitter import JitterRanges

SIZE = 48
STILL = AugmentConfig(flip=0, scale=0, shift=0, jitter=JitterRanges(0, 0, 0))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made_faces(tmp_path_factory.mktemp("faces"), train=14, test=7)


def load(root: Path, augment: AugmentConfig | None = None) -> tuple[MadeFaces, MadeFaces]:
    return load_made_faces(root, SIZE, (1, 2, 3), Augmentation(augment or AugmentConfig()))


def lines_of(root: Path) -> list[str]:
    return (root / "basic" / "faces.jsonl").read_text().splitlines()


class TestLoad:
    def test_splits(self, root: Path) -> None:
        train, test = load(root)
        assert (len(train), len(test)) == (14, 7)
        assert [face.label for face in train.pictures][:8] == [1, 2, 3, 4, 5, 6, 7, 1]
        assert test.pictures[3].path == root / "basic/Image/original/test_00003.jpg"
        assert train.measures.units == ("4", "12L", "12R")
        assert test.measures is train.measures

    def test_measures_are_standardised_over_the_training_split(self, root: Path) -> None:
        train, test = load(root, STILL)
        rows = np.stack([train[Draw(k, k)][1]["measures"] for k in range(len(train))])
        varies = rows.std(0) > 0
        assert 0 < int(varies.sum()) < len(varies)
        assert rows.mean(0) == pytest.approx(0, abs=1e-5)
        spread = rows.std(0)
        assert spread[varies] == pytest.approx(1, abs=1e-5)
        # The test split's age is younger on the training split's scale.
        age = train.measures.names.index("age")
        assert float(test[Draw(0, 0)][1]["measures"][age]) == pytest.approx(float(rows[0, age]))

    def test_folder_around_the_layout(self, root: Path, tmp_path: Path) -> None:
        (tmp_path / "rafdb").symlink_to(root)
        assert load(tmp_path)[0].hash() == load(root)[0].hash()

    def test_settings_of_the_maker(self, tmp_path: Path) -> None:
        assert read_making(tmp_path) == {}
        (tmp_path / "made_faces.json").write_text('{"settings": {"seed": 5}}')
        assert read_making(tmp_path) == {"seed": 5}

    def test_hash_tells_what_changed(self, tmp_path: Path) -> None:
        root = write_made_faces(tmp_path, 7, 1)
        before = load(root)[0].hash()
        assert before == load(root, STILL)[0].hash()
        text = (root / "basic" / "faces.jsonl").read_text()
        (root / "basic" / "faces.jsonl").write_text(text.replace('"yaw": 3.0', '"yaw": 3.5', 1))
        assert load(root)[0].hash() != before


class TestRefused:
    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetNotFoundError, match=r"faces.jsonl is absent.*--faces"):
            load(tmp_path)

    def test_one_split_alone(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetFormatError, match="no face in the split test"):
            load(write_made_faces(tmp_path, 3, 0))

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda d: d.pop("yaw"), "KeyError('yaw')"),
            (lambda d: d.pop("units"), "no action units"),
            (lambda d: d.update(label=8), "label 8"),
            (lambda d: d.update(split="val"), "the split 'val'"),
            (lambda d: d.update(picture="../a.jpg"), "picture '../a.jpg'"),
            (lambda d: d.update(box=[1, 2, 3]), "TypeError"),
            (lambda d: d.update(box=[5, 5, 5, 9]), "has no area"),
            (lambda d: d.update(pitch=float("nan")), "not finite"),
            (lambda d: d.update(age="old"), "ValueError"),
        ],
    )
    def test_line(
        self, tmp_path: Path, change: Callable[[dict[str, Any]], object], told: str
    ) -> None:
        root = write_made_faces(tmp_path, 3, 1)
        description = describe(1, "train")
        change(description)
        self.replace_line(root, json.dumps(description))
        with pytest.raises(DatasetFormatError) as refused:
            load(root)
        assert told in str(refused.value)
        assert "in line 2" in str(refused.value)

    def test_no_json(self, tmp_path: Path) -> None:
        root = write_made_faces(tmp_path, 3, 1)
        self.replace_line(root, "{")
        with pytest.raises(DatasetFormatError, match=r"holds no JSON in line 2; .*make-faces"):
            load(root)

    def replace_line(self, root: Path, line: str) -> None:
        lines = lines_of(root)
        lines[1] = line
        (root / "basic" / "faces.jsonl").write_text("\n".join(lines))


def mean_in_box(picture: np.ndarray, box: np.ndarray) -> float:
    """Of red, in the middle of the box."""
    x_min, y_min, x_max, y_max = box.tolist()
    x, y = int((x_min + x_max) / 2), int((y_min + y_max) / 2)
    return float(picture[0, y - 1 : y + 2, x - 1 : x + 2].mean())


class TestPicture:
    def test_without_augmentation_it_depends_on_the_picture_alone(self, root: Path) -> None:
        _, test = load(root)
        (one, first), (other, again) = test[Draw(2, 5)], test[Draw(2, 6)]
        assert np.array_equal(one, other)
        assert np.array_equal(first["boxes"], again["boxes"])
        assert (one.shape, one.dtype) == ((3, SIZE, SIZE), np.uint8)
        assert first["boxes"].dtype == first["measures"].dtype == np.float32
        assert (first["labels"].tolist(), int(first["index"]), int(again["seed"])) == ([3], 2, 6)

    def test_seed_decides_a_training_picture(self, root: Path) -> None:
        train, _ = load(root)
        (one, first), (other, again) = train[Draw(2, 5)], train[Draw(2, 5)]
        assert np.array_equal(one, other)
        assert all(np.array_equal(first[name], again[name]) for name in first)
        assert not np.array_equal(one, train[Draw(2, 6)][0])

    @pytest.mark.parametrize("augmented", [False, True])
    def test_box_is_where_the_face_is(self, root: Path, augmented: bool) -> None:
        train, test = load(root, replace(AugmentConfig(), jitter=JitterRanges(0, 0, 15)))
        for seed in range(40):
            faces = train if augmented else test
            picture, target = faces[Draw(seed % 7, seed)]
            (box,) = target["boxes"]
            assert (box >= 0).all()
            assert (box <= SIZE).all()
            assert (box[2:] - box[:2]).min() > 5
            wanted = 180 * (0.4 + SHADE_STEP * (seed % 7 + 1))
            assert mean_in_box(picture, box) == pytest.approx(min(wanted, 255), abs=12)

    def test_mirrored_and_turned_with_its_measures(self, root: Path) -> None:
        flipped = replace(STILL, flip=1.0)
        plain, mirrored = load(root, STILL)[0], load(root, flipped)[0]
        (one, first), (other, second) = plain[Draw(3, 8)], mirrored[Draw(3, 8)]
        assert np.array_equal(one, other[:, :, ::-1])
        names = plain.measures.names
        left, right, yaw = (names.index(name) for name in ("12L", "12R", "yaw"))
        raw_first, raw_second = (self.raw(plain, t["measures"]) for t in (first, second))
        assert raw_second[left] == pytest.approx(raw_first[right], abs=1e-5)
        assert raw_second[right] == pytest.approx(raw_first[left], abs=1e-5)
        assert raw_second[yaw] == pytest.approx(-raw_first[yaw], abs=1e-5)
        turned = load(root, replace(STILL, jitter=JitterRanges(0, 0, 15)))[0]
        roll = names.index("roll")
        angles = [
            self.raw(turned, turned[Draw(3, seed)][1]["measures"])[roll] - raw_first[roll]
            for seed in range(20)
        ]
        assert -15 <= min(angles) < -5 < 5 < max(angles) <= 15

    def raw(self, faces: MadeFaces, measures: np.ndarray) -> np.ndarray:
        return measures * faces._standard.deviation + faces._standard.mean

    def test_change_that_loses_the_face_is_not_made(self, root: Path) -> None:
        train, _ = load(root, replace(STILL, flip=1.0, shift=1.0))
        for seed in range(40):
            _, target = train[Draw(3, seed)]
            (box,) = target["boxes"]
            # Loose edges and a shift cost some of it.
            assert (box[2:] - box[:2]).min() > 3


SIDE, WIDTH, HEIGHT = 96, 300, 200
FACE = FaceBox(100, 60, 150, 120)


def square(box: FaceBox, seed: int) -> np.ndarray:
    return sample_square(box, WIDTH, HEIGHT, SIDE, np.random.default_rng(seed)).matrix


class TestSquare:
    @pytest.mark.parametrize(
        "box", [FACE, FaceBox(0, 0, 30, 40), FaceBox(260, 150, 300, 200), FaceBox(40, 0, 240, 200)]
    )
    def test_face_is_whole_and_upright(self, box: FaceBox) -> None:
        for seed in range(50):
            matrix = square(box, seed)
            assert matrix[0, 0] == matrix[1, 1] > 0
            assert matrix[0, 1] == matrix[1, 0] == 0
            edges = turn_box(box, matrix).as_tuple()
            assert min(edges) >= -1e-6
            assert max(edges) <= SIDE + 1e-6

    def test_from_the_face_alone_to_the_whole_photo(self) -> None:
        sizes = [turn_box(FACE, square(FACE, seed)).height / SIDE for seed in range(500)]
        assert 0.2 <= min(sizes) < 0.22
        assert 0.9 < max(sizes) <= 1 / SMALLEST_SQUARE + 1e-6
        # Evenly on a logarithmic scale, so that the middle is the geometric one.
        assert np.median(sizes) == pytest.approx(np.sqrt(0.2 / SMALLEST_SQUARE), rel=0.1)

    def test_inside_the_photo_where_it_fits(self) -> None:
        for seed in range(50):
            matrix = square(FACE, seed)
            side = SIDE / matrix[0, 0]
            left, top = -matrix[:, 2] / matrix[0, 0]
            assert -1e-6 <= left <= max(WIDTH - side, 0) + 1e-6
            assert -1e-6 <= top <= max(HEIGHT - side, 0) + 1e-6

    def test_face_that_fills_the_photo_is_letterboxed(self) -> None:
        matrix = square(FaceBox(-10, -10, 310, 215), 0)
        assert matrix == pytest.approx(np.array([[0.32, 0, 0], [0, 0.32, 0]]))
