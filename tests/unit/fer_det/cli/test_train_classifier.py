from pathlib import Path

import pytest
from fake_data.voc_tree import write_voc_tree

from fer_det.cli.main import run

FLAGS = ("--epochs=1", "--batch_size=4", "--workers=0", "--init=none", "--model.input_size=32")


@pytest.mark.parametrize(
    ("flags", "following"),
    [
        (
            ["--model.name=resnet_classifier", "--model.widths=[8]", "--model.blocks=[1]"],
            "next: fer-det eval --weights run/best.pth",
        ),
        (
            ["--model.head_width=16"],
            "next: fer-det train --init run/best.pth --model.head_width 16",
        ),
    ],
)
def test_names_the_next_command(
    flags: list[str],
    following: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_voc_tree(Path("voc"), {"train": ["anger", "fear"] * 4, "val": ["anger", "fear"]})
    assert run("train-classifier", ["--data=voc", "--out=run", *FLAGS, *flags]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == following
