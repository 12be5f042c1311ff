import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_data import ckplus as fake_ckplus
from fake_data import rafdb as fake_rafdb
from fake_data.build_bench import Bench
from fake_data.faces import FakeDetector, draw, load_fake_detector
from fake_data.voc_tree import modification_times, tree_hash

from fer_det.errors import (
    ConfigError,
    DatasetFormatError,
    DatasetNotFoundError,
    OutputError,
    WeightsNotFoundError,
)
from fer_det.io.voc import VocFolder
from voc_builder.balance.balance import balance
from voc_builder.balance.config import BalanceConfig
from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.readers import ckplus, rafdb


class TestRefused:
    @pytest.mark.parametrize(
        ("flags", "told"),
        [
            ({"seed": 1}, r"holds a build with seed 0; wanted seed 1; "),
            ({"boxes": "official"}, r'with boxes "mtcnn"; wanted boxes "official"; .*--overwrite'),
            ({"val_fraction": 0.2}, r"val_fraction 0.1; wanted val_fraction 0.2"),
            ({"coarse_first": True}, r"coarse_first false; wanted coarse_first true"),
            ({"images": "aligned"}, r'rafdb {"images": "auto", .*}; wanted .*"aligned"'),
        ],
    )
    def test_other_settings(self, bench: Bench, flags: dict[str, Any], told: str) -> None:
        bench.write()
        bench.build()
        before = tree_hash(bench.out)
        with pytest.raises(OutputError, match=told):
            bench.build(**flags)
        assert tree_hash(bench.out) == before
        bench.build(**flags, overwrite=True)
        assert tree_hash(bench.out) != before

    def test_a_balanced_folder_even_to_overwrite(self, bench: Bench) -> None:
        bench.write()
        bench.build()
        balanced = bench.out.with_name("balanced")
        balance(BalanceConfig(data=bench.out, out=balanced, workers=0))
        before = tree_hash(balanced)
        bench.out = balanced
        with pytest.raises(OutputError, match=r"made by the balancer; wanted a new or empty"):
            bench.build(overwrite=True)
        assert tree_hash(balanced) == before

    def test_pictures_that_are_listed_no_more(self, bench: Bench) -> None:
        bench.write(train=14)
        bench.build()
        shutil.rmtree(bench.raw)
        bench.write(train=10)
        with pytest.raises(OutputError, match=r"of other data, in which 4 .*rafdb_train_00011"):
            bench.build()
        bench.build(overwrite=True)
        assert len(bench.records()) == 17
        assert len(list(VocFolder(bench.out).root.glob("JPEGImages/*"))) == 17

    def test_a_rejected_picture_that_is_listed_no_more(self, bench: Bench) -> None:
        bench.write(faceless=["train_00014"], boxes=[])
        bench.build()
        path = fake_rafdb.list_path(bench.raw)
        path.write_text(path.read_text().replace("train_00014.jpg 7\n", ""))
        with pytest.raises(OutputError, match=r"in which 1 .*rafdb_train_00014"):
            bench.build()

    def test_labels_that_are_others(self, bench: Bench) -> None:
        bench.write()
        bench.build()
        path = fake_rafdb.list_path(bench.raw)
        path.write_text(path.read_text().replace("train_00003.jpg 3", "train_00003.jpg 5"))
        with pytest.raises(OutputError, match=r"in which 1 .*rafdb_train_00003"):
            bench.build()

    def test_pictures_that_are_others(self, bench: Bench) -> None:
        bench.write()
        bench.build()
        draw(fake_rafdb.original_path(bench.raw, "train_00003"), (200, 150), [(1, 1, 90, 90)])
        with pytest.raises(OutputError, match=r"in which 1 .*rafdb_train_00003"):
            bench.build()

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_a_voc_folder_of_somebody_else_is_never_touched(
        self, bench: Bench, overwrite: bool
    ) -> None:
        bench.write()
        precious = VocFolder.create(bench.out).image_path("holiday")
        precious.write_bytes(b"mine")
        with pytest.raises(OutputError, match="was not made by this command"):
            bench.build(overwrite=overwrite)
        assert precious.read_bytes() == b"mine"

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"made_by": "somebody"}'])
    def test_a_summary_of_something_else(self, bench: Bench, text: str) -> None:
        bench.write()
        bench.out.mkdir()
        (bench.out / "summary.json").write_text(text)
        with pytest.raises(OutputError, match=r"summary.json is not a build's summary"):
            bench.build(overwrite=True)
        assert (bench.out / "summary.json").read_text() == text

    def test_damaged_manifest(self, bench: Bench) -> None:
        bench.write()
        bench.build()
        before = tree_hash(bench.out)
        (bench.out / "manifest.jsonl").write_text("{}\n")
        with pytest.raises(DatasetFormatError, match=r"line 1 .*--overwrite"):
            bench.build()
        bench.build(overwrite=True)
        assert tree_hash(bench.out) == before

    @pytest.mark.parametrize("inside", [".", "voc", "../raw/basic/voc"])
    def test_out_is_in_the_data_set(self, tmp_path: Path, inside: str) -> None:
        root = tmp_path / "raw"
        fake_rafdb.write(root)
        before = tree_hash(root)
        config = BuildConfig(out=root / inside, workers=0)
        with pytest.raises(ConfigError, match=r"is in the data set's folder .*raw; wanted"):
            build(config, [Source("rafdb", root, rafdb.Options())], load_fake_detector)
        assert tree_hash(root) == before

    def test_out_is_a_file(self, bench: Bench) -> None:
        bench.write()
        bench.out.write_text("")
        with pytest.raises(OutputError, match="out could not be created"):
            bench.build()


