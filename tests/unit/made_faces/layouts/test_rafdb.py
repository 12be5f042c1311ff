from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data.disk import do_not_wait
from fake_data.spots import draw_spot

from fer_det.core.box import FaceBox
from fer_det.core.sample import Sample
from fer_det.errors import DatasetNotFoundError
from fer_det.imaging.decode import decode_rgb8, encode_jpeg, load_rgb8
from made_faces.expression import UNIT_NAMES
from made_faces.layouts.assignment import assign_photos
from made_faces.layouts.rafdb import ALIGNED_PLACES, RafdbLayout, align, fit_similarity
from made_faces.recipe import Recipe, sample_photo
from made_faces.render import MadePicture
from voc_builder.readers import rafdb

IMAGES = 35


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> RafdbLayout:
    layout = RafdbLayout(tmp_path_factory.mktemp("made"), 5, IMAGES, 0.5, draw_spot)
    with pytest.MonkeyPatch.context() as patch:
        do_not_wait(patch)
        layout.make_folders()
        for photo in layout.tasks():
            layout.make(photo)
        layout.finish()
    return layout


@pytest.fixture(scope="module")
def samples(layout: RafdbLayout) -> list[Sample]:
    return list(rafdb.read(layout.root, rafdb.Options()))


@pytest.fixture(scope="module")
def faces(layout: RafdbLayout) -> list[dict[str, Any]]:
    lines = (layout.base / "faces.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def recipes(layout: RafdbLayout) -> list[Recipe]:
    return [sample_photo(layout.seed, photo, layout.variety) for photo in layout.tasks()]


class TestReader:
    """The reader of the real data set reads the layout unchanged."""

    def test_labels_and_splits(self, layout: RafdbLayout, samples: list[Sample]) -> None:
        photos = assign_photos(5, IMAGES)
        assert [each.labels[0] for each in samples] == [photo.expression for photo in photos]
        assert Counter(each.split for each in samples) == {"train": 28, "test": 7}
        assert all(each.picture.exists() for each in samples)
        assert {each.framing for each in samples} == {"photo"}

    def test_boxes_and_points(self, layout: RafdbLayout, samples: list[Sample]) -> None:
        for sample, recipe in zip(samples, recipes(layout), strict=True):
            picture = draw_spot(recipe)
            assert sample.faces[0].box is not None
            assert sample.faces[0].box.as_tuple() == pytest.approx(picture.box.as_tuple(), abs=1e-5)
            assert np.array(sample.faces[0].landmarks) == pytest.approx(picture.landmarks, abs=1e-5)

    def test_attributes_are_those_of_the_identity(
        self, layout: RafdbLayout, samples: list[Sample]
    ) -> None:
        for sample, recipe in zip(samples, recipes(layout), strict=True):
            identity = recipe.subject.identity
            assert sample.attributes["gender"] == ("female" if identity.female > 0.5 else "male")
            largest = ("African-American", "Asian", "Caucasian")[int(np.argmax(identity.ancestry))]
            assert sample.attributes["race"] == largest
        ages = {sample.attributes["age"] for sample in samples}
        assert "20-39" in ages
        assert len(ages) > 2

    def test_aligned_pictures(self, layout: RafdbLayout) -> None:
        samples = list(rafdb.read(layout.root, rafdb.Options(images="aligned")))
        assert len(samples) == IMAGES
        assert {each.framing for each in samples} == {"face_crop"}
        assert {load_rgb8(each.picture.path).shape for each in samples} == {(100, 100, 3)}

    def test_unfinished_folder_is_refused(self, tmp_path: Path) -> None:
        layout = RafdbLayout(tmp_path, 5, IMAGES, 0.5, draw_spot)
        layout.make_folders()
        layout.make(layout.tasks()[0])
        with pytest.raises(DatasetNotFoundError, match="list_patition_label"):
            list(rafdb.read(tmp_path, rafdb.Options()))


class TestFaces:
    def test_one_line_per_picture_in_the_order_of_the_list(
        self, samples: list[Sample], faces: list[dict[str, Any]]
    ) -> None:
        assert [each["picture"] for each in faces] == [each.picture.path.name for each in samples]
        assert [each["split"] for each in faces] == [each.split for each in samples]
        assert [each["label"] for each in faces] == [int(each.labels[0]) for each in samples]
        assert [each["emotion"] for each in faces] == [each.labels[0].label for each in samples]
        for face, sample in zip(faces, samples, strict=True):
            assert sample.faces[0].box is not None
            assert face["box"] == pytest.approx(sample.faces[0].box.as_tuple())

    def test_targets_are_numbers_in_range(self, faces: list[dict[str, Any]]) -> None:
        for face in faces:
            assert tuple(face["units"]) == UNIT_NAMES
            assert all(0 <= weight < 3 for weight in face["units"].values())
            assert len(face["ancestry"]) == 3
            assert sum(face["ancestry"]) == pytest.approx(1, abs=1e-3)
            assert 0 <= face["female"] <= 1
            assert all(abs(face[angle]) < 90 for angle in ("yaw", "pitch", "roll"))
            assert (face["intensity"] == 0) == (face["emotion"] == "neutral")

    def test_units_match_the_expression(self, faces: list[dict[str, Any]]) -> None:
        smiles = [face["units"]["12"] for face in faces if face["emotion"] == "happiness"]
        frowns = [face["units"]["12"] for face in faces if face["emotion"] == "sadness"]
        assert min(smiles) > max(frowns)

    def test_splits_share_no_identity(self, faces: list[dict[str, Any]]) -> None:
        identities = {
            split: {face["identity"] for face in faces if face["split"] == split}
            for split in ("train", "test")
        }
        assert not identities["train"] & identities["test"]


class TestAlign:
    def test_similarity_is_recovered(self) -> None:
        angle, scale = np.radians(20), 0.4
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        source = np.array([[10.0, 20.0], [80.0, 25.0], [40.0, 90.0]])
        matrix = fit_similarity(source, source @ turn.T + [7, -3])
        assert matrix == pytest.approx(np.column_stack([turn, [7, -3]]))

    def test_nothing_is_mirrored_or_stretched(self) -> None:
        mirrored = ALIGNED_PLACES * (-3, 1)
        (a, b, _), (c, d, _) = fit_similarity(mirrored, ALIGNED_PLACES)
        assert (a, b) == pytest.approx((d, -c))

    def test_eyes_and_mouth_reach_their_positions(self) -> None:
        # A square whose landmarks are at the positions of the crop, up to a scale of 2.
        pixels = np.full((220, 220, 3), 20, np.uint8)
        eyes = np.array([[30, 40], [70, 40], [50, 60], [40, 80], [60, 80]]) * 2 + 9
        for x, y in (*eyes[:2], eyes[3:].mean(axis=0).astype(int)):
            pixels[y - 6 : y + 6, x - 6 : x + 6] = 250
        picture = MadePicture(
            encode_jpeg(pixels),
            FaceBox(0, 0, 220, 220),
            eyes.astype(np.float32),
            np.zeros((68, 2), np.float32),
        )
        crop = decode_rgb8(align(picture), "crop").pixels.mean(axis=2)
        for x, y in ALIGNED_PLACES.astype(int):
            rows, columns = np.nonzero(crop[y - 8 : y + 8, x - 8 : x + 8] > 128)
            assert (rows.mean(), columns.mean()) == pytest.approx((7.5, 7.5), abs=0.6)
