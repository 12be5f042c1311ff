from pathlib import Path

import numpy as np
import pytest
from fake_data.voc_tree import CLASSES, FACE, write_voc_tree

from fer_det.config.training import AugmentConfig
from fer_det.data.augment import BOX_NOISE, Augmentation
from fer_det.data.crop_views import crop_views
from fer_det.data.face_crops import FaceCrops
from fer_det.data.label_targets import LabelTargets
from fer_det.data.sampler import Draw
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import DatasetFormatError
from fer_det.imaging.decode import encode_jpeg
from fer_det.imaging.jitter import JitterRanges

SIZE, MARGIN = 64, 0.25
PADDING = (10, 200, 30)
STILL = AugmentConfig(0.0, 0.0, 0.0, JitterRanges(0.0, 0.0, 0.0))


@pytest.fixture
def photos(tmp_path: Path) -> VocDataset:
    labels = ["surprise", "anger", ("neutral", "fear"), "anger"]
    write_voc_tree(tmp_path, {"train": labels})
    return VocDataset(tmp_path, "train", SIZE, PADDING)


def test_one_crop_a_labelled_face_in_order(photos: VocDataset) -> None:
    crops = FaceCrops(photos, MARGIN)
    names = [(crop.path.stem, CLASSES[crop.label - 1]) for crop in crops.pictures]
    assert names == [
        ("train_0000", "surprise"),
        ("train_0001", "anger"),
        ("train_0002", "neutral"),
        ("train_0002", "fear"),
        ("train_0003", "anger"),
    ]
    assert len(crops) == 5
    assert crops.pictures[3].box == FACE.moved(3, 0)
    assert crops.classes == CLASSES
    assert crops.hash() == photos.hash()


def test_crops_of_masked_photos(photos: VocDataset) -> None:
    plain, masked = FaceCrops(photos, MARGIN), FaceCrops(photos.with_masks(), MARGIN)
    for index in range(len(plain)):
        before = plain[Draw(index, 0)][0].astype(int)
        changed = abs(before - masked[Draw(index, 0)][0]).max(axis=0) > 12
        assert changed[44:50, 28:36].mean() > 0.7
        assert not changed[:24, 20:44].any()


def test_face_lies_in_the_middle_with_its_margin(photos: VocDataset) -> None:
    picture, target = FaceCrops(photos, MARGIN)[Draw(0, 0)]
    assert (picture.shape, picture.dtype) == ((3, SIZE, SIZE), np.uint8)
    # The face is 20 x 26: its longer side is two thirds of the crop.
    height = SIZE / 1.5
    width = height * FACE.width / FACE.height
    centre = np.array([SIZE / 2] * 4)
    half = np.array([-width, -height, width, height]) / 2
    assert target["boxes"].dtype == np.float32
    np.testing.assert_allclose(target["boxes"], [centre + half], rtol=1e-5)
    assert target["labels"].tolist() == [1]
    assert target["label_probabilities"].tolist() == [[1.0, *[0.0] * (len(CLASSES) - 1)]]
    # The face is bright, its ground dim.
    assert float(picture[0, 28:36, 28:36].mean()) > 150
    assert float(picture[0, :, :4].mean()) < 100


def test_what_lies_outside_the_photo_is_padding(photos: VocDataset) -> None:
    picture, _ = FaceCrops(photos, 1.0)[Draw(0, 0)]
    # The square is 78 px high and the photo 48.
    assert picture[:, 0, SIZE // 2].tolist() == list(PADDING)


def test_augmented_by_the_draw_s_seed(photos: VocDataset) -> None:
    crops = FaceCrops(photos, MARGIN, Augmentation(AugmentConfig()))
    one, other = crops[Draw(0, 1)], crops[Draw(0, 2)]
    assert not np.array_equal(one[0], other[0])
    again = crops[Draw(0, 1)]
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1]["boxes"], again[1]["boxes"])
    plain, wanted = crops.without_augmentation()[Draw(0, 1)], FaceCrops(photos, MARGIN)[Draw(0, 9)]
    assert np.array_equal(plain[0], wanted[0])
    assert np.array_equal(plain[1]["boxes"], wanted[1]["boxes"])


def test_box_is_inexact_in_training_alone(photos: VocDataset) -> None:
    exact = FaceCrops(photos, MARGIN)[Draw(0, 0)][1]["boxes"]
    crops = FaceCrops(photos, MARGIN, Augmentation(STILL))
    sides = np.tile(exact[:, 2:] - exact[:, :2], 2)
    off = np.concatenate([(crops[Draw(0, seed)][1]["boxes"] - exact) / sides for seed in range(50)])
    assert 0.8 * BOX_NOISE < abs(off).max() <= BOX_NOISE + 1e-5


def test_face_that_has_left_the_crop_is_forgotten(photos: VocDataset) -> None:
    far = AugmentConfig(0.0, 0.0, 1.0, JitterRanges(0.0, 0.0, 0.0))
    crops = FaceCrops(photos, MARGIN, Augmentation(far))
    targets = [crops[Draw(0, seed)][1] for seed in range(40)]
    counts = {len(target["boxes"]) for target in targets}
    assert counts == {0, 1}
    assert all(
        len(target["labels"]) == len(target["label_probabilities"]) == len(target["boxes"])
        for target in targets
    )


def test_mixup_blends_two_faces_and_their_targets(photos: VocDataset) -> None:
    plain = FaceCrops(photos, 0.2)
    mixed = FaceCrops(photos, 0.2, targets=LabelTargets(mixup=1.0))
    blended = 0
    for seed in range(1, 12):
        pair = LabelTargets(mixup=1.0).partner(len(mixed), seed)
        assert pair is not None
        index, share = pair
        pixels, target = mixed[Draw(0, seed)]
        own, other = plain[Draw(0, 0)], plain[Draw(index, 0)]
        expected = share * own[0].astype(float) + (1 - share) * other[0]
        assert np.abs(pixels - expected).max() <= 0.51
        shares = (
            share * own[1]["label_probabilities"] + (1 - share) * other[1]["label_probabilities"]
        )
        assert target["label_probabilities"] == pytest.approx(shares)
        assert target["boxes"] == pytest.approx(own[1]["boxes"])
        blended += index != 0
    assert blended
    assert np.array_equal(mixed.without_augmentation()[Draw(0, 5)][0], plain[Draw(0, 5)][0])


def test_photo_of_another_size_than_annotated(photos: VocDataset) -> None:
    photos.pictures[1].path.write_bytes(encode_jpeg(np.zeros((9, 9, 3), np.uint8)))
    with pytest.raises(DatasetFormatError, match="9 x 9 pixels"):
        FaceCrops(photos, MARGIN)[Draw(1, 0)]


def test_seen_mirrored_and_small(photos: VocDataset) -> None:
    plain, draw = FaceCrops(photos, 0.2), Draw(0, 0)
    whole, target = plain[draw]
    _, mirror = crop_views("flip", SIZE)
    flipped, other = plain.seen_through(mirror)[draw]
    assert np.abs(flipped[:, :, ::-1].astype(int) - whole).mean() < 1
    left, top, right, bottom = target["boxes"][0]
    assert other["boxes"][0] == pytest.approx([SIZE - right, top, SIZE - left, bottom], abs=1e-3)
    same = crop_views("one", SIZE)[0]
    assert np.array_equal(plain.seen_through(same, face_size=1000)[draw][0], whole)
    small = plain.seen_through(same, face_size=8)[draw][0]
    assert small.shape == whole.shape
    assert np.abs(np.diff(small.astype(int))).mean() < np.abs(np.diff(whole.astype(int))).mean() / 2
