"""Which processes are started, how often, and what is printed; they are small scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_det.config.model import ModelConfig
from fer_det.config.training import RunConfig
from fer_det.engine.distributed import run_training
from fer_det.errors import ConfigError, WorkerError
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes

SCRIPT = """
import os, pathlib, signal, sys
here = pathlib.Path(__file__).parent
rank = os.environ["RANK"]
with (here / f"typed{rank}").open("a") as file:
    file.write(" ".join(sys.argv[1:]) + f" of {os.environ['WORLD_SIZE']}\\n")
lives = sorted(here.glob(f"life{rank}_*"))
if lives:
    lives[0].unlink()
    %s
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture(autouse=True)
def as_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def script(folder: Path, ending: str = KILL, lives: tuple[str, ...] = ()) -> list[str]:
    path = folder / "script.py"
    path.write_text(SCRIPT % ending)
    for life in lives:
        (folder / f"life{life}").touch()
    return [str(path)]


def never(hardware: Hardware, processes: Processes) -> None:
    raise AssertionError("done in this process")


def typed(folder: Path, rank: int = 0) -> list[str]:
    return (folder / f"typed{rank}").read_text().splitlines()


def test_alone_it_works_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Processes] = []
    config = RunConfig(model=ModelConfig(), device="cpu")
    assert run_training(config, ["no.py"], [], lambda _, own: done.append(own)) == 0
    assert done == [Processes()]


def test_killed_process_is_resumed_and_does_not_overwrite(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = RunConfig(model=ModelConfig(), retries=3)
    command = script(tmp_path, lives=("0_a",))
    assert run_training(config, command, ["--overwrite"], never) == 0
    again = "--overwrite --overwrite=false of 1"
    assert typed(tmp_path) == ["--overwrite of 1", again]
    message = capsys.readouterr().err
    assert message.count("training process 0 was killed by SIGKILL; the run is resumed") == 1
    assert "retry 1 of 3" in message


def test_rank_that_is_killed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = RunConfig(model=ModelConfig(), processes=2, retries=1)
    assert run_training(config, script(tmp_path, lives=("1_a",)), [], never) == 0
    assert "training process 1 was killed by SIGKILL" in capsys.readouterr().err
    assert typed(tmp_path, 0)[-1] == typed(tmp_path, 1)[-1] == "--overwrite=false of 2"


def test_too_many_deaths(tmp_path: Path) -> None:
    config = RunConfig(model=ModelConfig(), retries=1)
    command = script(tmp_path, lives=("0_a", "0_b", "0_c"))
    with pytest.raises(WorkerError, match="training process 0 was killed by SIGKILL") as caught:
        run_training(config, command, [], never)
    assert "type the same command again" in str(caught.value)
    assert len(typed(tmp_path)) == 2


def test_mistake_of_the_user_is_not_tried_again(tmp_path: Path) -> None:
    config = RunConfig(model=ModelConfig(), retries=3)
    command = script(tmp_path, "sys.exit(2)", lives=("0_a", "0_b"))
    assert run_training(config, command, [], never) == 2
    assert len(typed(tmp_path)) == 1


@pytest.mark.parametrize("bad", [{"processes": 0}, {"retries": -1}])
def test_numbers_that_are_too_small(bad: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"at least 1|0 or more"):
        RunConfig(model=ModelConfig(), **bad)
