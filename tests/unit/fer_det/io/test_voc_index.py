"""The index holds what the XML files hold, and is not used where they contradict it."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from fake_data.voc_tree import BYSTANDER, CLASSES, FACE, HEIGHT, WIDTH, write_voc_tree

from fer_det.checks.folder import check_folder
from fer_det.cli.main import main
from fer_det.config.check import CheckConfig
from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.data.face_crops import FaceCrops
from fer_det.data.sampler import Draw
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import AnnotationError, DatasetFormatError, DatasetNotFoundError
from fer_det.io import voc_index
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import IGNORE, VocAnnotation, VocObject
from fer_det.io.voc_columns import AnnotationColumns
from fer_det.io.voc_index import INDEX, StaleIndexError, read_index, write_index

LABELS = ["fear", "anger", ("neutral", "surprise"), "fear", "happiness"]


@pytest.fixture
def folder(tmp_path: Path) -> VocFolder:
    return write_voc_tree(tmp_path / "voc", {"train": LABELS, "val": ["anger", "fear"]})


def dataset(folder: VocFolder, split: str = "train") -> VocDataset:
    return VocDataset(folder.root, split, 30, (0, 0, 0))


def index_of(folder: VocFolder) -> Path:
    return folder.home / INDEX


def random_annotation(
    number: int, generator: random.Random, classes: tuple[str, ...]
) -> VocAnnotation:
    """Any number of faces, hard, soft or ignored, with boxes that are no whole numbers."""
    faces = []
    for _ in range(generator.randrange(4)):
        x, y = generator.uniform(0, 60), generator.uniform(0, 60)
        box = FaceBox(x, y, x + generator.uniform(1, 30), y + generator.uniform(1, 30))
        kind = generator.choice(("hard", "soft", "ignored"))
        name = IGNORE if kind == "ignored" else generator.choice(classes)
        shares = None
        if kind == "soft":
            others = generator.sample(classes, generator.randrange(1, len(classes) + 1))
            values = {each: generator.uniform(0.1, 1) for each in {*others, name}}
            values[name] = 2.0
            shares = {each: value / sum(values.values()) for each, value in values.items()}
        points = [
            (float(generator.randrange(-3, 90)), float(generator.randrange(90)))
            for _ in range(generator.choice((0, 5)))
        ]
        faces.append(VocObject(name, box, shares, tuple(points)))
    faces.append(VocObject(generator.choice(classes), FACE))
    generator.shuffle(faces)
    database = generator.choice(("one", "two"))
    return VocAnnotation(f"p_{number:03d}", 100, 100 + number, tuple(faces), database)


class TestSame:
    @pytest.mark.parametrize(("size", "at_a_time"), [(7, 65_536), (8, 9)])
    def test_annotations_and_training_arrays_as_from_xml(
        self, tmp_path: Path, size: int, at_a_time: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(voc_index, "_ROWS_AT_A_TIME", at_a_time)
        classes = tuple(each.label for each in Expression)[:size]
        generator = random.Random(size)
        folder = VocFolder.create(tmp_path)
        folder.write_label_map(classes)
        ids = [f"p_{number:03d}" for number in range(60)]
        for number in range(60):
            annotation = random_annotation(number, generator, classes)
            folder.write(annotation)
            folder.image_path(annotation.image_id).write_bytes(b"x" * (number + 1))
        generator.shuffle(ids)
        folder.image_set_path("train").write_text("\n".join(ids[:40]) + "\n")
        folder.image_set_path("val").write_text("\n".join(ids[40:]) + "\n")
        plain = {split: dataset(folder, split) for split in ("train", "val")}
        write_index(folder)
        for split, wanted in plain.items():
            given = dataset(folder, split)
            assert given.pictures[0].indexed is not None
            assert wanted.pictures[0].indexed is None
            assert given.hash() == wanted.hash()
            assert np.array_equal(given.labels, wanted.labels)
            for one, other in zip(given.pictures, wanted.pictures, strict=True):
                assert (one.image_id, one.path, one.database, one.width, one.height, one.label) == (
                    *(other.image_id, other.path, other.database, other.width, other.height),
                    other.label,
                )
                assert one.boxes.tobytes() == other.boxes.tobytes()
                assert one.labels.tobytes() == other.labels.tobytes()
                assert one.label_probabilities.tobytes() == other.label_probabilities.tobytes()
                assert one.landmarks == other.landmarks
            crops = [FaceCrops(each, 0.1).pictures for each in (given, wanted)]
            assert [(c.path, c.label, c.box) for c in crops[0]] == [
                (c.path, c.label, c.box) for c in crops[1]
            ]
        # Any order and any part of the pictures.
        found = read_index(folder, ids[10:50])
        assert found is not None
        assert list(found[0]) == [folder.read(image_id) for image_id in ids[10:50]]

    def test_a_picture_without_faces(self, folder: VocFolder) -> None:
        folder.write(VocAnnotation("train_0001", WIDTH, HEIGHT, ()))
        write_index(folder)
        names = ["train_0002", "train_0001", "train_0000"]
        found = read_index(folder, names)
        assert found is not None
        assert list(found[0]) == [folder.read(name) for name in names]

    def test_columns_are_the_annotations(self, folder: VocFolder) -> None:
        annotations = [folder.read(name) for name in folder.image_ids("train")]
        assert list(AnnotationColumns.of(annotations)) == annotations
        assert AnnotationColumns.of(annotations)[1:3] == annotations[1:3]
        assert list(AnnotationColumns.of([])) == []

    def test_same_bytes_again(self, folder: VocFolder) -> None:
        write_index(folder)
        before = index_of(folder).read_bytes()
        write_index(folder)
        assert index_of(folder).read_bytes() == before

    def test_errors_name_the_same_file(self, folder: VocFolder) -> None:
        boring = VocObject("bored", FACE)
        folder.write(VocAnnotation("train_0003", WIDTH, HEIGHT, (boring,)))
        folder.write(VocAnnotation("train_0004", WIDTH, HEIGHT, (VocObject(IGNORE, BYSTANDER),)))
        for _ in range(2):
            with pytest.raises(AnnotationError, match=r"train_0003.xml has the class 'bored'"):
                dataset(folder)
            write_index(folder)


class TestRows:
    def test_a_row_a_face(self, folder: VocFolder) -> None:
        soft = VocObject("fear", FACE, {"fear": 0.75, "anger": 0.25}, ((3.0, 4.0), (9.0, 5.0)))
        folder.write(VocAnnotation("train_0000", WIDTH, HEIGHT, (soft,)))
        row = {"id": "train_0000", "group": "ann", "clip": "c", "sha256": "ab", "picture": "copied"}
        (folder.home / "manifest.jsonl").write_text(json.dumps(row) + "\n")
        assert write_index(folder) == (8 + 3, 7)
        rows = pyarrow.parquet.read_table(index_of(folder)).to_pylist()
        first = rows[0]
        assert dict(first.pop("votes")) == {"fear": 0.75, "anger": 0.25}
        assert first == {
            "picture": "train_0000",
            "split": "train",
            "database": "unknown",
            "width": WIDTH,
            "height": HEIGHT,
            "depth": 3,
            "annotation_bytes": folder.annotation_path("train_0000").stat().st_size,
            "picture_bytes": folder.image_path("train_0000").stat().st_size,
            "landmarks": [3.0, 4.0, 9.0, 5.0],
            "label": "fear",
            "x_min": FACE.x_min,
            "y_min": FACE.y_min,
            "x_max": FACE.x_max,
            "y_max": FACE.y_max,
            "group": "ann",
            "clip": "c",
            "sha256": "ab",
        }
        assert [each["split"] for each in rows].count("val") == 3
        assert (rows[2]["label"], rows[2]["votes"], rows[2]["group"]) == (IGNORE, None, None)

    def test_the_command(self, folder: VocFolder, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["index", f"--data={folder.home}"]) == 0
        assert f"{index_of(folder)}: 11 faces in 7 pictures" in capsys.readouterr().out
        folder.image_path("train_0001").unlink()
        assert main(["index", f"--data={folder.home}"]) == 2
        assert "train_0001.jpg is absent" in capsys.readouterr().err
        assert [path.name for path in folder.home.iterdir() if path.is_file()] == [INDEX]


def rename_label(folder: VocFolder) -> None:
    """Change a label in place; the file's name stays in its folder, and so does its length."""
    path = folder.annotation_path("train_0001")
    text = path.read_text().replace("<name>anger</name>", "<name>angry</name>")
    path.write_text(text)
    os.utime(path, ns=(index_of(folder).stat().st_mtime_ns + 1,) * 2)


