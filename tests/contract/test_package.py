"""What is installed: the code, and the configurations, templates and weights that it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a wheel unpacks to."""
    pytest.importorskip("setuptools", "77")
    folder = tmp_path_factory.mktemp("installed")
    argv = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(folder)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_files_beside_the_code(installed: Path) -> None:
    shipped = installed / "fer_det" / "shipped"
    for folder in ("configs", "weights"):
        committed = subprocess.run(
            ["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True
        )
        # Its ONNX form is enough to predict with.
        left_out = {"weights/expression_detector.safetensors"}
        wanted = {*committed.stdout.split()} - left_out
        assert len(wanted) > 2
        files = (path for path in (shipped / folder).rglob("*") if path.is_file())
        found = [path.relative_to(shipped) for path in files]
        assert sorted(map(Path.as_posix, found)) == sorted(wanted)
    for path in (ROOT / "web").rglob("*.*"):
        assert (shipped / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    for path in (ROOT / "fer_det" / "report" / "template").iterdir():
        copied = installed / path.relative_to(ROOT)
        assert copied.read_bytes() == path.read_bytes()
    for package in ("fer_det", "voc_builder", "made_faces"):
        assert (installed / package / "py.typed").is_file()


def test_a_configuration_by_name_far_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "fer_det", "train", "--config", "small_cpu", "--print_config"]
    path = os.pathsep.join([str(installed), *(each for each in sys.path if each != str(ROOT))])
    env = {**os.environ, "PYTHONPATH": path}
    ended = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "epochs:" in ended.stdout


def test_source_distribution_can_build_the_same_wheel(installed: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(tmp_path)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    sources = set((tmp_path / "fer_det.egg-info" / "SOURCES.txt").read_text().splitlines())
    shipped = installed / "fer_det" / "shipped"
    wanted = {path.relative_to(shipped).as_posix() for path in shipped.rglob("*") if path.is_file()}
    packages = ("fer_det", "voc_builder", "made_faces")
    files = (path for package in packages for path in (installed / package).rglob("*.*"))
    wanted |= {
        path.relative_to(installed).as_posix()
        for path in files
        if shipped not in path.parents and path.is_file() and path.suffix != ".pyc"
    }
    assert wanted - sources == set()
    assert {"LICENSE", "README.md", "setup.py", "pyproject.toml"} <= sources
