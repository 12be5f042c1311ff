import os
import subprocess
import sys
from pathlib import Path

import pytest

from fer_det.engine.run_folder import (
    find_weights,
    hold_run,
    is_held,
    newest_run_folder,
    next_run_folder,
)
from fer_det.errors import OutputError, WeightsNotFoundError


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, age: int = 0) -> Path:
    """age: how long ago, in seconds."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("weights")
    os.utime(file, (1_700_000_000 - age, 1_700_000_000 - age))
    return file


class TestFolders:
    def test_first_free_number(self) -> None:
        assert next_run_folder("frcnn") == Path("runs/frcnn-001")
        write("runs/frcnn-001/log.jsonl")
        write("runs/other-002/log.jsonl")
        assert next_run_folder("frcnn") == Path("runs/frcnn-002")

    def test_newest_by_its_file(self) -> None:
        assert newest_run_folder("frcnn", "last.pth") is None
        write("runs/frcnn-001/last.pth", age=5)
        write("runs/frcnn-002/last.pth", age=9)
        write("runs/frcnn-003/best.pth")
        write("runs/other-004/last.pth")
        assert newest_run_folder("frcnn", "last.pth") == Path("runs/frcnn-001")


class TestFindWeights:
    def test_the_file_itself(self) -> None:
        write("runs/frcnn-001/best.pth")
        here = write("best.pth", age=100)
        assert find_weights(here) == here
        assert find_weights(Path("runs/frcnn-001/best.pth")) == Path("runs/frcnn-001/best.pth")

    def test_bare_name_in_the_newest_run(self) -> None:
        write("runs/frcnn-001/best.pth", age=5)
        write("runs/frcnn-002/best.pth", age=9)
        write("runs/frcnn-003/last.pth")
        write("runs/frcnn-004/.best.pth.123.fer_det-tmp")
        assert find_weights(Path("best.pth")) == Path("runs/frcnn-001/best.pth")

    def test_folder_of_that_name_is_no_file(self) -> None:
        Path("runs/frcnn-001/best.pth").mkdir(parents=True)
        with pytest.raises(WeightsNotFoundError):
            find_weights(Path("best.pth"))

    @pytest.mark.parametrize("name", ["best.pth", "*.pth", "l?st.pth", ".", ""])
    def test_bare_name_that_is_nowhere(self, name: str) -> None:
        write("runs/frcnn-001/last.pth")
        with pytest.raises(WeightsNotFoundError, match="also below runs/; wanted a checkpoint"):
            find_weights(Path(name))

    def test_name_with_a_folder_is_looked_for_there_alone(self) -> None:
        write("runs/frcnn-001/best.pth")
        with pytest.raises(WeightsNotFoundError, match=r"^elsewhere/best.pth is absent; wanted"):
            find_weights(Path("elsewhere/best.pth"))


HOLDER = """
import os, sys
from pathlib import Path
from fer_det.engine.run_folder import hold_run
with hold_run(Path("run")):
    # As a loader process does, the second one outlives the first.
    if os.fork():
        print("held", flush=True)
    sys.stdin.read()
"""


class TestHold:
    def test_one_process_at_a_time(self) -> None:
        Path("run").mkdir()
        assert not is_held(Path("run"))
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            assert is_held(Path("run"))
            with pytest.raises(OutputError, match="another process"), hold_run(Path("run")):
                pass
            holder.kill()
            holder.wait()
            assert not is_held(Path("run"))

    def test_folder_that_is_not_there(self) -> None:
        with pytest.raises(OutputError, match="could not be written"), hold_run(Path("absent")):
            pass
