from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_data import vgg_face
from fake_data.voc_tree import CLASSES, write_voc_tree

from fer_det.config.model import to_plain
from fer_det.config.training import AUTO, NONE, TrainConfig
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine import job
from fer_det.engine.job import (
    FinishedRun,
    choose_folder,
    demand_same_checkpoint,
    find_resumable,
    initialise,
    read_pretrained,
)
from fer_det.engine.trainer import Position
from fer_det.errors import ConfigError, WeightsError, WeightsNotFoundError
from fer_det.models import build_model
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.runtime.distributed import Processes
from fer_det.weights.model_file import ModelFile, read_model_file, write_model_file
from fer_det.weights.storage import read_content, write_content

MODEL = Config(input_size=32, head_width=4)
CONFIG = TrainConfig(model=MODEL, epochs=3)


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def info_of(config: TrainConfig, train: str = "aa") -> dict[str, Any]:
    data = {"path": str(config.data), "train": train, "val": "bb"}
    return {"train_config": to_plain(config), "precision": "float32", "data": data}


def write_run(folder: str, config: TrainConfig = CONFIG) -> Path:
    Path(folder).mkdir(parents=True)
    state, training = {"weight": torch.ones(2)}, {"position": {"epoch": 1}}
    file = ModelFile(state, config.model, ("fear",), info_of(config), training)
    write_model_file(Path(folder) / "last.pth", file)
    return Path(folder)


class TestFolder:
    def test_as_asked(self) -> None:
        write_run("runs/detector-001")
        asked = replace(CONFIG, out=Path("there"))
        assert choose_folder("detector", asked, info_of(asked)) == Path("there")

    def test_first_run(self) -> None:
        assert choose_folder("detector", CONFIG, info_of(CONFIG)) == Path("runs/detector-001")

    def test_runs_that_start_together_get_folders_of_their_own(self) -> None:
        # Neither has written last.pth when the other chooses.
        chosen = {choose_folder("detector", CONFIG, info_of(CONFIG)) for _ in range(3)}
        assert len(chosen) == 3
        assert all(folder.is_dir() for folder in chosen)

    def test_same_command_resumes(self) -> None:
        folder = write_run("runs/detector-001")
        same = replace(CONFIG, workers=0)
        assert choose_folder("detector", same, info_of(same)) == folder

    @pytest.mark.parametrize("changes", [{"epochs": 4}, {"overwrite": True}])
    def test_another_run_has_its_own(self, changes: dict[str, Any]) -> None:
        write_run("runs/detector-001")
        other = replace(CONFIG, **changes)
        assert choose_folder("detector", other, info_of(other)) == Path("runs/detector-002")

    def test_other_data(self) -> None:
        write_run("runs/detector-001")
        assert choose_folder("detector", CONFIG, info_of(CONFIG, train="cc")) == Path(
            "runs/detector-002"
        )

    def test_run_of_another_process_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write_run("runs/detector-001")
        monkeypatch.setattr(job, "is_held", lambda folder: True)
        assert choose_folder("detector", CONFIG, info_of(CONFIG)) == Path("runs/detector-002")

    def test_broken_run_is_left_alone(self) -> None:
        (write_run("runs/detector-001") / "last.pth").write_bytes(b"PK\x03\x04")
        assert choose_folder("detector", CONFIG, info_of(CONFIG)) == Path("runs/detector-002")


class TestFind:
    def test_nothing_there(self, tmp_path: Path) -> None:
        assert find_resumable(tmp_path / "absent", info_of(CONFIG), overwrite=False) is None

    def test_what_is_there(self) -> None:
        found = find_resumable(write_run("run"), info_of(CONFIG), overwrite=False)
        assert found is not None
        assert found.training == {"position": {"epoch": 1}}
        assert find_resumable(Path("run"), info_of(CONFIG), overwrite=True) is None

    def test_setting_that_was_added_since(self) -> None:
        former = replace(
            MODEL, anchor_scales=(0.125, 0.19, 0.29, 0.44, 0.66, 1.0), anchor_spacing=0
        )
        config = replace(CONFIG, model=former)
        path = write_run("run", config) / "last.pth"
        content = read_content(path)
        for settings in (content["config"], content["info"]["train_config"]["model"]):
            del settings["anchor_spacing"]
        write_content(path, content)
        assert find_resumable(Path("run"), info_of(config), overwrite=False) is not None
        finer = info_of(replace(config, model=replace(former, anchor_spacing=0.6)))
        with pytest.raises(ConfigError, match=r"with --model.anchor_spacing 0.0, not 0.6"):
            find_resumable(Path("run"), finer, overwrite=False)

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


def test_the_selection_score_is_not_called_mean_recall() -> None:
    position = Position(best_recall=0.144, best_epoch=2)
    finished = FinishedRun(Path("run"), build_model(MODEL, CLASSES), position)
    told = "run/best.pth: epoch 3, selection score 0.144 on the validation split"
    assert finished.describe_best().startswith(told)


