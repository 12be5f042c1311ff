"""Model files made to harm: each is one line, nothing in it runs, and little memory is taken."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
import torch
from fake_data.amounts import tell
from fake_data.hostile_files import checkpoints, weights_files
from fake_data.watch import watching

from fer_det.cli import eval as eval_rafdb
from fer_det.cli import predict
from fer_det.errors import FerDetError
from fer_det.weights.model_file import read_model_file

CHECKPOINTS = sorted(checkpoints(Path("proof")))
HARMLESS = {"entry twice", "path that climbs"}
"""Archives of which torch reads the entries that a checkpoint has, and no other."""


def test_there_are_ten_and_more() -> None:
    assert len(CHECKPOINTS) + len(weights_files()) >= 10
    tell(f"model files: {len(CHECKPOINTS)} checkpoints and {len(weights_files())} weights files")


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoint(name: str, tmp_path: Path) -> None:
    proof, path = tmp_path / "proof", tmp_path / "best.pth"
    path.write_bytes(checkpoints(proof)[name])
    with watching() as watched:
        told = refusal(read_model_file, path)
    assert told or name in HARMLESS
    assert not proof.exists()
    assert (watched.started, watched.connected, watched.changed) == ([], [], [])
    assert watched.opened_outside(tmp_path) == []


@pytest.mark.parametrize("name", sorted(weights_files()))
def test_weights_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "vgg.safetensors"
    path.write_bytes(weights_files()[name])
    with watching() as watched:
        assert refusal(read_model_file, path)
    assert watched.opened_outside(tmp_path) == []


def refusal(read: object, path: Path) -> str:
    """What is said of the file, '' where it is read; anything but a FerDetError is a crash."""
    tracemalloc.start()
    try:
        read(path)  # type: ignore[operator]
    except FerDetError as error:
        told = error
    else:
        return ""
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert "\n" not in str(told)
    assert str(path) in str(told)
    assert most < 50_000_000
    return str(told)


@pytest.mark.parametrize("name", ["code in a zip", "no model", "config that is a number"])
def test_commands_end_with_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "best.pth"
    path.write_bytes(checkpoints(tmp_path / "proof")[name])
    picture = Path(__file__).parents[1] / "golden" / "data" / "astronaut.jpg"
    drawn = tmp_path / "a.jpg"
    commands = [
        (predict.main, [f"--picture={picture}", f"--out={drawn}"]),
        (eval_rafdb.main, ["--workers=0"]),
    ]
    for main, flags in commands:
        assert main([f"--weights={path}", *flags]) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
    assert not drawn.exists()


def test_code_would_have_run(tmp_path: Path) -> None:
    """The files are what they are said to be, and the watch sees it."""
    proof, path = tmp_path / "proof", tmp_path / "best.pth"
    path.write_bytes(checkpoints(proof)["code in a zip"])
    with watching() as watched:
        torch.load(path, weights_only=False)
    assert proof.is_dir()
    assert any("os.mkdir" in each for each in watched.changed)
    with watching() as watched:
        os.system("true")
        Path(os.devnull).read_bytes()
        (tmp_path / "best.pth").read_bytes()
    assert len(watched.started) == 1
    assert watched.opened_outside(tmp_path / "proof") == [path]
