import pytest
import torch

from fer_det.cli.machine import say_once, settings_for_machine

BARE = ["--data", "x", "--epochs=3"]
NAMED = ["--config", "small_cpu", *BARE]


@pytest.fixture(autouse=True)
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_a_bare_command_gets_a_configuration() -> None:
    words, note = settings_for_machine(BARE, "small_cpu")
    assert words == NAMED
    assert note.startswith("no GPU is used: settings of configs/small_cpu.yaml")


@pytest.mark.parametrize(
    "flag", ["--config=a.yaml", "--model.name=x", "--help", "-h", "--print_config"]
)
def test_own_choices_are_left_alone(flag: str) -> None:
    assert settings_for_machine([flag, *BARE], "small_cpu") == ([flag, *BARE], "")


def test_flags_of_the_model_are_left_alone_and_that_is_said() -> None:
    typed = ["--model.input_size=64", *BARE]
    words, note = settings_for_machine(typed, "small_cpu")
    assert words == typed
    assert note.endswith("--config small_cpu before them\n")
    named = ["--config=small_cpu", *typed]
    assert settings_for_machine(named, "small_cpu") == (named, "")


def test_a_gpu_trains_by_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert settings_for_machine(BARE, "small_cpu") == (BARE, "")
    for words in (["--device=cpu"], ["--device", "cpu"]):
        assert settings_for_machine(words, "small_cpu")[0] == ["--config", "small_cpu", *words]


def test_a_named_gpu_is_believed() -> None:
    assert settings_for_machine(["--device=cuda"], "small_cpu") == (["--device=cuda"], "")


def test_one_process_says_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for rank in (None, "0", "1"):
        if rank is not None:
            monkeypatch.setenv("RANK", rank)
        say_once(f"{rank}\n")
    assert capsys.readouterr().out == "None\n0\n"
