import shutil

import pytest
from fake_data import rafdb as fake_rafdb
from fake_data.build_bench import STEMS, Bench
from fake_data.voc_tree import modification_times, tree_hash

from fer_det.errors import (
    OutputError,
)


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
            "summary.json",
            "summary.txt",
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
        if name == "summary.json":
            # Nothing then shows that the folder is a build: it is not touched.
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
