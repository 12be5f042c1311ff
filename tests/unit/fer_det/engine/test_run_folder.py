import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fer_det.engine.run_folder import (
    LOG_NAME,
    RunLog,
    find_weights,
    hold_run,
    is_held,
    newest_run_folder,
    read_log,
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
    def test_newest_by_its_file(self) -> None:
        assert newest_run_folder("detector", "last.pth") is None
        write("runs/detector-001/last.pth", age=5)
        write("runs/detector-002/last.pth", age=9)
        write("runs/detector-003/best.pth")
        write("runs/other-004/last.pth")
        assert newest_run_folder("detector", "last.pth") == Path("runs/detector-001")


class TestFindWeights:
    def test_the_file_itself(self) -> None:
        write("runs/detector-001/best.pth")
        here = write("best.pth", age=100)
        assert find_weights(here) == here
        assert find_weights(Path("runs/detector-001/best.pth")) == Path(
            "runs/detector-001/best.pth"
        )

    def test_bare_name_in_the_newest_run(self) -> None:
        write("runs/detector-001/best.pth", age=5)
        write("runs/detector-002/best.pth", age=9)
        write("runs/detector-003/last.pth")
        write("runs/detector-004/.best.pth.123.fer_det-tmp")
        assert find_weights(Path("best.pth")) == Path("runs/detector-001/best.pth")

    def test_folder_of_that_name_is_no_file(self) -> None:
        Path("runs/detector-001/best.pth").mkdir(parents=True)
        with pytest.raises(WeightsNotFoundError):
            find_weights(Path("best.pth"))

    @pytest.mark.parametrize("name", ["best.pth", "*.pth", "l?st.pth"])
    def test_bare_name_that_is_nowhere(self, name: str) -> None:
        write("runs/detector-001/last.pth")
        with pytest.raises(WeightsNotFoundError, match="also below runs/; wanted a model file"):
            find_weights(Path(name))

    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("runs/detector-001", "is a folder; .* such as runs/detector-001/last.pth"),
            ("runs", "is a folder"),
            (".", "is a folder"),
            ("https://example.org/best.pth", "is a URL; .*; download it"),
        ],
    )
    def test_what_is_no_file_is_named(self, name: str, found: str) -> None:
        write("runs/detector-001/last.pth")
        with pytest.raises(WeightsNotFoundError, match=found):
            find_weights(Path(name))

    def test_name_with_a_folder_is_looked_for_there_alone(self) -> None:
        write("runs/detector-001/best.pth")
        with pytest.raises(WeightsNotFoundError, match=r"^elsewhere/best.pth is absent; wanted"):
            find_weights(Path("elsewhere/best.pth"))


HOLDER = """
import os, sys
from pathlib import Path
from fer_det.engine.run_folder import hold_run
with hold_run(Path("run")):
    # The second process outlives the first, as a loader process does.
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


def write_records(
    folder: Path, *records: tuple[str, int, dict[str, object]], at: tuple[int, int]
) -> None:
    log = RunLog(folder, *at)
    for kind, step, values in records:
        log.write(kind, step, values)
    log.close()


def kinds(folder: Path) -> list[tuple[str, int]]:
    return [(record["kind"], record["step"]) for record in read_log(folder)]


EPOCH_OF_TEN = [
    ("step", 5, {"epoch": 0, "loss": 1.5}),
    ("step", 10, {"epoch": 0, "loss": 1.25}),
    ("epoch", 10, {"epoch": 0, "loss": 1.4}),
]


class TestLog:
    def test_records_are_json_lines_and_curves(self, tmp_path: Path) -> None:
        write_records(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
        lines = (tmp_path / LOG_NAME).read_text().splitlines()
        assert json.loads(lines[0]) == {"kind": "step", "step": 5, "epoch": 0, "loss": 1.5}
        assert kinds(tmp_path) == [("step", 5), ("step", 10), ("epoch", 10)]
        (events,) = (tmp_path / "tensorboard").iterdir()
        data = events.read_bytes()
        assert b"step/loss" in data
        assert b"epoch/loss" in data
        # Whole numbers are no curves.
        assert b"step/epoch" not in data

    def test_each_record_is_there_at_once(self, tmp_path: Path) -> None:
        log = RunLog(tmp_path, 0, 0)
        log.write("step", 5, {"loss": 1.5})
        assert kinds(tmp_path) == [("step", 5)]
        log.close()

    def test_records_later_than_the_checkpoint_are_forgotten(self, tmp_path: Path) -> None:
        write_records(tmp_path, *EPOCH_OF_TEN, ("step", 15, {"epoch": 1, "loss": 1.0}), at=(0, 0))
        write_records(tmp_path, ("step", 15, {"epoch": 1, "loss": 1.0}), at=(1, 12))
        assert kinds(tmp_path) == [("step", 5), ("step", 10), ("epoch", 10), ("step", 15)]

    def test_epoch_whose_steps_are_done_but_not_its_validation(self, tmp_path: Path) -> None:
        write_records(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
        write_records(tmp_path, at=(0, 10))
        assert kinds(tmp_path) == [("step", 5), ("step", 10)]

    def test_epoch_that_is_done(self, tmp_path: Path) -> None:
        write_records(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
        write_records(tmp_path, at=(1, 10))
        assert kinds(tmp_path) == [("step", 5), ("step", 10), ("epoch", 10)]

    def test_new_run_forgets_all(self, tmp_path: Path) -> None:
        write_records(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
        write_records(tmp_path, at=(0, 0))
        assert kinds(tmp_path) == []

    def test_torn_last_line_is_left_out_and_then_removed(self, tmp_path: Path) -> None:
        write_records(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
        path = tmp_path / LOG_NAME
        path.write_text(path.read_text() + '{"kind": "step", "st')
        assert len(read_log(tmp_path)) == 3
        write_records(tmp_path, ("step", 15, {"epoch": 1}), at=(1, 10))
        assert kinds(tmp_path)[-2:] == [("epoch", 10), ("step", 15)]

    def test_no_log(self, tmp_path: Path) -> None:
        assert read_log(tmp_path) == []


def test_weights_that_come_with_the_package_are_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = Path("weights/expression_small.safetensors")
    found = find_weights(name)
    assert found.is_absolute()
    assert found.name == name.name
    Path("weights").mkdir()
    name.write_bytes(b"own")
    assert find_weights(name) == name
    with pytest.raises(WeightsNotFoundError):
        find_weights(Path("weights/absent.pth"))
