from pathlib import Path

import pytest
from fake_data.voc_tree import write_voc_tree

from fer_det.io.voc import VocFolder
from voc_builder.cli.balance import main


def test_prints_the_table_and_then_that_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_voc_tree(tmp_path / "in", {"train": ["fear", "anger", "anger"]})
    argv = ["--data", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--workers=1"]
    assert main(argv) == 0
    table, last = capsys.readouterr().out.rstrip().rsplit("\n", 1)
    assert table == (tmp_path / "out" / "balance.txt").read_text().rstrip()
    assert last == f"4 of 4 pictures written to {tmp_path / 'out'}"
    assert main(argv) == 0
    assert f"nothing to write: {tmp_path / 'out'} has all 4 pictures" in capsys.readouterr().out


def test_flags_reach_the_copies(tmp_path: Path) -> None:
    write_voc_tree(tmp_path / "in", {"train": ["fear", "anger", "anger"]})
    argv = ["--data", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--workers=1"]
    assert main([*argv, "--target=3"]) == 0
    still = ["--jitter.rotation=0", "--jitter.colour=0", "--jitter.brightness", "0", "--overwrite"]
    assert main([*argv, "--target=2", *still]) == 0
    folder = VocFolder(tmp_path / "out")
    assert len(folder.image_ids("train")) == 4
    assert folder.read("train_0000_j001").objects == folder.read("train_0000").objects


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--data=nowhere"], "no VOC data set at nowhere"),
        (["--target=most"], "target"),
        (["--target=-3"], "--target -3"),
        (["--jitter.rotation=999"], "rotation 999"),
        (["--jitter.spin=3"], "jitter.spin"),
        (["--seed=x"], "seed"),
    ],
)
def test_mistake_is_one_line_and_exit_code_2(
    flags: list[str], told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([f"--out={tmp_path / 'out'}", *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert told in err
    assert not (tmp_path / "out").exists()


def test_help_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for flag in ("data", "out", "target", "seed", "workers", "overwrite", "jitter.rotation"):
        assert f"--{flag}" in told
    assert "Largest turn in degrees" in told
