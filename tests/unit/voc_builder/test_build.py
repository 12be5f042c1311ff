import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_data import ckplus as fake_ckplus
from fake_data import rafdb as fake_rafdb
from fake_data.faces import FakeDetector, draw, load_fake_detector, load_killing_detector
from fake_data.voc_tree import modification_times, tree_hash

import voc_builder.build
from fer_det.errors import (
    ConfigError,
    DatasetFormatError,
    DatasetNotFoundError,
    OutputError,
    WeightsNotFoundError,
    WorkerError,
)
from fer_det.files import TEMPORARY_SUFFIX
from fer_det.voc import VocFolder
from voc_builder.balance import BalanceConfig, balance
from voc_builder.build import BuildConfig, Source, build
from voc_builder.journal import JOURNAL_NAME
from voc_builder.manifest import Record, read_manifest
from voc_builder.readers import ckplus, rafdb

STEMS = {"absent": ["train_00003"], "broken": ["train_00004"], "faceless": ["test_0002"]}


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here pulls the plug, so nothing has to wait for the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


class Bench:
    """A raw data set and an output beside it."""

    def __init__(self, root: Path) -> None:
        self.raw, self.out = root / "raw", root / "out"

    def write(self, **how: Any) -> None:
        fake_rafdb.write(self.raw, **how)

    def build(self, images: str = "auto", **flags: Any) -> dict[str, Any]:
        sources = [Source("rafdb", self.raw, rafdb.Options(images=images))]  # type: ignore[arg-type]
        config = BuildConfig(out=self.out, **{"workers": 0, "allow_missing": True, **flags})
        return build(config, sources, load_fake_detector)

    def records(self) -> dict[str, Record]:
        records = read_manifest(self.out / "manifest.jsonl")
        return {record.id.removeprefix("rafdb_"): record for record in records}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestTree:
    def test_every_picture_is_accounted_for(self, bench: Bench) -> None:
        bench.write(crowded=["train_00005"], boxes=[], **STEMS)
        summary = bench.build()
        records = bench.records()
        assert len(records) == 21
        reasons = {stem: each.reason for stem, each in records.items() if each.reason}
        assert reasons.pop("train_00004", "").startswith("the file is broken")
        assert reasons == {
            "train_00003": "the file is absent",
            "test_0002": "no face was found",
        }
        assert records["train_00005"].ignored == 1
        assert summary["datasets"]["rafdb"] == {
            "database": "rafdb",
            "root": "raw",
            "listed": 21,
            "written": 18,
            "rejected": 3,
            "absent": 1,
            "framing": {"photo": 21},
        }

    def test_manifest_is_in_the_lists_order(self, bench: Bench) -> None:
        bench.write(train=40)
        bench.build(workers=2)
        stems = list(bench.records())
        assert stems == [f"train_{n:05d}" for n in range(1, 41)] + [
            f"test_{n:04d}" for n in range(1, 8)
        ]

    def test_image_sets_and_files_agree(self, bench: Bench) -> None:
        bench.write(train=30, **STEMS)
        bench.build()
        folder = VocFolder(bench.out)
        ids = {split: folder.image_ids(split) for split in folder.splits()}
        assert sorted(ids["train"] + ids["val"]) == sorted(ids["trainval"])
        assert not set(ids["train"]) & set(ids["val"])
        everything = sorted(ids["trainval"] + ids["test"])
        assert sorted(path.stem for path in folder.root.glob("JPEGImages/*")) == everything
        assert sorted(path.stem for path in folder.root.glob("Annotations/*")) == everything
        written = {f"rafdb_{s}": r for s, r in bench.records().items() if r.status == "written"}
        assert everything == sorted(written)
        assert all(written[name].split == split for split in ("val", "test") for name in ids[split])

    def test_classes_are_rafdbs_seven(self, bench: Bench) -> None:
        bench.write(train=3, test=0)
        bench.build()
        folder = VocFolder(bench.out)
        assert folder.classes() == (
            "surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral",
        )  # fmt: skip
        rows = (folder.root / "ImageSets" / "Main" / "fear_train.txt").read_text()
        assert rows == "rafdb_train_00001 -1\nrafdb_train_00002  1\nrafdb_train_00003 -1\n"

    def test_splits_without_a_picture_have_no_list(self, bench: Bench) -> None:
        bench.write(test=0)
        bench.build(val_fraction=0)
        assert VocFolder(bench.out).splits() == ("train", "trainval")

    def test_nothing_tells_the_machine(self, bench: Bench, tmp_path: Path) -> None:
        bench.write(**STEMS)
        bench.build()
        for path in bench.out.rglob("*"):
            if path.is_file():
                assert str(tmp_path).encode() not in path.read_bytes()

    def test_the_place_does_not_matter(self, bench: Bench, tmp_path: Path) -> None:
        bench.write(**STEMS)
        bench.build()
        elsewhere = Bench(tmp_path / "elsewhere")
        shutil.copytree(bench.raw, elsewhere.raw)
        elsewhere.build()
        assert tree_hash(elsewhere.out) == tree_hash(bench.out)

    def test_workers_do_not_matter(self, bench: Bench, tmp_path: Path) -> None:
        bench.write(train=40, **STEMS)
        bench.build(workers=0)
        hash_of_one = tree_hash(bench.out)
        bench.out = tmp_path / "out2"
        bench.build(workers=3)
        assert tree_hash(bench.out) == hash_of_one

    def test_official_boxes(self, bench: Bench) -> None:
        bench.write(boxes=["train_00001"])
        bench.build(boxes="official")
        records = bench.records()
        assert records["train_00001"].box == fake_rafdb.FACE
        assert records["train_00001"].box_source == "dataset"
        assert records["train_00002"].reason == "the data set gives no box"

    def test_aligned(self, bench: Bench) -> None:
        bench.write(faceless=["train_00002"])
        bench.build(images="aligned")
        records = bench.records()
        assert records["train_00001"].box_source == "mtcnn"
        assert records["train_00002"].box_source == "whole_picture"


