import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fake_data.faces import FakeDetector, draw
from numpy.typing import NDArray
from PIL import Image

import voc_builder.build.convert
from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.label import LabelDistribution
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Clip, Face, Framing, Sample
from fer_det.errors import ImageError
from fer_det.faces.detector import DetectedFace
from fer_det.imaging.decode import load_rgb8
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import IGNORE, VocObject
from voc_builder.build.convert import Converter, WorkItem
from voc_builder.build.records import Record

SIZE = (120, 90)
FIRST, SECOND = FaceBox(50, 20, 90, 70), FaceBox(5, 30, 35, 65)


def sample(path: Path, *faces: Face, framing: Framing = "photo") -> Sample:
    picture = PictureFile(path.parent, path.name)
    faces = faces or (Face(Expression.FEAR),)
    return Sample(f"rafdb_{path.stem}", "rafdb", picture, faces, "train", framing)


def item(path: Path, *faces: Face, framing: Framing = "photo", boxes: str = "mtcnn") -> WorkItem:
    return WorkItem(sample(path, *faces, framing=framing), "val", boxes)  # type: ignore[arg-type]


class Bench:
    """A VOC folder and a converter that writes there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = VocFolder.create(root / "voc")

    def picture(self, name: str, *faces: FaceBox, size: tuple[int, int] = SIZE) -> Path:
        draw(self.root / name, size, [face.as_tuple() for face in faces])
        return self.root / name

    def convert(self, *items: WorkItem) -> list[Record]:
        return Converter(self.folder, FakeDetector, False).convert(items)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestWritten:
    def test_jpeg_is_copied_byte_for_byte(self, bench: Bench) -> None:
        path = bench.picture("a.jpg", FIRST)
        (record,) = bench.convert(item(path))
        data = path.read_bytes()
        assert bench.folder.image_path("rafdb_a").read_bytes() == data
        assert (record.picture, record.fingerprint) == ("copied", f"{len(data)} bytes")
        assert record.sha256 == hashlib.sha256(data).hexdigest()

    @pytest.mark.parametrize("name", ["a.png", "turned.jpg"])
    def test_what_voc_tools_would_not_show_is_encoded(self, bench: Bench, name: str) -> None:
        path = bench.picture(name, FIRST)
        if name == "turned.jpg":
            exif = Image.Exif()
            exif[0x0112] = 3
            with Image.open(path) as image:
                image.save(path, exif=exif)
        (record,) = bench.convert(item(path))
        assert record.picture == "encoded"
        with Image.open(bench.folder.image_path(record.id)) as image:
            # As a tool shows it that knows JPEG and nothing of EXIF.
            assert image.format == "JPEG"
            shown = np.asarray(image).astype(int)
        assert np.abs(shown - load_rgb8(path)).mean() < 3

    def test_annotation(self, bench: Bench) -> None:
        (record,) = bench.convert(item(bench.picture("a.jpg", FIRST, SECOND)))
        annotation = bench.folder.read("rafdb_a")
        assert annotation.objects[0].name == "fear"
        assert annotation.objects[0].box.iou(FIRST) > 0.9
        assert annotation.objects[1].name == IGNORE
        assert annotation.objects[1].box.iou(SECOND) > 0.85
        assert (annotation.width, annotation.height) == SIZE
        assert annotation.database == "rafdb"
        assert record.faces[0].box == annotation.objects[0].box.as_tuple()

    def test_record(self, bench: Bench) -> None:
        (record,) = bench.convert(item(bench.picture("a.jpg", FIRST, SECOND)))
        assert (record.status, record.reason) == ("written", None)
        (face,) = record.faces
        assert (record.split, face.expression, record.source) == ("val", "fear", "a.jpg")
        assert (face.box_source, face.score, record.ignored) == ("mtcnn", 0.99, 1)

    def test_records_come_in_the_order_of_the_items(self, bench: Bench) -> None:
        names = ["c.jpg", "a.jpg", "d.jpg", "b.jpg"]
        for name in names[:3]:
            bench.picture(name, FIRST)
        records = bench.convert(*(item(bench.root / name) for name in names))
        assert [record.source for record in records] == names


class TestRejected:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (None, "the file is absent"),
            (b"", "the file is empty"),
            (b"<html>404</html>", "the file is not a picture we read"),
            (b"\xff\xd8\xff\xe0", "the file is"),
        ],
    )
    def test_bad_file(self, bench: Bench, content: bytes | None, reason: str) -> None:
        path = bench.root / "a.jpg"
        if content is not None:
            path.write_bytes(content)
        (record,) = bench.convert(item(path))
        assert record.status == "rejected"
        assert record.reason is not None
        assert record.reason.startswith(reason)
        assert str(bench.root) not in record.to_line()
        assert record.absent == (content is None)

    def test_cut_off(self, bench: Bench) -> None:
        path = bench.picture("a.jpg", FIRST)
        path.write_bytes(path.read_bytes()[:-300])
        (record,) = bench.convert(item(path))
        assert record.reason is not None
        assert record.reason.startswith("the file is broken (")
        assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()

    def test_folder_in_its_place(self, bench: Bench) -> None:
        (bench.root / "a.jpg").mkdir()
        (record,) = bench.convert(item(bench.root / "a.jpg"))
        assert record.reason == "the file could not be read (it is no plain file)"

    def test_no_face(self, bench: Bench) -> None:
        (record,) = bench.convert(item(bench.picture("a.jpg")))
        assert record.reason == "no face was found"
        assert not bench.folder.image_path("rafdb_a").exists()

    def test_one_bad_picture_leaves_the_others_as_they_are(self, bench: Bench) -> None:
        good, bad = bench.picture("a.jpg", FIRST), bench.root / "b.jpg"
        bad.write_bytes(b"no")
        assert [each.status for each in bench.convert(item(bad), item(good), item(bad))][
            1
        ] == "written"

    def test_files_of_an_earlier_run_go(self, bench: Bench) -> None:
        path = bench.picture("a.jpg", FIRST)
        bench.convert(item(path))
        path.unlink()
        bench.convert(item(path))
        assert not bench.folder.image_path("rafdb_a").exists()
        assert not bench.folder.annotation_path("rafdb_a").exists()


class TestCrops:
    def test_found_face(self, bench: Bench) -> None:
        path = bench.picture("a.jpg", FIRST)
        (record,) = bench.convert(item(path, framing="face_crop"))
        assert record.faces[0].box_source == "mtcnn"

    @pytest.mark.parametrize("boxes", ["mtcnn", "official"])
    def test_no_crop_is_rejected_for_want_of_a_face(self, bench: Bench, boxes: str) -> None:
        path = bench.picture("a.jpg")
        (record,) = bench.convert(item(path, framing="face_crop", boxes=boxes))
        (face,) = record.faces
        assert (face.box_source, face.score) == ("whole_picture", None)
        assert face.box == (0, 0, *SIZE)

    def test_whole_crops_need_no_detector(self, bench: Bench) -> None:
        def load() -> FakeDetector:
            raise AssertionError

        path = bench.picture("a.png", FIRST)
        items = [item(path, framing="face_crop", boxes="whole")]
        (record,) = Converter(bench.folder, load, False).convert(items)
        assert record.faces[0].box_source == "whole_picture_unsearched"
        assert record.faces[0].box == (0, 0, *SIZE)

    def test_crops_and_photos_in_one_batch(self, bench: Bench) -> None:
        photo, crop = bench.picture("a.jpg"), bench.picture("b.jpg")
        records = bench.convert(item(photo), item(crop, framing="face_crop"))
        assert [record.status for record in records] == ["rejected", "written"]


def test_official_box_replaces_mtcnns_and_the_others_are_ignored(bench: Bench) -> None:
    own = FaceBox(44, 14, 96, 78)
    path = bench.picture("a.jpg", FIRST, SECOND)
    (record,) = bench.convert(item(path, Face(Expression.FEAR, own), boxes="official"))
    objects = bench.folder.read("rafdb_a").objects
    assert objects[0] == VocObject("fear", own)
    assert [face.name for face in objects[1:]] == [IGNORE]
    assert objects[1].box.iou(SECOND) > 0.85
    assert record.ignored == 1


class TestSeveralFaces:
    VOTES = LabelDistribution({Expression.ANGER: 0.25, Expression.NEUTRAL: 0.75})

    def test_all_labelled_faces_are_written(self, bench: Bench) -> None:
        path = bench.picture("a.jpg", FIRST, SECOND)
        faces = (Face(Expression.FEAR, SECOND), Face(self.VOTES, FIRST))
        (record,) = bench.convert(item(path, *faces))
        first, second = bench.folder.read("rafdb_a").objects
        assert (first.name, second.name) == ("fear", "neutral")
        assert first.box.iou(SECOND) > 0.85
        assert second.probabilities == {"anger": 0.25, "neutral": 0.75}
        assert [face.expression for face in record.faces] == ["fear", "neutral"]
        assert record.faces[1].probabilities == {"anger": 0.25, "neutral": 0.75}
        assert record.ignored == 0

    def test_a_face_without_a_place_has_its_reason(self, bench: Bench) -> None:
        path = bench.picture("a.jpg", FIRST)
        faces = (Face(Expression.FEAR, FaceBox(500, 0, 520, 20)), Face(Expression.ANGER, FIRST))
        (record,) = bench.convert(item(path, *faces))
        assert record.status == "written"
        assert record.faces[0].reason == "the data set's box is outside the picture"
        assert [face.expression for face in record.written_faces] == ["anger"]
        assert [face.name for face in bench.folder.read("rafdb_a").objects] == ["anger"]

    def test_a_picture_without_a_labelled_face_is_rejected(self, bench: Bench) -> None:
        (record,) = bench.convert(item(bench.picture("a.jpg", FIRST), Face(None, FIRST)))
        assert (record.status, record.reason) == ("rejected", "no labelled face")


def test_group_and_clip_are_recorded(bench: Bench) -> None:
    one = sample(bench.picture("a.jpg", FIRST))
    one = dataclasses.replace(one, group="S1", clip=Clip("S1_001", 7), attributes={"fold": "3"})
    (record,) = bench.convert(WorkItem(one, "train"))
    assert (record.group, record.clip, record.frame) == ("S1", "S1_001", 7)
    assert record.attributes == {"fold": "3"}


def test_a_picture_that_is_no_file(bench: Bench) -> None:
    @dataclasses.dataclass(frozen=True)
    class Row:
        name: str

        def exists(self) -> bool:
            return True

        def fingerprint(self) -> str:
            return "1"

        def read(self) -> bytes:
            if self.name == "table.csv#2":
                raise ImageError(f"{self.name} has 3 numbers", "2,304", "correct it")
            return bench.picture("a.png", FIRST).read_bytes()

    face = (Face(Expression.FEAR),)
    items = [
        WorkItem(Sample(f"x_{n}", "x", Row(f"table.csv#{n}"), face, "train"), "train")
        for n in (1, 2)
    ]
    good, bad = bench.convert(*items)
    assert (good.status, good.source) == ("written", "table.csv#1")
    assert bad.reason == "the file has 3 numbers"


def test_pictures_are_held_within_the_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(FakeDetector):
        groups: list[int]

        def detect(
            self, images: Sequence[NDArray[np.uint8]], coarse_first: bool = False
        ) -> list[list[DetectedFace]]:
            self.groups.append(len(images))
            return super().detect(images, coarse_first)

    monkeypatch.setattr(voc_builder.build.convert, "MAX_PIXELS_AT_A_TIME", 2 * 120 * 90)
    detector = Counting()
    detector.groups = []
    items = [item(bench.picture(f"{n}.jpg", FIRST)) for n in range(3)]
    items.append(item(bench.picture("large.jpg", FIRST, size=(400, 400))))
    records = Converter(bench.folder, lambda: detector, False).convert(items)
    assert detector.groups == [2, 1, 1]
    assert [record.status for record in records] == ["written"] * 4
