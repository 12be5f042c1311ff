"""Every shipped configuration can be followed and says where it comes from and what to expect."""

from pathlib import Path

import pytest

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.config.command import parse_config
from fer_det.config.training import TrainConfig
from fer_det.models import config_chooser

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
CLASSES = {
    "train_classifier.py": (TrainClassifierConfig, "classifier"),
    "train_frcnn.py": (TrainConfig, "detector"),
}
"""Settings of each command that a configuration may be for, and the kind of its model."""


def command_of(path: Path) -> str:
    """The command that the file's first line names."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    (command,) = (name for name in CLASSES if f"tools/{name}" in first)
    return command


def test_there_is_a_configuration():
    assert CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_is_read_whole(path):
    command = command_of(path)
    config_class, kind = CLASSES[command]
    argv = ["--config", str(path)]
    choose = {"model": config_chooser(kind)}
    config = parse_config(config_class, command, argv, choose)

    assert config != parse_config(config_class, command, [], choose), (
        "a configuration that changes nothing"
    )


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_is_found_by_its_name(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = command_of(path)
    config_class, kind = CLASSES[command]
    choose = {"model": config_chooser(kind)}
    by_name = parse_config(config_class, command, [f"--config={path.stem}"], choose)
    assert by_name == parse_config(config_class, command, [f"--config={path}"], choose)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_states_its_source_and_its_result(path):
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]

    assert any("source:" in line.lower() for line in head)
    assert any("expected result:" in line.lower() for line in head)
