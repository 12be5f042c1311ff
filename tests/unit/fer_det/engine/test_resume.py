from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fer_det.config.training import TrainConfig, to_plain
from fer_det.engine import resume
from fer_det.engine.resume import choose_folder, find_resumable
from fer_det.errors import ConfigError, WeightsError
from fer_det.weights.checkpoint import Checkpoint, save_checkpoint

CONFIG = TrainConfig(epochs=3)


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def info_of(config: TrainConfig, train: str = "aa") -> dict[str, Any]:
    data = {"path": str(config.data), "train": train, "val": "bb"}
    return {"train_config": to_plain(config), "precision": "float32", "data": data}


def write_run(folder: str, config: TrainConfig = CONFIG) -> Path:
    Path(folder).mkdir(parents=True)
    state, training = {"weight": torch.ones(2)}, {"position": {"epoch": 1}}
    checkpoint = Checkpoint(state, config.model, ("fear",), info_of(config), training)
    save_checkpoint(Path(folder) / "last.pth", checkpoint)
    return Path(folder)


class TestFolder:
    def test_as_asked(self) -> None:
        write_run("runs/frcnn-001")
        asked = replace(CONFIG, out=Path("there"))
        assert choose_folder("frcnn", asked, info_of(asked)) == Path("there")

    def test_first_run(self) -> None:
        assert choose_folder("frcnn", CONFIG, info_of(CONFIG)) == Path("runs/frcnn-001")

    def test_same_command_goes_on(self) -> None:
        folder = write_run("runs/frcnn-001")
        same = replace(CONFIG, workers=0)
        assert choose_folder("frcnn", same, info_of(same)) == folder

    @pytest.mark.parametrize("changes", [{"epochs": 4}, {"overwrite": True}])
    def test_another_run_has_its_own(self, changes: dict[str, Any]) -> None:
        write_run("runs/frcnn-001")
        other = replace(CONFIG, **changes)
        assert choose_folder("frcnn", other, info_of(other)) == Path("runs/frcnn-002")

    def test_other_data(self) -> None:
        write_run("runs/frcnn-001")
        assert choose_folder("frcnn", CONFIG, info_of(CONFIG, train="cc")) == Path("runs/frcnn-002")

    def test_run_of_another_process_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write_run("runs/frcnn-001")
        monkeypatch.setattr(resume, "is_held", lambda folder: True)
        assert choose_folder("frcnn", CONFIG, info_of(CONFIG)) == Path("runs/frcnn-002")

    def test_broken_run_is_left_alone(self) -> None:
        (write_run("runs/frcnn-001") / "last.pth").write_bytes(b"PK\x03\x04")
        assert choose_folder("frcnn", CONFIG, info_of(CONFIG)) == Path("runs/frcnn-002")


class TestFind:
    def test_nothing_there(self, tmp_path: Path) -> None:
        assert find_resumable(tmp_path / "absent", info_of(CONFIG), overwrite=False) is None

    def test_what_is_there(self) -> None:
        found = find_resumable(write_run("run"), info_of(CONFIG), overwrite=False)
        assert found is not None
        assert found.training == {"position": {"epoch": 1}}
        assert find_resumable(Path("run"), info_of(CONFIG), overwrite=True) is None

    def test_other_settings(self) -> None:
        folder = write_run("run")
        other = info_of(replace(CONFIG, batch_size=4))
        with pytest.raises(ConfigError, match=r"^run holds a run with --batch_size 16, not 4; "):
            find_resumable(folder, other, overwrite=False)
        assert find_resumable(folder, other, overwrite=True) is None

    def test_broken(self) -> None:
        folder = write_run("run")
        (folder / "last.pth").write_bytes(b"PK\x03\x04")
        with pytest.raises(WeightsError, match="truncated or broken"):
            find_resumable(folder, info_of(CONFIG), overwrite=False)