class TestTwoDataSets:
    def sources(self, tmp_path: Path) -> list[Source]:
        fake_rafdb.write(tmp_path / "rafdb")
        fake_ckplus.write(tmp_path / "ckplus")
        return [
            Source("rafdb", tmp_path / "rafdb", rafdb.Options()),
            Source("ckplus", tmp_path / "ckplus", ckplus.Options(contempt="keep")),
        ]

    def test_together(self, tmp_path: Path) -> None:
        sources = self.sources(tmp_path)
        summary = build(BuildConfig(tmp_path / "out", workers=0), sources, load_fake_detector)
        assert summary["classes"][-1] == "contempt"
        assert {name: each["written"] for name, each in summary["datasets"].items()} == {
            "rafdb": 21,
            "ckplus": 28 * 4,
        }
        records = read_manifest(tmp_path / "out" / "manifest.jsonl")
        own = [record for record in records if record.dataset == "ckplus"]
        assert {record.picture for record in own} == {"encoded"}
        assert own[0].attributes["fold"] == "0"
        val = {record.subject for record in own if record.split == "val"}
        assert val
        assert not val & {record.subject for record in own if record.split == "train"}

    def test_one_reader_does_not_move_the_others_validation(self, tmp_path: Path) -> None:
        sources = self.sources(tmp_path)
        for name, some in (("both", sources), ("one", sources[:1])):
            build(BuildConfig(tmp_path / name, workers=0), some, load_fake_detector)
        both, one = (
            [
                record.id
                for record in read_manifest(tmp_path / name / "manifest.jsonl")
                if record.split == "val" and record.dataset == "rafdb"
            ]
            for name in ("both", "one")
        )
        assert both == one


