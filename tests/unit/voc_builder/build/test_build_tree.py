import json
import shutil
from pathlib import Path

from fake_data import ckplus as fake_ckplus
from fake_data import rafdb as fake_rafdb
from fake_data.build_bench import STEMS, Bench
from fake_data.faces import load_fake_detector
from fake_data.voc_tree import tree_hash

from fer_det.io.voc import VocFolder
from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.build.records import read_manifest
from voc_builder.readers import ckplus, rafdb


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
            "found": {"train": 14, "test": 7},
            "published": {"train": 12_271, "test": 3_068},
            "left_out": {},
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
        (face,) = records["train_00001"].faces
        assert (face.box, face.box_source) == (fake_rafdb.FACE, "dataset")
        assert records["train_00002"].reason == "the data set gives no box"

    def test_aligned(self, bench: Bench) -> None:
        bench.write(faceless=["train_00002"])
        bench.build(images="aligned")
        records = bench.records()
        assert records["train_00001"].faces[0].box_source == "mtcnn"
        assert records["train_00002"].faces[0].box_source == "whole_picture"

    def test_whole(self, bench: Bench) -> None:
        bench.write()
        summary = bench.build(images="aligned", boxes="whole", workers=2)
        assert summary["box_sources"] == {"whole_picture_unsearched": 21}
        assert summary["settings"]["boxes"] == "whole"


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
        val = {record.group for record in own if record.split == "val"}
        assert val
        assert not val & {record.group for record in own if record.split == "train"}

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


class TestSummary:
    def test_counts_by_split_and_class(self, bench: Bench) -> None:
        bench.write(boxes=[], **STEMS)
        summary = bench.build()
        assert json.loads((bench.out / "summary.json").read_text()) == summary
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
        text = (bench.out / "summary.txt").read_text()
        for stem in ("train_00003", "train_00004", "test_0002"):
            (line,) = [each for each in text.splitlines() if f"{stem}.jpg" in each]
            assert "the file is" in line or "no face was found" in line
        assert "Rejected pictures: 3" in text
