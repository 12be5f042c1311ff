from pathlib import Path

import numpy as np
import pytest
from fake_data.voc_tree import BYSTANDER, CLASSES, FACE, HEIGHT, WIDTH, drawn_face, write_voc_tree

from fer_det.config.training import AugmentConfig
from fer_det.data.augment import Augmentation
from fer_det.data.sampler import Draw
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import AnnotationError, DatasetFormatError, DatasetNotFoundError
from fer_det.imaging.decode import encode_jpeg, load_rgb8
from fer_det.imaging.jitter import JitterRanges
from fer_det.io.files import write_bytes
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import IGNORE, VocAnnotation, VocObject

SIZE, PADDING = 30, (10, 20, 30)
LABELS = ["fear", "anger", ("neutral", "surprise"), "fear"]


@pytest.fixture
def folder(tmp_path: Path) -> VocFolder:
    return write_voc_tree(tmp_path, {"train": LABELS, "val": ["anger"]})


def dataset(folder: VocFolder, **changes: object) -> VocDataset:
    return VocDataset(folder.root, "train", SIZE, PADDING, **changes)  # type: ignore[arg-type]


class TestEntries:
    def test_picture_and_target(self, folder: VocFolder) -> None:
        pixels, target = dataset(folder)[Draw(1, 77)]
        assert (pixels.shape, pixels.dtype) == ((3, SIZE, SIZE), np.uint8)
        # 60 x 48 pixels into 30 x 30: the scale is a half.
        wanted = np.array([FACE.as_tuple(), BYSTANDER.as_tuple()]) / 2
        assert np.array_equal(target["boxes"], wanted)
        assert target["boxes"].dtype == np.float32
        assert target["labels"].tolist() == [CLASSES.index("anger") + 1, -1]
        assert target["labels"].dtype == np.int64
        anger = [float(name == "anger") for name in CLASSES]
        assert target["label_probabilities"].tolist() == [anger, [0.0] * len(CLASSES)]
        assert target["label_probabilities"].dtype == np.float32
        assert (int(target["index"]), int(target["seed"])) == (1, 77)

    def test_pixels_are_the_picture_s_in_rgb(self, folder: VocFolder) -> None:
        pixels, _ = dataset(folder)[Draw(1, 0)]
        whole = load_rgb8(folder.image_path("train_0001"))
        blocks = whole.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean((1, 3))
        assert np.abs(pixels.transpose(1, 2, 0)[: HEIGHT // 2] - blocks).max() <= 1
        assert (pixels[:, HEIGHT // 2 + 1 :] == np.array(PADDING)[:, None, None]).all()

    def test_labelled_faces_come_first(self, folder: VocFolder) -> None:
        bystander, face = VocObject(IGNORE, BYSTANDER), VocObject("fear", FACE)
        folder.write(VocAnnotation("train_0000", WIDTH, HEIGHT, (bystander, face)))
        found = dataset(folder).pictures[0]
        assert found.labels.tolist() == [2, -1]
        assert found.boxes[0].tolist() == list(FACE.as_tuple())
        # The third picture shows neutral and surprise, both equally rare here.
        assert [picture.label for picture in dataset(folder).pictures] == [2, 6, 1, 2]

    def test_masks_where_they_are_asked_for(self, folder: VocFolder) -> None:
        eyes_and_mouth = ((25.0, 18.0), (36.0, 18.0), (30.5, 24.0), (27.0, 29.0), (34.0, 29.0))
        seen = VocObject("fear", FACE, None, eyes_and_mouth)
        folder.write(
            VocAnnotation("train_0001", WIDTH, HEIGHT, (seen, VocObject(IGNORE, BYSTANDER)))
        )
        plain = dataset(folder)
        masked = plain.with_masks()
        for place in (0, 1):
            before, after = (
                plain[Draw(place, 0)][0].astype(int),
                masked[Draw(place, 0)][0].astype(int),
            )
            changed = abs(before - after).max(axis=0) > 12
            # FACE is halved: its lower half wears the mask, its upper half and the rest do not.
            assert changed[13:17, 13:18].mean() > 0.8
            assert not changed[:9].any()
            assert not changed[:, :6].any()
        np.testing.assert_array_equal(masked[Draw(1, 0)][0], masked[Draw(1, 0)][0])

    def test_masks_in_training_by_probability(self, folder: VocFolder) -> None:
        def draws(mask: float) -> list[bool]:
            still = AugmentConfig(0.0, 0.0, 0.0, JitterRanges(0.0, 0.0, 0.0), mask=mask)
            trained = dataset(folder, augmentation=Augmentation(still))
            plain = dataset(folder)[Draw(1, 0)][0]
            pictures = [trained[Draw(1, seed)][0] for seed in range(30)]
            return [bool((abs(each.astype(int) - plain) > 12).any()) for each in pictures]

        assert sum(draws(0.0)) == 0
        assert 5 < sum(draws(0.5)) < 25
        assert sum(draws(1.0)) == 30

    def test_soft_labels(self, folder: VocFolder) -> None:
        soft = VocObject("anger", FACE, {"anger": 0.6, "fear": 0.4})
        folder.write(VocAnnotation("train_0001", WIDTH, HEIGHT, (soft,)))
        _, target = dataset(folder)[Draw(1, 0)]
        assert target["labels"].tolist() == [CLASSES.index("anger") + 1]
        row = dict(zip(CLASSES, target["label_probabilities"][0].tolist(), strict=True))
        assert row["anger"] == pytest.approx(0.6)
        assert row["fear"] == pytest.approx(0.4)
        assert sum(row.values()) == pytest.approx(1)
        fewer = dataset(folder, classes=("neutral", "fear", "anger", "surprise"))[Draw(1, 0)][1]
        assert fewer["label_probabilities"][0].tolist() == pytest.approx([0, 0.4, 0.6, 0])

    def test_classes_may_be_given_in_their_own_order(self, folder: VocFolder) -> None:
        given = dataset(folder, classes=("neutral", "fear", "anger", "surprise"))
        assert [picture.label for picture in given.pictures] == [2, 3, 1, 2]
        assert given.pictures[2].labels.tolist() == [1, 4]

    def test_augmented_is_a_pure_function_of_the_draw(self, folder: VocFolder) -> None:
        given = dataset(folder, augmentation=Augmentation(AugmentConfig()))
        one, again, other = (given[Draw(1, seed)] for seed in (5, 5, 6))
        assert np.array_equal(one[0], again[0])
        assert np.array_equal(one[1]["boxes"], again[1]["boxes"])
        assert not np.array_equal(one[0], other[0])
        assert not np.array_equal(one[1]["boxes"], other[1]["boxes"])
        assert one[1]["boxes"].dtype == np.float32
        assert one[1]["labels"].dtype == np.int64

    def test_all_faces_may_leave_the_picture(self, folder: VocFolder) -> None:
        given = dataset(folder, augmentation=Augmentation(AugmentConfig(shift=1.0)))
        entries = [given[Draw(0, seed)][1] for seed in range(20)]
        empty = [entry for entry in entries if len(entry["boxes"]) == 0]
        assert empty
        assert empty[0]["boxes"].shape == (0, 4)
        assert empty[0]["labels"].shape == (0,)


class TestHash:
    def test_is_that_of_what_is_learnt_from(self, folder: VocFolder, tmp_path: Path) -> None:
        once = dataset(folder).hash()
        assert dataset(folder).hash() == once
        write_voc_tree(tmp_path / "copy", {"train": LABELS})
        assert VocDataset(tmp_path / "copy", "train", SIZE, PADDING).hash() == once

    @pytest.mark.parametrize(
        "face",
        [VocObject("anger", FACE), VocObject("fear", FACE.moved(1, 0))],
        ids=["label", "box"],
    )
    def test_changes_with_a_face(self, folder: VocFolder, face: VocObject) -> None:
        before = dataset(folder).hash()
        folder.write(VocAnnotation("train_0000", WIDTH, HEIGHT, (face,)))
        assert dataset(folder).hash() != before

    def test_changes_with_the_pixels(self, folder: VocFolder) -> None:
        before = dataset(folder).hash()
        write_bytes(
            folder.image_path("train_0003"), encode_jpeg(drawn_face(3, WIDTH, HEIGHT)[::-1])
        )
        assert dataset(folder).hash() != before

    def test_changes_with_the_list(self, folder: VocFolder) -> None:
        before = dataset(folder).hash()
        path = folder.image_set_path("train")
        path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
        assert dataset(folder).hash() != before


class TestMistakes:
    def test_of_a_folder_of_another_tool_name_the_importer(self, folder: VocFolder) -> None:
        folder.annotation_path("train_0003").write_text("<annotation/>")
        told = rf"; or import the folder with: fer-det build-voc --voc {folder.home}$"
        with pytest.raises(AnnotationError, match=told):
            dataset(folder)
        folder.label_map_path.write_text("happy:::\n")
        with pytest.raises(DatasetFormatError, match=r"class 'happy'; .*build-voc --voc"):
            VocDataset(folder.root, "train", SIZE, PADDING)

    def test_class_that_nobody_knows(self, folder: VocFolder) -> None:
        with pytest.raises(
            AnnotationError, match=r"train_0001.xml has the class 'anger'; wanted one of fear"
        ):
            dataset(folder, classes=("fear", "neutral"))

    def test_no_labelled_face(self, folder: VocFolder) -> None:
        folder.write(VocAnnotation("train_0002", WIDTH, HEIGHT, (VocObject(IGNORE, FACE),)))
        with pytest.raises(AnnotationError, match=r"train_0002.xml has no labelled face"):
            dataset(folder)

    def test_picture_without_a_face_is_background(self, folder: VocFolder) -> None:
        folder.write(VocAnnotation("train_0002", WIDTH, HEIGHT, ()))
        found = dataset(folder)
        assert found.pictures[2].label == 0
        _, target = found[Draw(2, 0)]
        assert target["boxes"].shape == (0, 4)
        assert target["labels"].shape == (0,)
        assert target["label_probabilities"].shape == (0, len(found.classes))

    def test_empty_split(self, folder: VocFolder) -> None:
        folder.image_set_path("train").write_text("\n")
        with pytest.raises(DatasetFormatError, match=r"the split train of .* is empty"):
            dataset(folder)

    def test_absent_split(self, folder: VocFolder) -> None:
        with pytest.raises(DatasetNotFoundError, match=r"test.txt is absent.*train, val"):
            VocDataset(folder.root, "test", SIZE, PADDING)

    def test_absent_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetNotFoundError, match=r"no VOC data set at .*nowhere"):
            VocDataset(tmp_path / "nowhere", "train", SIZE, PADDING)

    def test_absent_annotation(self, folder: VocFolder) -> None:
        folder.annotation_path("train_0003").unlink()
        with pytest.raises(DatasetNotFoundError, match=r"train_0003.xml is absent"):
            dataset(folder)

    def test_absent_picture(self, folder: VocFolder) -> None:
        folder.image_path("train_0003").unlink()
        told = r"1 of 4 pictures of the split train are absent, the first is .*train_0003.jpg"
        with pytest.raises(DatasetNotFoundError, match=told):
            dataset(folder)

    def test_picture_of_another_size(self, folder: VocFolder) -> None:
        write_bytes(folder.image_path("train_0003"), encode_jpeg(drawn_face(0, 64, 50)))
        told = r"train_0003.jpg has 64 x 50 pixels; wanted 60 x 48 as in its annotation"
        with pytest.raises(DatasetFormatError, match=told):
            dataset(folder)[Draw(3, 0)]
