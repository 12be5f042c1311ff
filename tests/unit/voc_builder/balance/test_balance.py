import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_data.disk import do_not_wait
from fake_data.voc_tree import (
    CLASSES,
    FACE,
    drawn_face,
    modification_times,
    tree_hash,
    write_voc_tree,
)

import voc_builder.build.derived
from fer_det.core.box import FaceBox
from fer_det.errors import (
    AnnotationError,
    ConfigError,
    DatasetFormatError,
    DatasetNotFoundError,
    ImageError,
    OutputError,
)
from fer_det.imaging.decode import encode_jpeg, load_rgb8
from fer_det.imaging.jitter import JitterRanges, is_gray
from fer_det.io.files import TEMPORARY_SUFFIX, hold_folder, make_folder
from fer_det.io.voc import VocFolder
from voc_builder.balance.balance import balance
from voc_builder.balance.config import BalanceConfig

TRAIN = ["happiness"] * 5 + ["fear"] * 2 + ["anger"]
SPLITS = {"train": TRAIN, "val": ["fear", "happiness"], "test": ["anger"]}


@pytest.fixture(autouse=True)
def _disk_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    do_not_wait(monkeypatch)


@pytest.fixture
def config(tmp_path: Path) -> BalanceConfig:
    write_voc_tree(tmp_path / "in", SPLITS)
    (tmp_path / "in" / "summary.json").write_text('{"listed": 11, "rejected": 2}')
    return BalanceConfig(data=tmp_path / "in", out=tmp_path / "out", workers=1)


class TestFolder:
    def test_opens_like_any_other(self, config: BalanceConfig) -> None:
        outcome = balance(config)
        folder = VocFolder(config.out)
        assert outcome.pictures == outcome.written == 18
        assert folder.splits() == ("train", "val", "trainval", "test")
        assert folder.classes() == CLASSES
        assert len(folder.image_ids("train")) == 15
        assert folder.image_ids("val") == VocFolder(config.data).image_ids("val")
        assert folder.image_ids("trainval") == folder.image_ids("train") + folder.image_ids("val")
        for split in folder.splits():
            for image_id in folder.image_ids(split):
                annotation = folder.read(image_id)
                pixels = load_rgb8(folder.image_path(image_id))
                assert pixels.shape == (annotation.height, annotation.width, 3)

    def test_originals_are_the_same_bytes(self, config: BalanceConfig) -> None:
        balance(config)
        source, target = VocFolder(config.data), VocFolder(config.out)
        for split in ("train", "val", "test"):
            for image_id in source.image_ids(split):
                assert (
                    source.image_path(image_id).read_bytes()
                    == target.image_path(image_id).read_bytes()
                )
                assert source.read(image_id) == target.read(image_id)

    def test_lists_by_class(self, config: BalanceConfig) -> None:
        balance(config)
        folder = VocFolder(config.out)
        rows = folder.image_set_path("fear_train").read_text().splitlines()
        present = [row.split()[0] for row in rows if row.split()[1] == "1"]
        assert len(rows) == 15
        assert len(present) == 5
        assert all(name.startswith(("train_0005", "train_0006")) for name in present)

    def test_manifest_names_the_source_of_each(self, config: BalanceConfig) -> None:
        balance(config)
        lines = (config.out / "manifest.jsonl").read_text().splitlines()
        rows = {row["id"]: row for row in map(json.loads, lines)}
        assert len(rows) == 18
        assert rows["val_0000"] == {
            "id": "val_0000",
            "source": "val_0000",
            "copy": 0,
            "split": "val",
            "expression": "fear",
            "dataset": None,
            "group": None,
            "clip": None,
            "frame": None,
            "jitter": None,
        }
        copy = rows["train_0007_j004"]
        assert (copy["source"], copy["copy"], copy["split"]) == ("train_0007", 4, "train")
        assert set(copy["jitter"]) == {"brightness", "gains", "degrees"}
        assert Counter(row["source"] for row in rows.values())["train_0007"] == 5

    def test_tables_and_summary(self, config: BalanceConfig) -> None:
        outcome = balance(config)
        assert outcome.table == (config.out / "balance.txt").read_text()
        table = {line.split()[0]: line.split()[1:] for line in outcome.table.splitlines()}
        assert table["fear"] == ["2", "5", "3", "2.50"]
        assert table["disgust"] == ["0", "0", "0", "-"]
        assert table["total"] == ["8", "15", "7", "1.88"]
        record = json.loads((config.out / "balance.json").read_text())
        assert record["train"]["anger"] == {"before": 1, "after": 5}
        assert record["settings"]["seed"] == 0
        assert (config.out / "summary.json").read_text() == '{"listed": 11, "rejected": 2}'

    def test_group_and_clip_travel_to_the_copies(self, config: BalanceConfig) -> None:
        origin = {"dataset": "ckplus", "group": "S5", "clip": "S5_1", "frame": 9}
        line = json.dumps({"id": "train_0007", **origin})
        (config.data / "manifest.jsonl").write_text(f"{line}\n")
        balance(config)
        rows = map(json.loads, (config.out / "manifest.jsonl").read_text().splitlines())
        own = [row for row in rows if row["source"] == "train_0007"]
        assert len(own) == 5
        assert all({name: row[name] for name in origin} == origin for row in own)

    def test_a_broken_manifest_is_found_before_anything_is_written(
        self, config: BalanceConfig
    ) -> None:
        (config.data / "manifest.jsonl").write_text("[]\n")
        with pytest.raises(DatasetFormatError, match="line 1 is not a row of a manifest"):
            balance(config)
        assert not config.out.exists()

    def test_soft_labels_travel_to_the_copies(self, config: BalanceConfig) -> None:
        source = VocFolder(config.data)
        annotation = source.read("train_0007")
        votes = replace(annotation.objects[0], probabilities={"anger": 0.75, "fear": 0.25})
        source.write(replace(annotation, objects=(votes, *annotation.objects[1:])))
        balance(config)
        copy = VocFolder(config.out).read("train_0007_j002")
        assert copy.objects[0].probabilities == {"anger": 0.75, "fear": 0.25}

    def test_source_is_only_read(self, config: BalanceConfig) -> None:
        before = tree_hash(config.data)
        balance(config)
        assert tree_hash(config.data) == before

    def test_devkit_folder_without_summary_is_fine(self, config: BalanceConfig) -> None:
        (config.data / "summary.json").unlink()
        balance(replace(config, data=config.data / "VOCdevkit" / "VOC2007"))
        assert not (config.out / "summary.json").exists()


