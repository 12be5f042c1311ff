import json
from pathlib import Path

from fer_det.engine.log import LOG_NAME, RunLog, read_log


def write(folder: Path, *records: tuple[str, int, dict[str, object]], at: tuple[int, int]) -> None:
    log = RunLog(folder, *at)
    for kind, step, values in records:
        log.write(kind, step, values)
    log.close()


def told(folder: Path) -> list[tuple[str, int]]:
    return [(record["kind"], record["step"]) for record in read_log(folder)]


EPOCH_OF_TEN = [
    ("step", 5, {"epoch": 0, "loss": 1.5}),
    ("step", 10, {"epoch": 0, "loss": 1.25}),
    ("epoch", 10, {"epoch": 0, "loss": 1.4}),
]


def test_records_are_json_lines_and_curves(tmp_path: Path) -> None:
    write(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
    lines = (tmp_path / LOG_NAME).read_text().splitlines()
    assert json.loads(lines[0]) == {"kind": "step", "step": 5, "epoch": 0, "loss": 1.5}
    assert told(tmp_path) == [("step", 5), ("step", 10), ("epoch", 10)]
    (events,) = (tmp_path / "tensorboard").iterdir()
    data = events.read_bytes()
    assert b"step/loss" in data
    assert b"epoch/loss" in data
    # Whole numbers are no curves.
    assert b"step/epoch" not in data


def test_each_record_is_there_at_once(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0, 0)
    log.write("step", 5, {"loss": 1.5})
    assert told(tmp_path) == [("step", 5)]
    log.close()


def test_records_later_than_the_checkpoint_are_forgotten(tmp_path: Path) -> None:
    write(tmp_path, *EPOCH_OF_TEN, ("step", 15, {"epoch": 1, "loss": 1.0}), at=(0, 0))
    write(tmp_path, ("step", 15, {"epoch": 1, "loss": 1.0}), at=(1, 12))
    assert told(tmp_path) == [("step", 5), ("step", 10), ("epoch", 10), ("step", 15)]


def test_epoch_whose_steps_are_done_but_not_its_validation(tmp_path: Path) -> None:
    write(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
    write(tmp_path, at=(0, 10))
    assert told(tmp_path) == [("step", 5), ("step", 10)]


def test_epoch_that_is_done(tmp_path: Path) -> None:
    write(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
    write(tmp_path, at=(1, 10))
    assert told(tmp_path) == [("step", 5), ("step", 10), ("epoch", 10)]


def test_new_run_forgets_all(tmp_path: Path) -> None:
    write(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
    write(tmp_path, at=(0, 0))
    assert told(tmp_path) == []


def test_torn_last_line_is_left_out_and_then_removed(tmp_path: Path) -> None:
    write(tmp_path, *EPOCH_OF_TEN, at=(0, 0))
    path = tmp_path / LOG_NAME
    path.write_text(path.read_text() + '{"kind": "step", "st')
    assert len(read_log(tmp_path)) == 3
    write(tmp_path, ("step", 15, {"epoch": 1}), at=(1, 10))
    assert told(tmp_path)[-2:] == [("epoch", 10), ("step", 15)]


def test_no_log(tmp_path: Path) -> None:
    assert read_log(tmp_path) == []
