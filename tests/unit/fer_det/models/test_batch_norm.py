from pathlib import Path

import pytest
import torch
from fake_data.two_processes import make_norm, normalise, normalise_together
from torch import Tensor, nn

from fer_det.models.batch_norm import GlobalBatchNorm2d


@pytest.fixture(scope="module")
def batch() -> tuple[Tensor, Tensor]:
    """Pictures whose halves differ, so that statistics of a half would show."""
    torch.manual_seed(3)
    pictures = torch.randn(4, 5, 3, 2) * torch.arange(1.0, 5)[:, None, None, None] + 7
    return pictures, torch.randn(4, 5, 3, 2)


@pytest.mark.parametrize("training", [True, False])
def test_in_one_process_it_is_torch_s(training: bool, batch: tuple[Tensor, Tensor]) -> None:
    pictures, _ = batch
    ours, theirs = make_norm().train(training), nn.BatchNorm2d(5).train(training)
    theirs.load_state_dict(ours.state_dict())
    assert torch.equal(ours(pictures), theirs(pictures))
    for name, values in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], values)


def test_two_processes_on_halves_are_one_on_the_whole(
    tmp_path: Path, batch: tuple[Tensor, Tensor]
) -> None:
    whole = normalise(make_norm(), *batch)
    halves = normalise_together(tmp_path, *batch)
    for name, wanted in whole.items():
        parts = [half[name] for half in halves]
        if name in ("output", "input gradient"):
            found = torch.cat(parts)
        elif name.endswith("gradient"):
            # Each process has its own pictures' share; DistributedDataParallel adds them up.
            found = parts[0] + parts[1]
        else:
            assert torch.equal(parts[0], parts[1]), name
            found = parts[0]
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5, msg=name)


def test_half_precision_stays_half_precision() -> None:
    norm = GlobalBatchNorm2d(5).train()
    assert norm(torch.rand(2, 5, 4, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16
