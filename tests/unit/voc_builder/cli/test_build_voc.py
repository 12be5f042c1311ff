from functools import partial
from pathlib import Path

import pytest
from fake_data import ckplus as fake_ckplus
from fake_data import rafdb as fake_rafdb
from fake_data.faces import load_fake_detector

import voc_builder.build.build
from voc_builder.build.build import build
from voc_builder.build.records import read_manifest
from voc_builder.cli.build_voc import main
from voc_builder.readers import READERS


@pytest.fixture(autouse=True)
def _fake_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = partial(build, load_detector=load_fake_detector)
    monkeypatch.setattr(voc_builder.build.build, "build", fake)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    """(exit code, the last line on stderr)."""
    code = main([*argv, "--workers", "0"])
    return code, (capsys.readouterr().err.splitlines() or [""])[-1]


def test_both_data_sets_with_their_options(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake_rafdb.write(tmp_path / "raf")
    fake_ckplus.write(tmp_path / "ck")
    code, _ = run(
        capsys,
        *("--rafdb", str(tmp_path / "raf"), "--rafdb_options.images", "aligned"),
        *("--ckplus", str(tmp_path / "ck"), "--ckplus_options.frames", "last1"),
        *("--ckplus_options.neutral", "false", "--ckplus_options.test_fold", "0"),
        *("--out", str(tmp_path / "out")),
    )
    assert code == 0
    records = read_manifest(tmp_path / "out" / "manifest.jsonl")
    assert {each.framing for each in records if each.dataset == "rafdb"} == {"face_crop"}
    own = [each for each in records if each.dataset == "ckplus"]
    assert len(own) == 24
    assert {each.attributes["fold"] for each in own if each.split == "test"} == {"0"}


def test_no_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    code, line = run(capsys)
    assert code == 2
    assert line.startswith(
        "error: no data set was given; wanted at least one of --rafdb ROOT, --ckplus ROOT"
    )


def test_wrong_inputs_are_one_line_each(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fake_rafdb.write(tmp_path / "raf", absent=["train_00002"])
    (tmp_path / "empty").mkdir()
    out = ("--out", str(tmp_path / "out"))
    for argv, told in (
        (("--rafdb", str(tmp_path / "no")), "no is absent"),
        (("--rafdb", str(tmp_path / "empty")), "empty is empty"),
        (("--ckplus", str(tmp_path / "raf")), "is not laid out as CK+"),
        (("--rafdb", str(tmp_path / "raf")), "1 of 21 listed pictures are absent"),
        (("--rafdb", str(tmp_path / "raf"), "--seed", "4"), "holds a build with seed 0"),
        (("--rafdb", str(tmp_path / "raf"), "--val_fraction", "2"), "val_fraction 2.0"),
        (("--rafdb", str(tmp_path / "raf"), "--boxes", "mine"), "mine"),
        (("--rafdb", str(tmp_path / "raf"), "--rafdb_options.images", "new"), "new"),
        (("--ckplus_options.test_fold", "10"), "test_fold 10"),
        (("--nosuchset", "x"), "--nosuchset"),
    ):
        code, line = run(capsys, *argv, *out)
        assert code == 2
        assert line.startswith("error: ")
        assert told in line


def test_allow_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fake_rafdb.write(tmp_path / "raf", absent=["train_00002"])
    argv = ("--rafdb", str(tmp_path / "raf"), "--out", str(tmp_path / "out"))
    assert run(capsys, *argv, "--allow_missing")[0] == 0
    assert run(capsys, *argv)[0] == 2


def test_help_explains_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Turn raw data sets into one Pascal VOC folder" in text
    for name, reader in READERS.items():
        assert f"--{name} PATH Folder of the data set {reader.TITLE}." in text
        assert f"{reader.Options.__doc__.rstrip('.')}:" in text
    for flag in ("--boxes", "--val_fraction", "--seed", "--coarse_first", "--overwrite", "--out"):
        assert flag in text
    assert "Args:" not in text


def test_print_config_can_be_given_back(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fake_rafdb.write(tmp_path / "raf")
    with pytest.raises(SystemExit):
        main(["--rafdb", str(tmp_path / "raf"), "--seed", "3", "--print_config"])
    (tmp_path / "flags.yaml").write_text(capsys.readouterr().out)
    argv = ("--config", str(tmp_path / "flags.yaml"), "--out", str(tmp_path / "out"))
    assert run(capsys, *argv)[0] == 0
    assert '"seed": 3' in (tmp_path / "out" / "summary.json").read_text()
