import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_data.disk import do_not_wait
from fake_data.voc_tree import CLASSES, modification_times, tree_hash

from fer_det.checks.across import Pictures, compare_pictures
from fer_det.checks.folder import check_folder
from fer_det.config.check import CheckConfig
from fer_det.core.box import FaceBox
from fer_det.errors import AnnotationError, ConfigError, DatasetFormatError, OutputError
from fer_det.imaging.decode import encode_jpeg, load_rgb8
from fer_det.io.voc import MANIFEST, VocFolder, read_manifest_rows
from fer_det.io.voc_annotation import VocAnnotation, VocObject
from voc_builder.cli.compose import main
from voc_builder.compose.compose import compose_folder
from voc_builder.compose.config import ComposeConfig

SIZE = 64
FACE = FaceBox(16, 12, 48, 52)
SOFT = {"fear": 0.6, "surprise": 0.4}
SPLITS = {"train": ("happiness", "fear", "anger"), "val": ("sadness",), "test": ("disgust",)}


@pytest.fixture(autouse=True)
def _disk_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    do_not_wait(monkeypatch)


def write_source(root: Path, groups: dict[str, str] | None = None) -> VocFolder:
    """A picture of noise for each label of SPLITS, with its face in the middle."""
    folder = VocFolder.create(root)
    folder.write_label_map(CLASSES)
    ids: dict[str, list[str]] = {}
    for split, labels in SPLITS.items():
        ids[split] = [f"{split}_{label}" for label in labels]
        for name, label in zip(ids[split], labels, strict=True):
            pixels = np.random.default_rng(len(name)).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
            folder.image_path(name).write_bytes(encode_jpeg(pixels))
            face = VocObject(label, FACE, SOFT if label == "fear" else None)
            folder.write(VocAnnotation(name, SIZE, SIZE, (face,)))
    folder.write_image_sets(ids, {name: () for names in ids.values() for name in names})
    if groups is not None:
        rows = [
            {"id": name, "source": name, "split": split, "dataset": "drawn", "group": groups[name]}
            for split, names in ids.items()
            for name in names
        ]
        (root / MANIFEST).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def config(tmp_path: Path) -> ComposeConfig:
    write_source(tmp_path / "in")
    return ComposeConfig(
        data=(tmp_path / "in",),
        out=tmp_path / "out",
        pictures=12,
        faces=4,
        empty=0.2,
        originals=0,
        workers=0,
    )


class TestFolder:
    def test_faces_stay_in_their_splits_and_keep_their_labels(self, config: ComposeConfig) -> None:
        outcome = compose_folder(config)
        folder = VocFolder(config.out)
        assert outcome.written == sum(outcome.pictures.values()) == 20
        assert folder.splits() == ("train", "val", "trainval", "test")
        for split, labels in SPLITS.items():
            faces = [face for each in folder.image_ids(split) for face in folder.read(each).objects]
            assert {face.name for face in faces} == set(labels)
            assert len(faces) == outcome.faces[split]
            for face in faces:
                assert face.probabilities == (SOFT if face.name == "fear" else None)

    def test_data_sets_of_the_faces_are_named(self, config: ComposeConfig) -> None:
        source = config.data[0]
        ids = [name for split in SPLITS for name in VocFolder(source).image_ids(split)]
        rows = [
            {"id": name, "source": name, "split": name.split("_")[0], "group": None}
            | {"dataset": "two" if "fear" in name else "one"}
            for name in ids
        ]
        (source / MANIFEST).write_text("".join(json.dumps(row) + "\n" for row in rows))
        compose_folder(config)
        named = {row["dataset"] for row in read_manifest_rows(config.out)}
        assert named == {"one", "two", "one + two", "composed"}
        (own,) = {each.database for each in map(VocFolder(source).read, ids)}
        written = {row["id"] for row in read_manifest_rows(config.out)}
        databases = {VocFolder(config.out).read(name).database for name in written}
        assert databases == {own, "composed"}

    def test_check_finds_no_defect(self, config: ComposeConfig) -> None:
        compose_folder(config)
        findings = check_folder(CheckConfig(config.out, threads=1)).findings
        assert not [each for each in findings if each.refuses]

    def test_sizes_numbers_and_pictures_without_a_face(self, config: ComposeConfig) -> None:
        compose_folder(replace(config, pictures=60))
        folder = VocFolder(config.out)
        pictures = [folder.read(each) for each in folder.image_ids("train")]
        numbers = [len(each.objects) for each in pictures]
        assert 5 <= numbers.count(0) <= 20
        assert max(numbers) == 4
        parts = [f.box.height / min(p.width, p.height) for p in pictures for f in p.objects]
        heights = [face.box.height for each in pictures for face in each.objects]
        assert min(heights) < 24
        assert max(parts) > 0.8
        for each in pictures:
            assert load_rgb8(folder.image_path(each.image_id)).shape == (each.height, each.width, 3)
            assert 320 <= max(each.width, each.height) <= 480

    def test_more_faces_than_have_room(self, config: ComposeConfig) -> None:
        outcome = compose_folder(replace(config, min_face=200))
        folder = VocFolder(config.out)
        faces = [face for each in folder.image_ids("train") for face in folder.read(each).objects]
        assert outcome.faces["train"] == len(faces) > 0
        # A face may reach out of the picture by a part.
        assert min(face.box.height for face in faces) >= 0.85 * 200

    def test_originals_are_the_pictures_of_their_faces(self, config: ComposeConfig) -> None:
        source = VocFolder(config.data[0])
        label = source.read("train_fear")
        other = VocObject("anger", FaceBox(2, 2, 12, 12))
        source.write(replace(label, objects=(*label.objects, other)))
        compose_folder(replace(config, pictures=40, empty=0, originals=0.5))
        folder = VocFolder(config.out)
        names = folder.image_ids("train")
        small = [each for each in map(folder.read, names) if each.width == each.height == SIZE]
        assert 10 <= len(small) <= 30
        for each in small:
            face, *others = each.objects
            shows_two = face.name == "fear" or face.box != FACE
            assert [other.name for other in others] == [
                "fear" if face.name == "anger" else "anger"
            ] * shows_two
            shown = "fear" if shows_two else face.name
            original = source.image_path(f"train_{shown}").read_bytes()
            assert folder.image_path(each.image_id).read_bytes() == original

    def test_rare_classes_come_more_often_in_training(self, tmp_path: Path) -> None:
        folder = write_source(tmp_path / "in")
        names = folder.image_ids("train")
        ids = {"train": [names[0]] + [f"more_{n}" for n in range(15)]}
        for name in ids["train"][1:]:
            folder.write(VocAnnotation(name, SIZE, SIZE, (VocObject("anger", FACE),)))
            folder.image_path(name).write_bytes(folder.image_path(names[1]).read_bytes())
        folder.write_image_sets(ids, dict.fromkeys(ids["train"], ()))
        shares = []
        for balance in (0.0, 1.0):
            out = tmp_path / f"out_{balance}"
            config = ComposeConfig(
                (tmp_path / "in",), out, 40, originals=0, balance=balance, workers=0
            )
            compose_folder(config)
            composed = VocFolder(out)
            labels = [x for i in composed.image_ids("train") for x in composed.read(i).labels]
            shares.append(labels.count("happiness") / len(labels))
        assert shares == pytest.approx([1 / 16, 1 / 2], abs=0.12)


