"""Nothing speaks to another machine: the tests are watched, and what they start is, too."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fer_det.cli.main import MODULES

ELSEWHERE = "192.0.2.1"
"""An address for documents (RFC 5737); nobody has it."""


@pytest.fixture
def attempts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of its own, for tests that speak on purpose."""
    monkeypatch.setenv("FERDET_CONNECTIONS", str(tmp_path / "attempts"))
    return tmp_path / "attempts"


def run(code: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", code]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


class TestWatch:
    def test_this_process(self, attempts: Path) -> None:
        with socket.socket() as other, pytest.raises(RuntimeError, match=ELSEWHERE):
            other.connect((ELSEWHERE, 80))
        with pytest.raises(RuntimeError, match=r"example\.org"):
            socket.getaddrinfo("example.org", 443)
        assert len(attempts.read_text().splitlines()) == 2

    def test_processes_that_are_started(self, attempts: Path) -> None:
        code = f"import urllib.request as u; u.urlopen('http://{ELSEWHERE}/', timeout=1)"
        assert "SpeaksToOthersError" in run(code).stderr
        assert ELSEWHERE in attempts.read_text()

    def test_own_machine_may_be_spoken_to(self, attempts: Path) -> None:
        with socket.socket() as server, socket.socket() as client:
            server.bind(("127.0.0.1", 0))
            server.listen()
            client.connect(server.getsockname())
        assert not attempts.exists()


def test_importing_every_command_asks_nobody(attempts: Path) -> None:
    modules = sorted(set(MODULES.values()))
    assert len(modules) > 8
    ended = run(f"import torch, {', '.join(modules)}")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not attempts.exists()


def test_the_watch_is_handed_on() -> None:
    assert "no_network" in os.environ["PYTHONPATH"]
    assert any(path.endswith("no_network") for path in sys.path)
