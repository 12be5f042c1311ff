"""What a Ray cluster costs when it builds a VOC folder, against the processes of one machine.

    python benchmarks/ray_build.py [--fer2013 FOLDER] [--rafdb FOLDER] [--count 1024] [--nodes 2]

Builds the same folder three times with `fer-det build-voc`: by as many processes as there are
nodes, on a cluster of nodes with one core each, all on this machine, and on that cluster again, of
which a node is killed in the middle. The trees must be the same byte for byte. The processor's time
of all processes is counted, of the cluster without its start.
"""

import contextlib
import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import _project  # noqa: F401  (first: it may run this script again in .venv)
import torch
from _measure import BenchmarkConfig, Report
from _pictures import take_photos, write_rafdb
from ray.cluster_utils import Cluster

from fer_det.config.command import parse_config
from fer_det.errors import FerDetError
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware
from voc_builder.build.resume import JOURNAL_NAME

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_IDLE = 10
OBJECTS = 200_000_000
"""Bytes of a node's object store."""
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of Linux's prctl.h."""


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Count the processor's time of builds by processes and by a Ray cluster."""

    fer2013: Path | None = None
    """Folder of FER2013."""
    rafdb: Path | None = None
    """Folder in RAF-DB's layout; without any folder some made faces are listed as RAF-DB's."""
    photos: int = 32
    """Made faces."""
    count: int = 1024
    """Pictures listed, the made faces repeated under other names."""
    nodes: int = 2
    """Nodes of the cluster, and processes of the other side."""
    rounds: int = 1
    """How many times each side is timed, in turns with the other."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "ray_build.py", argv)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Processes whose parent is killed become this one's, and so are counted.
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    report = Report("ray_build", config, Hardware(torch.device("cpu"), "float32"))
    local, cluster, working, idle, killed = [], [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        flags = [
            f"--{each}={path}" for each in ("fer2013", "rafdb") if (path := vars(config)[each])
        ]
        if not flags:
            photos = take_photos(None, config.photos)
            flags = [f"--rafdb={write_rafdb(root / 'raw', photos, config.count)}"]
        trees = set()
        for number in range(config.rounds):
            outs = [root / f"{side}{number}" for side in ("local", "ray", "killed")]
            local.append(_build(outs[0], [*flags, f"--workers={config.nodes}"])[0])
            with _cluster(config.nodes) as nodes:
                idle.append(_idle())
                on_ray = [*flags, "--engine=ray", f"--address={nodes.address}"]
                used, seconds = _build(outs[1], on_ray)
                cluster.append(used)
                working.append(used - idle[-1] * seconds)
                done = (outs[1] / "manifest.jsonl").read_bytes().count(b"\n")
                _build(outs[2], on_ray, lambda: killed.append(_kill(nodes, outs[2], done // 2)))  # noqa: B023
            for out in outs:
                trees.add(_hash(out))
                shutil.rmtree(out)
    setting = f"{done} pictures, {config.nodes} nodes"
    report.figure(setting, "processes", local, "CPU s")
    report.figure(setting, "cluster", cluster, "CPU s")
    report.figure(setting, "idle cluster", idle, "CPU s a second")
    ratio = report.ratio(setting, "cluster over processes", cluster, local)
    report.ratio(setting, "without what an idle one uses", working, local)
    print(f"trees of {3 * config.rounds} builds, of which {sum(killed)} lost a node: {trees}")
    if len(trees) > 1:
        raise FerDetError("the trees differ", "the same bytes", "find out why")
    report.finish("CLUSTER_OVER_PROCESSES", ratio.median)
    return EXIT_OK


@contextlib.contextmanager
def _cluster(nodes: int) -> Iterator[Cluster]:
    """A head without cores, and nodes of one core each, when all their processes have started."""
    cluster = Cluster()
    for cores in (0, *[1] * nodes):
        cluster.add_node(num_cpus=cores, object_store_memory=OBJECTS, include_dashboard=False)
    before = -1.0
    while (used := sum(_processes().values())) - before > 0.1:
        before = used
        time.sleep(2)
    try:
        yield cluster
    finally:
        cluster.shutdown()


def _idle() -> float:
    """The processor's seconds that the processes of a cluster without work take in a second."""
    before, began = sum(_processes().values()), time.perf_counter()
    time.sleep(SECONDS_IDLE)
    return (sum(_processes().values()) - before) / (time.perf_counter() - began)


def _build(
    out: Path, flags: Sequence[str], meanwhile: Callable[[], object] = int
) -> tuple[float, float]:
    """Build a folder; -> the processor's seconds of all processes of this one, and seconds."""
    argv = [sys.executable, "-m", "fer_det", "build-voc", *flags, f"--out={out}"]
    before, seen = _processes(), {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            seen.update(_processes())

    looking, other = threading.Thread(target=look), threading.Thread(target=meanwhile)
    began = time.perf_counter()
    looking.start()
    other.start()
    try:
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    finally:
        other.join()
        ended.set()
        looking.join()
    seconds = time.perf_counter() - began
    used = sum(used - before.get(process, 0) for process, used in seen.items())
    print(f"{out.name}: {seconds:.1f} s, {used:.1f} CPU s", flush=True)
    return used, seconds


def _kill(cluster: Cluster, out: Path, pictures: int) -> bool:
    """Kill a node when that many pictures are in the journal; -> whether the build then ran."""
    journal = out / JOURNAL_NAME
    while not journal.exists() or journal.read_bytes().count(b'"sample_hash"') < pictures:
        if (out / "manifest.jsonl").exists():
            return False
        time.sleep(SECONDS_BETWEEN_LOOKS)
    cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
    print(f"a node was killed after {pictures} pictures", flush=True)
    return True


def _processes() -> dict[tuple[int, int], float]:
    """(process, its start) of all that descend from this one -> processor's seconds so far."""
    tick = os.sysconf("SC_CLK_TCK")
    parents, found = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            parents[pid] = int(fields[1])
            found[pid, int(fields[19])] = (int(fields[11]) + int(fields[12])) / tick
    own = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in own} - own:
        own |= more
    return {key: used for key, used in found.items() if key[0] in own and key[0] != os.getpid()}


def _hash(root: Path) -> str:
    """One hash of the names and contents of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
