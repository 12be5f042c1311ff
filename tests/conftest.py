"""What holds for all tests: no talk with other machines, no dependence on luck or speed."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every run, and as much time as a busy machine takes for them.
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

NO_NETWORK = Path(__file__).parent / "no_network"


def pytest_configure(config: pytest.Config) -> None:
    """In this process, and by PYTHONPATH in those that it starts."""
    runpy.run_path(str(NO_NETWORK / "sitecustomize.py"))
    before = os.environ.get("PYTHONPATH")
    # Tests hand on one or the other.
    sys.path.insert(0, str(NO_NETWORK))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(NO_NETWORK), *([before] if before else [])])


@pytest.fixture(scope="session", autouse=True)
def connections(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where attempts to speak to other machines are noted; there must be none at the end."""
    log = tmp_path_factory.mktemp("network") / "connections"
    os.environ["FERDET_CONNECTIONS"] = str(log)
    yield log
    assert not log.exists(), log.read_text()
