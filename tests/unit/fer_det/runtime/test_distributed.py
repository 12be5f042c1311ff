from pathlib import Path

import pytest
import torch
from fake_data.two_processes import join_together

from fer_det.errors import ConfigError
from fer_det.runtime.distributed import (
    Processes,
    process_count,
    process_group,
    processes_from_environment,
    rows_of_all_processes,
    sum_over_processes,
)

NAMES = ("RANK", "LOCAL_RANK", "WORLD_SIZE")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_without_torchrun_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes_from_environment() == Processes(0, 0, 1)
    # Batch systems set this one for purposes of their own.
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert processes_from_environment() == Processes(0, 0, 1)


def test_torchrun_s_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(NAMES, ("5", "1", "8"), strict=True):
        monkeypatch.setenv(name, value)
    found = processes_from_environment()
    assert found == Processes(rank=5, local_rank=1, world=8)
    assert not found.is_first


@pytest.mark.parametrize("given", [{"RANK": "0"}, {"RANK": "0", "LOCAL_RANK": "0"}])
def test_half_an_environment(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="RANK is set without LOCAL_RANK and WORLD_SIZE"):
        processes_from_environment()


def test_one_process_alone_speaks_to_nobody() -> None:
    alone = Processes()
    assert alone.is_first
    assert alone.gather([1, 2]) == [1, 2]
    assert alone.from_first("a") == "a"
    with process_group(alone, torch.device("cpu")):
        assert not torch.distributed.is_initialized()


def test_apple_s_gpu_takes_one_process() -> None:
    with (
        pytest.raises(ConfigError, match=r"2 processes on Apple's GPU \(mps\); wanted one"),
        process_group(Processes(world=2), torch.device("mps")),
    ):
        pass


class TestExchange:
    def test_alone_nothing_changes(self) -> None:
        rows = torch.rand(3, 2)
        assert process_count() == 1
        assert sum_over_processes(rows) is rows
        assert rows_of_all_processes(rows) is rows

    def test_rows_of_two_processes_with_unequal_shares(self, tmp_path: Path) -> None:
        rows = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))
        halves = join_together(tmp_path, rows)
        for half in halves:
            assert torch.equal(half["joined"], rows)
        # The losses of the two processes weigh the rows by 1 and 2.
        assert torch.equal(torch.cat([half["gradient"] for half in halves]), 3 * rows)
