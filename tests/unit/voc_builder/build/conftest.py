"""Fixtures of all tests of the build."""

from pathlib import Path

import pytest
from fake_data.build_bench import Bench
from fake_data.disk import do_not_wait


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    do_not_wait(monkeypatch)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
