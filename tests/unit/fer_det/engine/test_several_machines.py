"""Two machines without a shared folder: two processes or torchruns, each in its own folder."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest
from fake_data.typed import ROOT, end, start_python
from fake_data.voc_tree import tree_hash, write_voc_tree

pytestmark = pytest.mark.slow

TRAIN = ["happiness", "anger", "fear", "happiness", "happiness", "anger"]
STUB = str(ROOT / "tests" / "fake_data" / "train_stub.py")

FLAGS = [
    *("--data=voc", "--out=run", "--model.name=stub", "--model.input_size=32", "--batch_size=2"),
    *("--workers=0", "--device=cpu", "--precision=float32", "--init=none", "--save_minutes=0"),
]
NO_CHECKPOINT = (
    "error: process 0 has a run/last.pth, process 1 another or none; wanted the same run "
    "folder on every machine; train in a shared folder, or copy the run folder to every machine"
)


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with the same data."""
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        write_voc_tree(folder / "voc", {"train": TRAIN, "val": ["happiness", "anger"]})
    return folders


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def train(
    machines: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, epochs: tuple[int, int]
) -> list[tuple[int, str, str]]:
    """Train with these --epochs on the machines; -> (exit code, stdout, stderr) of each."""
    port = free_port()
    started = []
    for rank, folder in enumerate(machines):
        given = {"RANK": str(rank), "LOCAL_RANK": "0", "WORLD_SIZE": "2"}
        for name, value in {**given, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
            monkeypatch.setenv(name, value)
        started.append(start_python(folder, STUB, *FLAGS, f"--epochs={epochs[rank]}"))
    ended = [end(process) for process in started]
    return [(each.returncode, each.stdout, each.stderr) for each in ended]


def test_one_run_and_its_checkpoint(
    machines: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = machines
    first, second = train(machines, monkeypatch, (1, 1))
    assert (first[0], second[0]) == (0, 0), (first, second)
    assert "run run starts" in first[1]
    # Only the first process writes and prints.
    assert second[1] == ""
    assert not (two / "run").exists()
    # Without the checkpoint the second machine would begin again beside the first.
    for code, _, err in train(machines, monkeypatch, (1, 1)):
        assert code == 2
        assert err.splitlines() == [NO_CHECKPOINT]
    shutil.copytree(one / "run", two / "run")
    first, second = train(machines, monkeypatch, (1, 1))
    assert (first[0], second[0]) == (0, 0), (first, second)
    assert "run run resumes" in first[1]
    assert (one / "run" / "last.pth").read_bytes() == (two / "run" / "last.pth").read_bytes()


@pytest.mark.parametrize("what", ["settings", "data", "absent"])
def test_a_machine_that_differs_stops_all(
    machines: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    _, two = machines
    epochs = (1, 2) if what == "settings" else (1, 1)
    wanted = {
        "settings": "process 1 has --epochs 2, process 0 1; wanted the same settings, data and",
        "data": "process 1 has data train ",
        "absent": "no VOC data set at voc, which is absent; wanted ",
    }[what]
    if what == "data":
        (two / "voc" / "VOCdevkit" / "VOC2007" / "JPEGImages" / "train_0002.jpg").write_bytes(b"x")
    elif what == "absent":
        shutil.rmtree(two / "voc")
    before = [tree_hash(folder) for folder in machines]
    for code, out, err in train(machines, monkeypatch, epochs):
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert err.startswith(f"error: {wanted}")
    assert [tree_hash(folder) for folder in machines] == before


def torchrun(folders: tuple[Path, Path]) -> list[tuple[int, str]]:
    """Train by two torchruns, each in its folder; -> (exit code, stderr) of each."""
    port = free_port()
    started = []
    for rank, folder in enumerate(folders):
        argv = ["-m", "torch.distributed.run", "--nnodes=2", f"--node_rank={rank}"]
        argv += ["--nproc_per_node=1", "--master_addr=127.0.0.1", f"--master_port={port}", STUB]
        started.append(start_python(folder, *argv, *FLAGS, "--epochs=2"))
    return [(each.returncode, each.stderr) for each in map(end, started)]


def test_two_torchruns_resume_in_folders_of_their_own(
    machines: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed on the way, they end with the bytes of two in one folder that were never killed."""
    one, two = machines
    shared = tmp_path / "shared"
    shutil.copytree(one, shared)
    ended = torchrun((shared, shared))
    assert [code for code, _ in ended] == [0, 0], ended
    (tmp_path / "die").touch()
    monkeypatch.setenv("FERDET_DIE", f"mid-epoch|1|{tmp_path / 'die'}")
    assert all(code for code, _ in torchrun(machines))
    assert (one / "run" / "last.pth").exists()
    for code, err in torchrun(machines):
        assert code
        assert [line for line in err.splitlines() if line.startswith("error: ")] == [NO_CHECKPOINT]
    shutil.copytree(one / "run", two / "run")
    ended = torchrun(machines)
    assert [code for code, _ in ended] == [0, 0], ended
    for name in ("best.pth", "last.pth"):
        wanted = (shared / "run" / name).read_bytes()
        assert (one / "run" / name).read_bytes() == wanted, name


def test_environment_is_clean() -> None:
    """The variables of the processes above do not stay here."""
    assert "MASTER_PORT" not in os.environ