class TestSeveralMachines:
    """Three processes, which gather what each has: here ours and two others."""

    def processes(self, *others: str | None) -> Processes:
        class Gathering(Processes):
            def gather(self, entries: list[Any]) -> list[Any]:
                return [*entries, *others]

        return Gathering(rank=0, world=1 + len(others))

    def test_the_same_checkpoint_or_none(self) -> None:
        file = read_model_file(write_run("run") / "last.pth")
        demand_same_checkpoint(Path("run"), file, self.processes(file.sha256, file.sha256))
        demand_same_checkpoint(Path("run"), None, self.processes(None))
        demand_same_checkpoint(Path("run"), file, Processes())

    @pytest.mark.parametrize("other", [None, "0" * 64])
    def test_another_checkpoint(self, other: str | None) -> None:
        file = read_model_file(write_run("run") / "last.pth")
        with pytest.raises(ConfigError, match=r"process 0 has a run/last.pth, process 2 another"):
            demand_same_checkpoint(Path("run"), file, self.processes(file.sha256, other))


class TestPretrained:
    MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.1, 0.25)

    def write(self, **info: Any) -> Path:
        config = replace(MODEL, batch_norm=False, image_mean=self.MEAN, image_std=self.STD)
        state = build_model(config, CLASSES).state_dict()
        write_model_file(Path("best.pth"), ModelFile(state, config, CLASSES, info))
        return Path("best.pth")

    def test_none(self) -> None:
        assert read_pretrained(None, MODEL) == (None, MODEL)

    def test_its_normalisation_is_used(self) -> None:
        file, config = read_pretrained(self.write(), MODEL)
        assert file is not None
        assert file.path == Path("best.pth")
        assert (config.image_mean, config.image_std) == (self.MEAN, self.STD)
        assert read_pretrained(Path("best.pth"), config)[1] == config

    def test_flags_for_another_normalisation(self) -> None:
        model = replace(MODEL, image_std=(0.1, 0.1, 0.1))
        with pytest.raises(
            ConfigError, match=r"^--model.image_std \[0.1, .* with --init best.pth;"
        ):
            read_pretrained(self.write(), model)

    def test_auto_prefers_the_best_file_in_weights(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert read_pretrained(NONE, MODEL) == (None, MODEL)
        shipped, _ = read_pretrained(AUTO, MODEL)
        assert shipped is not None
        assert shipped.path is not None
        assert shipped.path.name == MODEL.pretrained[-1]
        Path("weights").mkdir()
        write_model_file(Path("weights") / MODEL.pretrained[0], read_model_file(self.write()))
        own, config = read_pretrained(AUTO, MODEL)
        assert own is not None
        assert own.path == Path("weights") / MODEL.pretrained[0]
        assert config.image_mean == self.MEAN
        monkeypatch.setattr(type(MODEL), "pretrained", ())
        assert read_pretrained(AUTO, MODEL) == (None, MODEL)

    def test_shipped_weights_are_found_from_any_folder(self) -> None:
        file, _ = read_pretrained(Path("weights/vgg16_faces.safetensors"), MODEL)
        assert file is not None

    def test_foreign_file_is_named(self) -> None:
        vgg_face.write_pytorch(Path("a.pth"), vgg_face.sample_network(width=1, head=2))
        with pytest.raises(WeightsError, match=r"convert it first: .*-weights a\.pth"):
            read_pretrained(Path("a.pth"), MODEL)

    def test_absent(self) -> None:
        with pytest.raises(
            WeightsNotFoundError, match=r"^a.pth is absent; wanted a file of weights"
        ):
            read_pretrained(Path("a.pth"), MODEL)

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>" * 9])
    def test_no_model_file(self, content: bytes) -> None:
        Path("a").write_bytes(content)
        with pytest.raises(WeightsError):
            read_pretrained(Path("a"), MODEL)

    def test_origins_and_layers_are_listed(self) -> None:
        write_voc_tree(Path("voc"), {"train": ["fear"] * 9})
        pictures = VocDataset(Path("voc"), "train", MODEL.input_size, MODEL.padding)
        face = {"path": "face.safetensors", "sha256": "00", "source": "faces"}
        init = {"path": "first.pth", "sha256": "00", "source": "vgg16_classifier", "init": face}
        file = read_model_file(self.write(epoch=4, init=init))
        assert initialise(build_model(MODEL, CLASSES), file, pictures).splitlines()[:4] == [
            "pretrained weights: best.pth (vgg16_frcnn, epoch 5)",
            "  initialised from first.pth (vgg16_classifier)",
            "  initialised from face.safetensors (faces)",
            "  taken: 13 layers of the backbone, rpn.head.conv.0.0, rpn.head.cls_logits, "
            "rpn.head.bbox_pred, roi_heads.box_head.fc6, roi_heads.box_head.fc7, "
            "roi_heads.box_predictor.cls_score, roi_heads.box_predictor.bbox_pred",
        ]