def keep_time_but_grow(folder: VocFolder) -> None:
    path = folder.annotation_path("train_0001")
    before = path.stat().st_mtime_ns
    path.write_text(path.read_text() + "\n")
    os.utime(path, ns=(before, before))


def list_another(folder: VocFolder) -> None:
    """As someone would who adds a picture without making the index again."""
    for path in (folder.image_path, folder.annotation_path):
        path("extra").write_bytes(path("train_0000").read_bytes())
    with folder.image_set_path("train").open("a") as file:
        file.write("extra\n")
    for name in ("Annotations", "JPEGImages"):
        os.utime(folder.root / name, ns=(0, 0))


class TestStale:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (rename_label, "train_0001.xml has changed"),
            (keep_time_but_grow, "train_0001.xml has changed"),
            (lambda f: f.image_path("train_0001").write_bytes(b"x"), "train_0001.jpg has changed"),
            (list_another, "lacks extra"),
            (lambda f: index_of(f).write_bytes(b"PAR1"), "cannot be read"),
            (lambda f: f.write(f.read("train_0000")), "files in Annotations were added or removed"),
        ],
    )
    def test_a_change_is_one_line_and_the_xml_counts(
        self,
        folder: VocFolder,
        change: Callable[[VocFolder], object],
        reason: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        write_index(folder)
        time = index_of(folder).stat().st_mtime_ns
        change(folder)
        if "added" in reason:
            os.utime(folder.root / "Annotations", ns=(time + 1, time + 1))
        elif index_of(folder).stat().st_size == 4:
            os.utime(index_of(folder), ns=(time, time))
        if change is rename_label:
            with pytest.raises(AnnotationError, match="angry"):
                dataset(folder)
        else:
            assert len(dataset(folder)) == len(folder.image_ids("train"))
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert told.startswith(f"warning: {index_of(folder)}: {reason}")
        assert f"fer-det index --data {folder.home}; the XML files are read instead" in told

    def test_in_a_large_split_when_the_picture_is_opened(
        self, folder: VocFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(voc_index, "SEEN_AT_START", 3)
        write_index(folder)
        rename_label(folder)
        opened = dataset(folder)
        opened[Draw(0, 0)]
        with pytest.raises(StaleIndexError, match=r"train_0001.xml has changed since it was made"):
            opened[Draw(1, 0)]
        folder.annotation_path("train_0002").unlink()
        with pytest.raises(DatasetFormatError, match=r"train_0002.xml is absent"):
            opened[Draw(2, 0)]

    def test_without_an_index_nothing_is_said(
        self, folder: VocFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        dataset(folder)
        assert capsys.readouterr().err == ""

    def test_an_edit_while_the_index_is_made(self, folder: VocFolder) -> None:
        def edit_later(listed: object) -> object:
            yield from listed  # type: ignore[misc]
            path = folder.annotation_path("train_0001")
            path.write_text(path.read_text().replace("anger", "angel"))
            newest = max(each.stat().st_mtime_ns for each in folder.root.rglob("*"))
            os.utime(path, ns=(newest + 1, newest + 1))

        write_index(folder, edit_later)  # type: ignore[arg-type]
        with pytest.raises(AnnotationError, match="angel"):
            dataset(folder)

    def test_an_absent_picture(self, folder: VocFolder) -> None:
        write_index(folder)
        folder.image_path("train_0001").unlink()
        with pytest.raises(DatasetNotFoundError, match="1 of 5 pictures"):
            dataset(folder)


class TestCheck:
    def findings(self, folder: VocFolder) -> list[str]:
        checked = check_folder(CheckConfig(folder.home, threads=1))
        return [str(each) for each in checked.findings if each.place == INDEX]

    def test_a_good_index(self, folder: VocFolder) -> None:
        write_index(folder)
        assert self.findings(folder) == []

    def test_a_change_that_sizes_and_times_do_not_show(self, folder: VocFolder) -> None:
        write_index(folder)
        path = folder.annotation_path("train_0001")
        before = path.stat().st_mtime_ns
        path.write_text(path.read_text().replace("<xmin>21<", "<xmin>22<"))
        os.utime(path, ns=(before, before))
        assert self.findings(folder) == [
            f"refused: {INDEX}: contradicts Annotations/train_0001.xml"
        ]

    def test_one_that_is_not_used(self, folder: VocFolder) -> None:
        write_index(folder)
        keep_time_but_grow(folder)
        (found,) = self.findings(folder)
        assert found.startswith(f"warning: {INDEX}: train_0001.xml has changed")


def test_classes_of_the_fake_data() -> None:
    """The tests above rename by equal lengths."""
    assert len("anger") == len("angry") == len("angel")
    assert {"anger", "fear"} <= set(CLASSES)
