import shutil
from typing import Any

import pytest
from fake_data import rafdb as fake_rafdb
from fake_data.build_bench import STEMS, Bench
from fake_data.faces import FakeDetector, draw, load_killing_detector
from fake_data.voc_tree import modification_times, tree_hash

import voc_builder.build.build
from fer_det.errors import (
    OutputError,
    WorkerError,
)
from fer_det.io.files import TEMPORARY_SUFFIX
from fer_det.io.journal import open_journal
from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.build.resume import JOURNAL_NAME
from voc_builder.readers import rafdb


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

    def test_a_running_build_is_not_overwritten(self, bench: Bench) -> None:
        pytest.importorskip("fcntl")
        bench.write(train=60)
        self.stop_after(bench, 1, seed=5)
        before = tree_hash(bench.out)
        with (
            open_journal(bench.out / JOURNAL_NAME, {}),
            pytest.raises(OutputError, match="is being written by another process"),
        ):
            bench.build(overwrite=True)
        assert tree_hash(bench.out) == before

    def test_a_worker_that_dies_loses_nothing_that_was_done(self, bench: Bench) -> None:
        bench.write(train=60)
        fatal = fake_rafdb.original_path(bench.raw, "train_00055")
        whole = fatal.read_bytes()
        draw(fatal, (200, 90), [fake_rafdb.FACE])
        sources = [Source("rafdb", bench.raw, rafdb.Options())]
        with pytest.raises(WorkerError, match=r"a worker process died; .*same command again"):
            build(BuildConfig(bench.out, workers=2), sources, load_killing_detector)
        done = modification_times(bench.out / "VOCdevkit" / "VOC2007" / "JPEGImages")
        fatal.write_bytes(whole)
        assert bench.build()["datasets"]["rafdb"]["written"] == 67
        # How much was done by then depends on which process is faster.
        final = modification_times(bench.out / "VOCdevkit" / "VOC2007" / "JPEGImages")
        assert {name for name in done if name.endswith(".jpg")} <= final.keys()
        assert all(name.endswith(".jpg") for name in final)

    def test_stopped_while_finishing(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        bench.write(train=60)
        bench.build()
        whole = tree_hash(bench.out)
        for step in ("write_manifest", "write_contact_sheet", "write_summary"):
            shutil.rmtree(bench.out)
            with monkeypatch.context() as patch:
                patch.setattr(voc_builder.build.build, step, stop)
                with pytest.raises(KeyboardInterrupt):
                    bench.build()
            bench.build()
            assert tree_hash(bench.out) == whole