class TestCopies:
    def test_box_follows_the_face(self, config: BalanceConfig) -> None:
        balance(replace(config, jitter=JitterRanges(0.2, 0.1, 30), target=12))
        folder = VocFolder(config.out)
        copies = [name for name in folder.image_ids("train") if name.startswith("train_0007_j")]
        assert len(copies) == 11
        turned = 0
        for name in copies:
            # Red minus blue marks the drawn face: 60 against a ground of about 0.
            pixels = load_rgb8(folder.image_path(name)).astype(float)
            red, green, blue = pixels[24, 30]
            face = np.abs(pixels - (red, green, blue)).sum(axis=2) < 60
            rows, columns = np.flatnonzero(face.any(axis=1)), np.flatnonzero(face.any(axis=0))
            seen = FaceBox(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            box = next(item.box for item in folder.read(name).objects if not item.ignored)
            assert box.iou(seen) > 0.85
            turned += box != FACE
        assert turned >= 4

    def test_bystander_turns_too(self, config: BalanceConfig) -> None:
        balance(config)
        folder = VocFolder(config.out)
        boxes = [
            face.box
            for name in folder.image_ids("train")
            if name.startswith("train_0005_j")
            for face in folder.read(name).objects
            if face.ignored
        ]
        assert boxes
        assert all(box != FaceBox(2, 4, 12, 16) for box in boxes)

    def test_no_jitter_copies_the_pixels(self, config: BalanceConfig) -> None:
        balance(replace(config, jitter=JitterRanges(0, 0, 0)))
        folder = VocFolder(config.out)
        copy, source = "train_0007_j001", "train_0007"
        difference = np.abs(
            load_rgb8(folder.image_path(copy)).astype(int)
            - load_rgb8(folder.image_path(source)).astype(int)
        )
        # Encoded once more: small errors everywhere, none that a jitter would make.
        assert difference.max() <= 12
        assert difference.mean() < 1.5
        assert folder.read(copy).objects == folder.read(source).objects

    def test_copies_of_a_gray_picture_are_gray(self, config: BalanceConfig) -> None:
        path = VocFolder(config.data).image_path("train_0007")
        path.write_bytes(encode_jpeg(np.repeat(drawn_face(7)[..., :1], 3, axis=2)))
        balance(config)
        folder = VocFolder(config.out)
        for copy in range(1, 5):
            assert is_gray(load_rgb8(folder.image_path(f"train_0007_j{copy:03d}")))
            assert not is_gray(load_rgb8(folder.image_path("train_0005_j001")))


class TestSameTree:
    def test_second_run_writes_nothing(self, config: BalanceConfig) -> None:
        balance(config)
        times = modification_times(config.out)
        assert balance(config).written == 0
        assert modification_times(config.out) == times

    def test_number_of_workers_does_not_matter(self, config: BalanceConfig, tmp_path: Path) -> None:
        balance(config)
        balance(replace(config, out=tmp_path / "two", workers=2))
        assert tree_hash(tmp_path / "two") == tree_hash(config.out)

    def test_other_seed_other_copies(self, config: BalanceConfig, tmp_path: Path) -> None:
        balance(config)
        balance(replace(config, out=tmp_path / "other", seed=1))
        assert tree_hash(tmp_path / "other") != tree_hash(config.out)

    def test_killed_at_any_write_and_resumed(
        self, config: BalanceConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        splits = {"train": ["happiness", "fear", "happiness"], "val": ["fear"]}
        write_voc_tree(tmp_path / "small", splits, classes=("happiness", "fear"))
        config = replace(config, data=tmp_path / "small")
        balance(config)
        wanted, writes = tree_hash(config.out), len(list(config.out.rglob("*.*")))
        # 5 pictures and their annotations, 3 x 3 lists, label map, claim, table, manifest, index.
        assert writes == 2 * 5 + 3 * 3 + 5
        for moment in range(writes):
            out = tmp_path / f"killed_{moment}"
            with monkeypatch.context() as patch:
                patch.setattr(Path, "replace", _killing_replace(moment))
                with pytest.raises(_KilledError):
                    balance(replace(config, out=out))
            assert (out / "manifest.jsonl").exists() is (moment == writes - 1)
            balance(replace(config, out=out))
            assert tree_hash(out) == wanted, f"killed at write {moment}"

    def test_sigkill_with_workers(self, config: BalanceConfig, tmp_path: Path) -> None:
        config = replace(config, target=40)
        balance(config)
        out = tmp_path / "killed"
        argv = ["--data", str(config.data), "--out", str(out), "--target=40", "--workers=2"]
        code = "import sys; from voc_builder.cli.balance import main; sys.exit(main())"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while process.poll() is None and len(list(out.rglob("*.jpg"))) < 10:
            time.sleep(0.002)
        # Its workers with it: that they end by themselves is test_processes' matter.
        os.killpg(process.pid, signal.SIGKILL)
        # The pipe ends with the last worker, which may still be opening a file when it is killed.
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        assert len(list(out.rglob("*.jpg"))) < 123
        resumed = balance(replace(config, out=out))
        assert 0 < resumed.written < resumed.pictures == 123
        assert tree_hash(out) == tree_hash(config.out)


class TestRefusals:
    @pytest.mark.parametrize("inside", [".", "VOCdevkit", "VOCdevkit/VOC2007"])
    def test_out_is_in(self, config: BalanceConfig, inside: str) -> None:
        for data, out in [(".", inside), (inside, ".")]:
            with pytest.raises(ConfigError, match="is the folder to balance"):
                balance(replace(config, data=config.data / data, out=config.data / out))

    def test_balanced_already(self, config: BalanceConfig, tmp_path: Path) -> None:
        balance(config)
        again = replace(config, data=config.out, out=tmp_path / "again")
        with pytest.raises(ConfigError, match="is balanced already"):
            balance(again)
        assert not again.out.exists()

    @pytest.mark.parametrize(
        ("change", "named"),
        [({"seed": 1}, "seed"), ({"target": 3}, "target"), ({"jitter": JitterRanges(0.1)}, "jit")],
    )
    def test_other_settings(self, config: BalanceConfig, change: dict, named: str) -> None:
        balance(config)
        wanted = tree_hash(config.out)
        with pytest.raises(ConfigError, match=rf"other settings \({named}.*--overwrite"):
            balance(replace(config, **change))
        assert tree_hash(config.out) == wanted

    def test_source_has_changed_since(self, config: BalanceConfig) -> None:
        balance(config)
        path = VocFolder(config.data).image_path("train_0003")
        path.write_bytes(encode_jpeg(drawn_face(99)))
        with pytest.raises(ConfigError, match=r"other settings \(source\)"):
            balance(config)

    def test_overwrite_replaces_all_and_only_its_own(
        self, config: BalanceConfig, tmp_path: Path
    ) -> None:
        balance(replace(config, target=9))
        (config.out / "notes.txt").write_text("mine")
        balance(replace(config, overwrite=True))
        assert (config.out / "notes.txt").read_text() == "mine"
        (config.out / "notes.txt").unlink()
        balance(replace(config, out=tmp_path / "fresh"))
        assert tree_hash(config.out) == tree_hash(tmp_path / "fresh")

    def test_killed_while_replacing(
        self, config: BalanceConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        balance(replace(config, target=9))

        def killed(path: Path) -> None:
            raise _KilledError

        with monkeypatch.context() as patch:
            patch.setattr(voc_builder.build.derived.shutil, "rmtree", killed)
            with pytest.raises(_KilledError):
                balance(replace(config, overwrite=True))
        with pytest.raises(ConfigError, match="other settings"):
            balance(config)
        balance(replace(config, overwrite=True))
        balance(replace(config, out=tmp_path / "fresh"))
        assert tree_hash(config.out) == tree_hash(tmp_path / "fresh")

    def test_folder_of_others_is_left_alone(self, config: BalanceConfig) -> None:
        config.out.mkdir()
        (config.out / "holiday.jpg").write_bytes(b"mine")
        for overwrite in (False, True):
            with pytest.raises(OutputError, match="did not write"):
                balance(replace(config, overwrite=overwrite))
        assert [path.name for path in config.out.iterdir()] == ["holiday.jpg"]

    @pytest.mark.skipif(sys.platform == "win32", reason="no such lock")
    def test_another_process_balances_there(self, config: BalanceConfig) -> None:
        with (
            hold_folder(make_folder(config.out)),
            pytest.raises(OutputError, match="is being written by another process"),
        ):
            balance(config)
        balance(config)

    def test_out_is_a_file(self, config: BalanceConfig) -> None:
        config.out.write_text("mine")
        with pytest.raises(OutputError, match="could not be created"):
            balance(config)

    def test_unreadable_settings(self, config: BalanceConfig) -> None:
        config.out.mkdir()
        (config.out / "balance.json").write_text("[]")
        with pytest.raises(ConfigError, match=r"balance\.json cannot be read"):
            balance(config)

    def test_absent_picture(self, config: BalanceConfig) -> None:
        VocFolder(config.data).image_path("train_0003").unlink()
        with pytest.raises(DatasetNotFoundError, match=r"train_0003\.jpg is absent"):
            balance(config)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_broken_picture_is_named(self, config: BalanceConfig, workers: int) -> None:
        path = VocFolder(config.data).image_path("train_0007")
        path.write_bytes(path.read_bytes()[:400])
        with pytest.raises(ImageError, match=r"train_0007\.jpg is broken"):
            balance(replace(config, workers=workers))

    def test_size_that_is_not_the_picture_s(self, config: BalanceConfig) -> None:
        path = VocFolder(config.data).image_path("train_0007")
        path.write_bytes(encode_jpeg(drawn_face(0, width=70)))
        with pytest.raises(AnnotationError, match="states 60 x 48 pixels, the picture has 70 x 48"):
            balance(config)

    @pytest.mark.parametrize("bad", [{"target": 0}, {"workers": -1}])
    def test_numbers_that_are_too_small(self, bad: dict[str, int]) -> None:
        with pytest.raises(ConfigError, match=r"from [01]"):
            BalanceConfig(**bad)


class _KilledError(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def _killing_replace(moment: int):
    """Path.replace that leaves a half temporary file behind at its `moment`-th call."""
    calls = iter(range(1_000_000))
    replace = Path.replace

    def killing(temporary: Path, path: Path) -> Path:
        if next(calls) == moment:
            path.with_name(f".{path.name}.1{TEMPORARY_SUFFIX}").write_bytes(b"half")
            raise _KilledError
        return replace(temporary, path)

    return killing