class TestAgain:
    def test_a_second_run_writes_nothing_and_says_so(
        self, bench: Bench, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bench.write(**STEMS)
        first = bench.build()
        times = modification_times(bench.out)
        capsys.readouterr()
        assert bench.build() == first
        assert modification_times(bench.out) == times
        assert "is up to date: nothing was written" in capsys.readouterr().out

    def test_a_picture_that_has_come_is_the_only_one_done(self, bench: Bench) -> None:
        bench.write(**STEMS)
        bench.build()
        times = modification_times(bench.out / "VOCdevkit" / "VOC2007" / "JPEGImages")
        bench.write(broken=STEMS["broken"], faceless=STEMS["faceless"])
        bench.build()
        assert bench.records()["train_00003"].status == "written"
        after = modification_times(bench.out / "VOCdevkit" / "VOC2007" / "JPEGImages")
        assert {name: after[name] for name in times} == times
        assert len(after) == len(times) + 1
        grown = tree_hash(bench.out)
        shutil.rmtree(bench.out)
        bench.build()
        assert tree_hash(bench.out) == grown

    def test_a_broken_picture_that_was_replaced_is_done(self, bench: Bench) -> None:
        bench.write(**STEMS)
        bench.build()
        bench.write(absent=STEMS["absent"], faceless=STEMS["faceless"])
        bench.build()
        assert bench.records()["train_00004"].status == "written"

    def test_a_list_that_has_grown(self, bench: Bench) -> None:
        bench.write(train=14)
        bench.build()
        bench.write(train=60)
        bench.build()
        grown = tree_hash(bench.out)
        shutil.rmtree(bench.out)
        bench.build()
        assert tree_hash(bench.out) == grown

    @pytest.mark.parametrize(
        "name",
        [
            "report.json",
            "report.txt",
            "manifest.jsonl",
            "contact_sheet.jpg",
            "VOCdevkit/VOC2007/JPEGImages/rafdb_train_00001.jpg",
            "VOCdevkit/VOC2007/Annotations/rafdb_test_0001.xml",
            "VOCdevkit/VOC2007/ImageSets/Main/test.txt",
            "VOCdevkit/VOC2007/labelmap.txt",
        ],
    )
    def test_a_file_that_was_deleted_comes_back(self, bench: Bench, name: str) -> None:
        bench.write()
        bench.build()
        before = tree_hash(bench.out)
        (bench.out / name).unlink()
        if name == "report.json":
            # Nothing then tells that the folder is a build: it is not touched.
            with pytest.raises(OutputError, match="was not made by this command"):
                bench.build()
            return
        bench.build()
        assert tree_hash(bench.out) == before

    def test_the_sources_may_be_gone(self, bench: Bench) -> None:
        bench.write()
        bench.build()
        times = modification_times(bench.out)
        fake_rafdb.original_path(bench.raw, "train_00001").unlink()
        bench.build(allow_missing=False)
        assert modification_times(bench.out) == times


class StoppingDetector(FakeDetector):
    """Stops the process's work, as a kill would, when it has seen enough."""

    left = 0

    def detect(self, images: Any, coarse_first: bool = False) -> Any:
        if not StoppingDetector.left:
            raise KeyboardInterrupt
        StoppingDetector.left -= 1
        return super().detect(images, coarse_first)


def load_stopping_detector() -> StoppingDetector:
    return StoppingDetector()


class TestStopped:
    def stop_after(self, bench: Bench, batches: int, **flags: Any) -> None:
        StoppingDetector.left = batches
        sources = [Source("rafdb", bench.raw, rafdb.Options())]
        config = BuildConfig(bench.out, workers=0, allow_missing=True, **flags)
        with pytest.raises(KeyboardInterrupt):
            build(config, sources, load_stopping_detector)

    @pytest.mark.parametrize("batches", [0, 1, 3])
    def test_resumed_is_the_same_tree(self, bench: Bench, batches: int) -> None:
        bench.write(train=60, **STEMS)
        bench.build()
        whole = tree_hash(bench.out)
        shutil.rmtree(bench.out)
        self.stop_after(bench, batches)
        assert (bench.out / JOURNAL_NAME).exists()
        bench.build()
        assert tree_hash(bench.out) == whole
        assert not (bench.out / JOURNAL_NAME).exists()

    def test_done_batches_are_not_done_again(self, bench: Bench) -> None:
        bench.write(train=60)
        self.stop_after(bench, 2)
        pictures = bench.out / "VOCdevkit" / "VOC2007" / "JPEGImages"
        done = modification_times(pictures)
        assert len(done) == 32
        bench.build()
        after = modification_times(pictures)
        assert {name: after[name] for name in done} == done

    def test_what_a_kill_leaves_is_swept(self, bench: Bench) -> None:
        bench.write(train=60)
        self.stop_after(bench, 2)
        (bench.out / "VOCdevkit" / f".x.jpg.99{TEMPORARY_SUFFIX}").write_bytes(b"half")
        orphan = bench.out / "VOCdevkit" / "VOC2007" / "JPEGImages" / "rafdb_train_00050.jpg"
        orphan.write_bytes(b"of a batch that was not noted")
        fake_rafdb.original_path(bench.raw, "train_00050").unlink()
        bench.build()
        assert not orphan.exists()
        assert not list(bench.out.rglob(f"*{TEMPORARY_SUFFIX}"))

    def test_a_grown_build_that_was_stopped(self, bench: Bench) -> None:
        bench.write(train=14)
        bench.build()
        bench.write(train=60)
        self.stop_after(bench, 2)
        bench.build()
        stopped = tree_hash(bench.out)
        shutil.rmtree(bench.out)
        bench.build()
        assert tree_hash(bench.out) == stopped

    def test_stopped_with_other_settings_is_refused(self, bench: Bench) -> None:
        bench.write(train=60)
        self.stop_after(bench, 1, seed=5)
        with pytest.raises(OutputError, match=r"holds a build with seed 5; wanted seed 0; "):
            bench.build()

    def test_overwriting_goes_on_when_stopped(self, bench: Bench) -> None:
        bench.write(train=60)
        bench.build(seed=5)
        self.stop_after(bench, 2, overwrite=True)
        pictures = bench.out / "VOCdevkit" / "VOC2007" / "JPEGImages"
        done = modification_times(pictures)
        assert len(done) == 32
        bench.build(overwrite=True)
        after = modification_times(pictures)
        assert {name: after[name] for name in done} == done

    def test_a_worker_that_dies_loses_nothing_that_was_done(self, bench: Bench) -> None:
        bench.write(train=60)
        fatal = fake_rafdb.original_path(bench.raw, "train_00055")
        whole = fatal.read_bytes()
        draw(fatal, (200, 90), [fake_rafdb.FACE])
        sources = [Source("rafdb", bench.raw, rafdb.Options())]
        with pytest.raises(WorkerError, match=r"a worker process died; .*same command again"):
            build(BuildConfig(bench.out, workers=2), sources, load_killing_detector)
        done = modification_times(bench.out / "VOCdevkit" / "VOC2007" / "JPEGImages")
        assert len(done) >= 16
        fatal.write_bytes(whole)
        assert bench.build()["datasets"]["rafdb"]["written"] == 67

    def test_stopped_while_finishing(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        bench.write(train=60)
        bench.build()
        whole = tree_hash(bench.out)
        for step in ("write_manifest", "write_contact_sheet", "write_report"):
            shutil.rmtree(bench.out)
            with monkeypatch.context() as patch:
                patch.setattr(voc_builder.build, step, stop)
                with pytest.raises(KeyboardInterrupt):
                    bench.build()
            bench.build()
            assert tree_hash(bench.out) == whole


class TestRefused:
    @pytest.mark.parametrize(
        ("flags", "told"),
        [
            ({"seed": 1}, r"holds a build with seed 0; wanted seed 1; "),
            ({"boxes": "official"}, r'with boxes "mtcnn"; wanted boxes "official"; .*--overwrite'),
            ({"val_fraction": 0.2}, r"val_fraction 0.1; wanted val_fraction 0.2"),
            ({"coarse_first": True}, r"coarse_first false; wanted coarse_first true"),
            ({"images": "aligned"}, r'rafdb {"images": "auto"}; wanted .*"aligned"'),
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
    def test_a_report_of_something_else(self, bench: Bench, text: str) -> None:
        bench.write()
        bench.out.mkdir()
        (bench.out / "report.json").write_text(text)
        with pytest.raises(OutputError, match=r"report.json is not a build's report"):
            bench.build(overwrite=True)
        assert (bench.out / "report.json").read_text() == text

    def test_damaged_manifest(self, bench: Bench) -> None:
        bench.write()
        bench.build()
        before = tree_hash(bench.out)
        (bench.out / "manifest.jsonl").write_text("{}\n")
        with pytest.raises(DatasetFormatError, match=r"line 1 .*--overwrite"):
            bench.build()
        bench.build(overwrite=True)
        assert tree_hash(bench.out) == before

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


class TestMistakes:
    @pytest.mark.parametrize(
        "flags", [{"val_fraction": 1.0}, {"val_fraction": -0.1}, {"workers": -1}]
    )
    def test_flags(self, flags: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=next(iter(flags))):
            BuildConfig(**flags)

    def test_no_picture_is_left(self, tmp_path: Path) -> None:
        fake_ckplus.write(tmp_path, subjects=1)
        label = fake_ckplus.emotion_path(tmp_path, "plain", fake_ckplus.subject_name(0), "001")
        label.write_text("2")
        fake_ckplus.emotion_path(tmp_path, "plain", fake_ckplus.subject_name(0), "003").unlink()
        sources = [Source("ckplus", tmp_path, ckplus.Options())]
        with pytest.raises(DatasetNotFoundError, match="no picture is left to convert"):
            build(BuildConfig(tmp_path / "out"), sources, load_fake_detector)

    def test_ids_that_fall_together(self, tmp_path: Path) -> None:
        (tmp_path / "CK+48" / "happy").mkdir(parents=True)
        for name in ("a b.png", "a c.png", "a+c.png"):
            (tmp_path / "CK+48" / "happy" / name).write_bytes(b"")
        sources = [Source("ckplus", tmp_path, ckplus.Options())]
        with pytest.raises(DatasetFormatError, match=r"1 pictures have the same id .*happy_a-c"):
            build(BuildConfig(tmp_path / "out"), sources, load_fake_detector)

    @pytest.mark.parametrize("workers", [0, 2])
    def test_a_detector_that_cannot_be_loaded(self, bench: Bench, workers: int) -> None:
        bench.write(train=40)
        sources = [Source("rafdb", bench.raw, rafdb.Options())]
        with pytest.raises(WeightsNotFoundError, match="no weights here"):
            build(BuildConfig(bench.out, workers=workers), sources, load_nothing)


def load_nothing() -> FakeDetector:
    raise WeightsNotFoundError("no weights here", "weights", "install them")


class TestReport:
    def test_counts_by_split_and_class(self, bench: Bench) -> None:
        bench.write(boxes=[], **STEMS)
        summary = bench.build()
        assert json.loads((bench.out / "report.json").read_text()) == summary
        assert summary["listed"]["test"] == dict.fromkeys(summary["classes"], 1)
        assert summary["written"]["test"] == {**summary["listed"]["test"], "fear": 0}
        assert summary["rejected"]["test"] == {
            **dict.fromkeys(summary["classes"], 0),
            "fear": 1,
        }
        for split, counts in summary["listed"].items():
            for name, count in counts.items():
                parts = summary["written"][split][name] + summary["rejected"][split][name]
                assert parts == count

    def test_text_names_every_rejected_picture(self, bench: Bench) -> None:
        bench.write(boxes=[], **STEMS)
        bench.build()
        text = (bench.out / "report.txt").read_text()
        for stem in ("train_00003", "train_00004", "test_0002"):
            (line,) = [each for each in text.splitlines() if f"{stem}.jpg" in each]
            assert "the file is" in line or "no face was found" in line
        assert "Rejected pictures: 3" in text
