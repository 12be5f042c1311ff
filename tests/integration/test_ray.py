"""A Ray cluster of two nodes does what one machine does, though a node is killed."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_data.build_bench import STEMS, Bench
from fake_data.tiny_models import write_tiny
from fake_data.voc_tree import drawn_face, tree_hash

from fer_det.cli.main import main
from fer_det.errors import DatasetNotFoundError, ImageError, WorkerError
from fer_det.imaging.decode import encode_jpeg, load_rgb8
from fer_det.io.files import TEMPORARY_SUFFIX
from voc_builder.build.resume import JOURNAL_NAME

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without cores, and two nodes of one core each."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Ray's dashboard asks for a cloud's metadata and its authors' address. tests/no_network
        # refuses that as it does everything; here it is no fault of ours to be noted.
        patch.delenv("FERDET_CONNECTIONS")
        # All nodes at 127.0.0.1: no process of the tests speaks to another address.
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patch.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", False)
        # The nodes' processes import the detector of the tests.
        patch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
        cluster = Cluster()
        for cores in (0, 1, 1):
            add_node(cluster, cores)
        yield cluster
        cluster.shutdown()


def add_node(cluster: Any, cores: int) -> Any:
    memory = 80_000_000
    return cluster.add_node(num_cpus=cores, object_store_memory=memory, include_dashboard=False)


def kill_node_when(cluster: Any, progress: Callable[[], int], at: int) -> threading.Thread:
    """Kill the last node as soon as so much is done."""

    def kill() -> None:
        deadline = time.monotonic() + 60
        while progress() < at and time.monotonic() < deadline:
            time.sleep(0.005)
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


class TestBuild:
    def test_a_node_killed_in_the_middle_changes_no_byte(
        self, cluster: Any, tmp_path: Path
    ) -> None:
        bench = Bench(tmp_path)
        bench.write(train=500, **STEMS)
        bench.build()
        local = tree_hash(bench.out)
        shutil.rmtree(bench.out)
        bench.out.mkdir()
        # What a killed process leaves where nobody sees that it is dead.
        left = bench.out / f".0123abcd-1-1-0{TEMPORARY_SUFFIX}"
        journal = bench.out / JOURNAL_NAME
        killer = kill_node_when(
            cluster, lambda: journal.read_bytes().count(b"\n") if journal.exists() else 0, at=3
        )
        left.touch()
        bench.build(engine="ray", address=cluster.address, workers=None)
        killer.join()
        assert len(cluster.list_all_nodes()) == 2
        add_node(cluster, 1)
        assert tree_hash(bench.out) == local

    def test_what_the_cluster_began_one_machine_ends(self, cluster: Any, tmp_path: Path) -> None:
        bench = Bench(tmp_path)
        bench.write(train=100)
        bench.build()
        local = tree_hash(bench.out)
        journal = bench.out / JOURNAL_NAME
        shutil.rmtree(bench.out)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("voc_builder.build.build._finish", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                bench.build(engine="ray", address=cluster.address, workers=1)
        assert journal.exists()
        bench.build()
        assert tree_hash(bench.out) == local


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("killed", [False, True], ids=["two nodes", "one is killed"])
def test_predictions_are_the_same(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny(Path("a.pth"), "ssdlite")
    Path("photos").mkdir()
    for number in range(30):
        Path("photos", f"{number:02d}.jpg").write_bytes(encode_jpeg(drawn_face(number)))
    Path("photos", "07.jpg").write_text("<html>")
    addresses = (Path("photos", f"{number:02d}.jpg").absolute().as_uri() for number in (3, 99))
    Path("list.txt").write_text("".join(f"{address}\n" for address in addresses))
    flags = ["photos", "list.txt", "--weights", "a.pth", "--min_score", "0", "--batch_size", "2"]
    flags += ["--max_faces", "2", "--device", "cpu"]
    assert main(["predict", *flags, "--out", "out"]) == 1
    local = tree_hash(Path("out"))
    # The drawings' places are part of the table.
    Path("out").rename("first")
    ray = ["--engine", "ray", "--address", cluster.address]
    seen: list[int] = []

    def drawn() -> int:
        """The tables are written after the last drawing."""
        seen.append(len(list(Path("out").rglob("*.jpg"))))
        return seen[-1]

    killer = kill_node_when(cluster, drawn, at=6) if killed else None
    assert main(["predict", *flags, *ray, "--out", "out"]) == 1
    if killer is not None:
        killer.join()
        assert 6 <= seen[-1] < 30
        assert len(cluster.list_all_nodes()) == 2
        add_node(cluster, 1)
    assert tree_hash(Path("out")) == local
    assert drawn() == 30


class TestErrors:
    def test_an_error_of_a_node_arrives_whole(self, cluster: Any) -> None:
        with _connected(cluster) as map_on_ray, pytest.raises(ImageError) as caught:
            list(map_on_ray(load_rgb8, [Path(__file__)] * 3))
        assert caught.value.remedy == "replace the file or leave it out"

    def test_an_item_that_always_kills_its_process_is_given_up(
        self, cluster: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fer_det.runtime.ray_pool.RETRIES", 1)
        with _connected(cluster) as map_on_ray, pytest.raises(WorkerError, match="lost a task 2 t"):
            list(map_on_ray(os._exit, [1]))

    def test_a_node_without_the_shared_folder(self, cluster: Any, tmp_path: Path) -> None:
        absent = tmp_path / "absent"
        with _connected(cluster) as map_on_ray, pytest.raises(DatasetNotFoundError) as caught:
            list(map_on_ray(abs, [1], shared=[absent]))
        assert f"has no {absent}" in str(caught.value)


def test_nobody_at_the_address(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    flags = ["--engine", "ray", "--address", "127.0.0.1:1", "--out", str(tmp_path / "out")]
    assert main(["predict", str(Path(__file__).parent), *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: no Ray cluster 127.0.0.1:1 (")
    assert not (tmp_path / "out").exists()


@contextmanager
def _connected(cluster: Any) -> Iterator[Any]:
    from fer_det.runtime.ray_pool import connect, map_on_ray

    with connect(cluster.address):
        yield map_on_ray