class TestResumed:
    def test_workers_and_interruptions_change_nothing(
        self, config: ComposeConfig, tmp_path: Path
    ) -> None:
        compose_folder(config)
        before = modification_times(config.out)
        assert compose_folder(config).written == 0
        assert modification_times(config.out) == before
        folder = VocFolder(config.out)
        (config.out / MANIFEST).unlink()
        folder.image_path("train_000003").unlink()
        folder.annotation_path("val_000001").unlink()
        assert compose_folder(config).written == 2
        compose_folder(replace(config, out=tmp_path / "again", workers=2))
        assert tree_hash(config.out) == tree_hash(tmp_path / "again")

    def test_other_settings(self, config: ComposeConfig, tmp_path: Path) -> None:
        compose_folder(config)
        other = replace(config, seed=1)
        with pytest.raises(ConfigError, match=r"composed with other settings \(seed\)"):
            compose_folder(other)
        compose_folder(replace(other, overwrite=True))
        compose_folder(replace(other, out=tmp_path / "fresh"))
        assert tree_hash(config.out) == tree_hash(tmp_path / "fresh")


class TestRefused:
    def test_a_person_in_two_splits(self, config: ComposeConfig, tmp_path: Path) -> None:
        names = [f"{split}_{label}" for split, labels in SPLITS.items() for label in labels]
        groups = {name: name for name in names}
        write_source(tmp_path / "own", groups)
        mine = replace(config, data=(tmp_path / "own",))
        compose_folder(mine)
        row = json.loads((mine.out / MANIFEST).read_text().splitlines()[-1])
        assert row["groups"] == ["drawn/test_disgust"]
        tested = Pictures.read(tmp_path / "own", ("train",), 1)
        composed = Pictures.read(config.out, ("train",), 1)
        by_name = compare_pictures(tested, composed, 2, 2, 1).shared
        assert by_name == {"groups": 3, "clips": 0, "originals": 3}
        write_source(tmp_path / "shared", {**groups, "val_sadness": "train_fear"})
        shared = replace(config, data=(tmp_path / "shared",), out=tmp_path / "never")
        with pytest.raises(DatasetFormatError, match="drawn/train_fear is in train and in val"):
            compose_folder(shared)
        assert not shared.out.exists()

    def test_other_classes(self, config: ComposeConfig, tmp_path: Path) -> None:
        other = write_source(tmp_path / "other")
        other.write_label_map(CLASSES[::-1])
        with pytest.raises(ConfigError, match="has the classes"):
            compose_folder(replace(config, data=(*config.data, tmp_path / "other")))

    def test_size_that_is_not_the_picture_s(self, config: ComposeConfig) -> None:
        path = VocFolder(config.data[0]).image_path("train_fear")
        path.write_bytes(encode_jpeg(np.zeros((SIZE, 30, 3), np.uint8)))
        with pytest.raises(AnnotationError, match="states 64 x 64 pixels, the picture has 30 x 64"):
            compose_folder(config)

    def test_places(self, config: ComposeConfig) -> None:
        with pytest.raises(ConfigError, match="is a folder of --data"):
            compose_folder(replace(config, out=config.data[0]))
        config.out.mkdir()
        (config.out / "mine.txt").write_text("")
        with pytest.raises(OutputError, match="did not write"):
            compose_folder(config)

    @pytest.mark.parametrize(
        "flag", ["--faces=0", "--empty=1", "--min_face=4", "--crop_face=1,0,0,1", "--pictures=0"]
    )
    def test_flags(self, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([flag]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_command(config: ComposeConfig, capsys: pytest.CaptureFixture[str]) -> None:
    argv = [f"--data={config.data[0]}", f"--out={config.out}", "--pictures=4", "--workers=0"]
    assert main(argv) == 0
    assert f"8 of 8 pictures written to {config.out}" in capsys.readouterr().out
    assert main(argv) == 0
    assert "nothing to write" in capsys.readouterr().out
