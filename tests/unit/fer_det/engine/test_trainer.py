from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_data import stub_detector
from fake_data.stub_detector import Config, StubDetector
from fake_data.voc_tree import CLASSES, write_voc_tree
from torch import Tensor

from fer_det.config.training import OptimizerConfig, TrainConfig
from fer_det.engine import trainer as trainer_module
from fer_det.engine.job import describe_run, find_resumable
from fer_det.engine.run_folder import LOG_NAME, read_log
from fer_det.engine.tasks.detection import DetectionTask
from fer_det.engine.trainer import BEST, LAST, Position, Trainer
from fer_det.errors import ConfigError, TrainingDivergedError
from fer_det.io.shard_writer import write_shards
from fer_det.io.voc_index import write_index
from fer_det.models import MODELS
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes
from fer_det.weights.model_file import read_model_file

SIZE, EPOCHS, STEPS = 32, 2, 3
TRAIN = ["happiness", "anger", "fear", "happiness", "happiness", "anger"]


class Killed(BaseException):
    """Nothing in the program catches it."""


@pytest.fixture(autouse=True)
def with_stub_and_frequent_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, stub_detector.NAME, stub_detector.REGISTERED)
    monkeypatch.setattr(trainer_module, "STEPS_BETWEEN_RECORDS", 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("voc")
    write_voc_tree(root, {"train": TRAIN, "val": ["happiness", "anger", "fear"]})
    return root


@pytest.fixture
def config(data: Path) -> TrainConfig:
    return TrainConfig(
        data=data,
        epochs=EPOCHS,
        batch_size=2,
        balance=0.0,
        workers=0,
        save_minutes=0.0,
        model=Config(input_size=SIZE),
        optimizer=OptimizerConfig(learning_rate=0.05),
    )


def make_trainer(
    config: TrainConfig, folder: Path, make_model: Callable[[], StubDetector] | None = None
) -> Trainer:
    """As the command makes it: resuming the run in the folder."""
    folder.mkdir(exist_ok=True)
    hardware = Hardware(torch.device("cpu"), "float32")
    task = DetectionTask.from_config(config)
    info = describe_run(config, hardware, task.data_hashes())
    torch.manual_seed(config.seed)
    return Trainer(
        make_model() if make_model else StubDetector(config.model, CLASSES),
        config,
        folder,
        task,
        hardware,
        Processes(),
        info,
        find_resumable(folder, info, overwrite=False),
    )


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of the files of a run."""
    return {name: (folder / name).read_bytes() for name in (BEST, LAST, LOG_NAME)}


class TestRun:
    def test_leaves_checkpoints_and_a_log(self, config: TrainConfig, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        position = make_trainer(config, folder).run()
        assert (position.epoch, position.step) == (EPOCHS, EPOCHS * STEPS)
        best, last = read_model_file(folder / BEST), read_model_file(folder / LAST)
        assert best.classes == last.classes == CLASSES
        assert best.training is None
        assert not best.config.batch_norm
        assert last.config == config.model
        assert last.training is not None
        assert Position(**last.training["position"]) == position
        assert best.info["epoch"] == position.best_epoch
        assert best.info["validation"]["selection"] == position.best_recall
        kinds = [(record["kind"], record["step"]) for record in read_log(folder)]
        assert kinds == [("step", 2), ("epoch", 3), ("step", 4), ("step", 6), ("epoch", 6)]
        assert list((folder / "tensorboard").iterdir())

    def test_with_an_index_it_is_the_same_to_the_last_bit(
        self, config: TrainConfig, tmp_path: Path
    ) -> None:
        config = replace(config, data=tmp_path / "voc", workers=1)
        folder = write_voc_tree(config.data, {"train": TRAIN, "val": ["happiness", "anger"]})
        make_trainer(config, tmp_path / "xml").run()
        write_index(folder)
        trainer = make_trainer(config, tmp_path / "index")
        trainer.run()
        assert DetectionTask.from_config(config).train.pictures[0].indexed is not None
        assert contents(tmp_path / "index") == contents(tmp_path / "xml")

    def test_shards_give_the_same_and_resume_what_the_folder_began(
        self, config: TrainConfig, tmp_path: Path
    ) -> None:
        config = replace(config, data=tmp_path / "voc", workers=1)
        folder = write_voc_tree(config.data, {"train": TRAIN, "val": ["happiness", "anger"]})
        make_trainer(config, tmp_path / "files").run()
        with pytest.raises(Killed):
            make_trainer(config, tmp_path / "cut", lambda: DiesAfter(STEPS + 1)).run()
        assert write_shards(folder, tmp_path / "shards", shard_bytes=5_000)[1] > 2
        # A run states the place of its data.
        config.data.rename(tmp_path / "gone")
        (tmp_path / "shards").rename(config.data)
        for run in ("shards", "cut"):
            make_trainer(config, tmp_path / run).run()
            assert contents(tmp_path / run) == contents(tmp_path / "files")
        assert not list(config.data.rglob("*.jpg"))

    def test_record_of_an_epoch(self, config: TrainConfig, tmp_path: Path) -> None:
        make_trainer(config, tmp_path / "run").run()
        records = read_log(tmp_path / "run")
        step, epoch = records[0], records[1]
        assert {"loss", "loss_classifier", "gradient_norm", "learning_rate"} <= step.keys()
        assert step["loss"] == pytest.approx(step["loss_classifier"] + step["loss_box_reg"])
        assert {"epoch", "loss", "accuracy", "mean_recall", "miss_rate"} <= epoch.keys()
        assert epoch["miss_rate"] == 0
        assert 0 < epoch["loss"] < 10

    def test_best_is_the_first_of_the_highest(
        self, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recalls = iter([0.2, 0.5, 0.5, 0.4])
        monkeypatch.setattr(
            DetectionTask,
            "validate",
            lambda *arguments: {
                "accuracy": 0.0,
                "mean_recall": 1.0,
                "selection": next(recalls),
                "temperature": 1.5,
            },
        )
        trainer = make_trainer(replace(config, epochs=4), tmp_path / "run")
        position = trainer.run()
        assert (position.best_epoch, position.best_recall) == (1, 0.5)
        best = read_model_file(tmp_path / "run" / BEST)
        assert (best.info["epoch"], best.info["step"]) == (1, 2 * STEPS)
        assert best.temperature == 1.5

    def test_classes_with_few_faces_count_less(self, config: TrainConfig, tmp_path: Path) -> None:
        write_voc_tree(tmp_path, {"train": TRAIN, "val": ["happiness", "anger", "happiness"]})
        trainer = make_trainer(replace(config, data=tmp_path), tmp_path / "run", Cheerful)
        scores = trainer._task.validate(trainer.model, trainer._hardware, Processes())
        assert scores["accuracy"] == pytest.approx(2 / 3)
        assert scores["mean_recall"] == 0.5
        # Two of two and none of one, each with ten more faces of which two thirds are right.
        wanted = ((2 + 20 / 3) / 12 + (0 + 20 / 3) / 11) / 2
        assert scores["selection"] == pytest.approx(wanted)

    def test_finished_run_trains_nothing(self, config: TrainConfig, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        make_trainer(config, folder).run()
        before = contents(folder)
        position = make_trainer(config, folder, Forbidden).run()
        assert contents(folder) == before
        assert position.step == EPOCHS * STEPS

    def test_mean_loss_does_not_depend_on_where_a_run_was_cut(
        self, config: TrainConfig, tmp_path: Path
    ) -> None:
        whole, cut = tmp_path / "whole", tmp_path / "cut"
        make_trainer(config, whole).run()
        with pytest.raises(Killed):
            make_trainer(config, cut, lambda: DiesAfter(2)).run()
        make_trainer(config, cut).run()
        assert (cut / LOG_NAME).read_text() == (whole / LOG_NAME).read_text()


class Cheerful(StubDetector):
    """Always answers happiness."""

    def __init__(self) -> None:
        super().__init__(Config(input_size=SIZE), CLASSES)
        with torch.no_grad():
            self.colour.bias[CLASSES.index("happiness")] = 100


class Forbidden(StubDetector):
    """Must not be trained."""

    def __init__(self) -> None:
        super().__init__(Config(input_size=SIZE), CLASSES)

    def forward(self, images: Tensor, targets: list[dict[str, Tensor]]) -> Any:
        raise AssertionError("trained or asked")


class DiesAfter(StubDetector):
    """Dies in the training step after a number of steps."""

    def __init__(self, steps: int) -> None:
        super().__init__(Config(input_size=SIZE), CLASSES)
        self.left = steps

    def forward(self, images: Tensor, targets: list[dict[str, Tensor]]) -> Any:
        self.left -= self.training
        if self.left < 0:
            raise Killed
        return super().forward(images, targets)


class TestResume:
    @pytest.fixture
    def whole(self, config: TrainConfig, tmp_path: Path) -> dict[str, bytes]:
        folder = tmp_path / "whole"
        make_trainer(config, folder).run()
        return contents(folder)

    @pytest.mark.parametrize("steps", range(EPOCHS * STEPS))
    def test_killed_in_any_step_it_ends_in_the_same_bytes(
        self, config: TrainConfig, tmp_path: Path, whole: dict[str, bytes], steps: int
    ) -> None:
        folder = tmp_path / "cut"
        with pytest.raises(Killed):
            make_trainer(config, folder, lambda: DiesAfter(steps)).run()
        assert make_trainer(config, folder).position.step == steps
        make_trainer(config, folder).run()
        assert contents(folder) == whole

    @pytest.mark.parametrize("steps", [0, 2, STEPS, STEPS + 1])
    def test_averaged_weights_are_resumed_too(
        self, config: TrainConfig, tmp_path: Path, whole: dict[str, bytes], steps: int
    ) -> None:
        averaging = replace(config, optimizer=replace(config.optimizer, average=0.9))
        make_trainer(averaging, tmp_path / "averaged").run()
        expected = contents(tmp_path / "averaged")
        # The averaged weights are those that best.pth holds.
        assert expected[BEST] != whole[BEST]
        with pytest.raises(Killed):
            make_trainer(averaging, tmp_path / "cut", lambda: DiesAfter(steps)).run()
        make_trainer(averaging, tmp_path / "cut").run()
        assert contents(tmp_path / "cut") == expected

    @pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
    def test_killed_at_any_write_it_ends_in_the_same_bytes(
        self,
        config: TrainConfig,
        tmp_path: Path,
        whole: dict[str, bytes],
        monkeypatch: pytest.MonkeyPatch,
        written: bool,
    ) -> None:
        save = trainer_module.write_model_file
        for number in range(100):
            folder = tmp_path / f"cut{number}"
            monkeypatch.setattr(trainer_module, "write_model_file", dying_at(save, number, written))
            try:
                make_trainer(config, folder).run()
            except Killed:
                monkeypatch.setattr(trainer_module, "write_model_file", save)
                make_trainer(config, folder).run()
                assert contents(folder) == whole, number
            else:
                break
        # Each step saves, and so does each epoch; the best is one more at least.
        assert number >= EPOCHS * STEPS + EPOCHS + 1

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"epochs": 3}, "--epochs 2, not 3"),
            ({"seed": 1}, "--seed 0, not 1"),
            ({"optimizer": OptimizerConfig(learning_rate=0.01)}, "--optimizer.learning_rate 0.05"),
            ({"model": Config(input_size=SIZE, dropout=0.1)}, "--model.dropout 0.5, not 0.1"),
        ],
    )
    def test_other_settings_are_refused(
        self, config: TrainConfig, tmp_path: Path, changes: dict[str, Any], message: str
    ) -> None:
        make_trainer(config, tmp_path / "run").run()
        with pytest.raises(ConfigError, match=f"holds a run with {message}.*--overwrite"):
            make_trainer(replace(config, **changes), tmp_path / "run")

    def test_other_data_are_refused(self, config: TrainConfig, tmp_path: Path) -> None:
        make_trainer(config, tmp_path / "run").run()
        write_voc_tree(tmp_path / "voc", {"train": TRAIN[::-1], "val": ["happiness", "anger"]})
        with pytest.raises(ConfigError, match="holds a run with data train "):
            make_trainer(replace(config, data=tmp_path / "voc"), tmp_path / "run")

    @pytest.mark.parametrize(
        "changes", [{"workers": 3}, {"save_minutes": 9.0}, {"device": "cpu"}, {"out": Path("x")}]
    )
    def test_settings_without_effect_may_differ(
        self, config: TrainConfig, tmp_path: Path, changes: dict[str, Any]
    ) -> None:
        make_trainer(config, tmp_path / "run").run()
        again = make_trainer(replace(config, **changes), tmp_path / "run")
        assert again.position.epoch == EPOCHS


def dying_at(save: Callable[..., None], number: int, written: bool) -> Callable[..., None]:
    """`save`, which dies at its call of that number, before or after it has written."""
    calls = iter(range(1000))

    def dying(*arguments: Any) -> None:
        last = next(calls) == number
        if written or not last:
            save(*arguments)
        if last:
            raise Killed

    return dying


class Spoilt(StubDetector):
    """Its loss, or only the loss's gradient, is not finite in the second step."""

    def __init__(self, what: str) -> None:
        super().__init__(Config(input_size=SIZE), CLASSES)
        self.what, self.steps = what, 0

    def forward(self, images: Tensor, targets: list[dict[str, Tensor]]) -> Any:
        answer = super().forward(images, targets)
        if self.training:
            self.steps += 1
            if self.steps == 2 and self.what == "loss":
                answer["loss_box_reg"] = answer["loss_box_reg"] * float("nan")
            if self.steps == 2 and self.what == "gradient":
                # The square root of 0 is 0, and its slope there is infinite.
                answer["loss_box_reg"] = (self.colour.bias * 0).abs().sqrt().sum()
        return answer


class TestDivergence:
    @pytest.mark.parametrize("what", ["loss", "gradient"])
    def test_stops_with_the_batch_s_names(
        self, config: TrainConfig, tmp_path: Path, what: str
    ) -> None:
        trainer = make_trainer(config, tmp_path / "run", lambda: Spoilt(what))
        with pytest.raises(TrainingDivergedError) as caught:
            trainer.run()
        text = str(caught.value)
        assert text.startswith(f"a {what} that is not finite at step 1 (loss_classifier ")
        assert text.count(".jpg") == 2
        assert "train_000" in text
        assert "\n" not in text
        assert all(bool(values.isfinite().all()) for values in trainer.model.parameters())
        last = read_model_file(tmp_path / "run" / LAST)
        assert last.training is not None
        assert last.training["position"]["step"] == 1
