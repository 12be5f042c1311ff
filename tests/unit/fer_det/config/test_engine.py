import sys
from pathlib import Path

import pytest

from fer_det.cli.main import main
from fer_det.config.engine import EngineOptions
from fer_det.errors import ConfigError


@pytest.fixture
def _without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_det.config.engine.find_spec", {"cv2": "there"}.get)
    monkeypatch.setitem(sys.modules, "ray", None)


@pytest.mark.usefixtures("_without_ray")
@pytest.mark.parametrize("command", ["build-voc", "predict"])
def test_without_ray_one_line_says_what_to_install(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = ["photo.jpg"] if command == "predict" else ["--rafdb", str(tmp_path / "raf")]
    out = tmp_path / "out"
    assert main([command, *source, "--engine", "ray", "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --engine ray without the package ray;")
    assert line.endswith("pip install 'fer_det[ray]'")
    assert not out.exists()


@pytest.mark.usefixtures("_without_ray")
def test_the_local_engine_needs_no_ray() -> None:
    assert EngineOptions().engine == "local"


def test_an_address_needs_the_engine() -> None:
    with pytest.raises(ConfigError, match="--address a:1 with --engine local"):
        EngineOptions(address="a:1")