class TestAbsent:
    def test_all_else_is_written_before_it_is_told(
        self, bench: Bench, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bench.write(absent=["train_00003", "train_00005"])
        with pytest.raises(DatasetNotFoundError, match=r"2 of 21 listed pictures are absent"):
            bench.build(allow_missing=False)
        warning = capsys.readouterr().err.splitlines()[0]
        assert warning.startswith("warning: rafdb: 2 of 21 listed pictures are absent, the first")
        assert len(VocFolder(bench.out).image_ids("trainval")) == 12
        times = modification_times(bench.out)
        with pytest.raises(DatasetNotFoundError, match="2 of 21 listed pictures are absent"):
            bench.build(allow_missing=False)
        assert modification_times(bench.out) == times
        bench.write()
        bench.build(allow_missing=False)
        assert len(VocFolder(bench.out).image_ids("trainval")) == 14

    def test_nothing_could_be_written(self, bench: Bench) -> None:
        stems = [f"train_{n:05d}" for n in range(1, 15)] + [f"test_{n:04d}" for n in range(1, 8)]
        bench.write(faceless=stems, boxes=[])
        with pytest.raises(DatasetNotFoundError, match=r"none of 21 pictures could be written"):
            bench.build()


def load_nothing() -> FakeDetector:
    raise WeightsNotFoundError("no weights here", "weights", "install them")


class TestMistakes:
    @pytest.mark.parametrize(
        "flags", [{"val_fraction": 1.0}, {"val_fraction": -0.1}, {"workers": -1}]
    )
    def test_flags(self, flags: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=next(iter(flags))):
            BuildConfig(**flags)

    def test_no_picture_is_left(self, tmp_path: Path) -> None:
        root = tmp_path / "raw"
        fake_ckplus.write(root, subjects=1)
        label = fake_ckplus.emotion_path(root, "plain", fake_ckplus.subject_name(0), "001")
        label.write_text("2")
        fake_ckplus.emotion_path(root, "plain", fake_ckplus.subject_name(0), "003").unlink()
        sources = [Source("ckplus", root, ckplus.Options())]
        with pytest.raises(DatasetNotFoundError, match="no picture is left to convert"):
            build(BuildConfig(tmp_path / "out"), sources, load_fake_detector)

    def test_ids_that_fall_together(self, tmp_path: Path) -> None:
        root = tmp_path / "raw"
        (root / "CK+48" / "happy").mkdir(parents=True)
        for name in ("a b.png", "a c.png", "a+c.png"):
            (root / "CK+48" / "happy" / name).write_bytes(b"")
        sources = [Source("ckplus", root, ckplus.Options())]
        with pytest.raises(DatasetFormatError, match=r"1 pictures have the same id .*happy_a-c"):
            build(BuildConfig(tmp_path / "out"), sources, load_fake_detector)

    @pytest.mark.parametrize("workers", [0, 2])
    def test_a_detector_that_cannot_be_loaded(self, bench: Bench, workers: int) -> None:
        bench.write(train=40)
        sources = [Source("rafdb", bench.raw, rafdb.Options())]
        with pytest.raises(WeightsNotFoundError, match="no weights here"):
            build(BuildConfig(bench.out, workers=workers), sources, load_nothing)
