from pathlib import Path

import torch
from fake_data.two_processes import join_together

from fer_det.runtime.collective import process_count, rows_of_all_processes, sum_over_processes


def test_alone_nothing_changes() -> None:
    rows = torch.rand(3, 2)
    assert process_count() == 1
    assert sum_over_processes(rows) is rows
    assert rows_of_all_processes(rows) is rows


def test_rows_of_two_processes_with_unequal_shares(tmp_path: Path) -> None:
    rows = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))
    halves = join_together(tmp_path, rows)
    for half in halves:
        assert torch.equal(half["joined"], rows)
    # 1 and 2 times the rows are what the two processes' losses pull with.
    assert torch.equal(torch.cat([half["gradient"] for half in halves]), 3 * rows)
