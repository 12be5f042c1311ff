from pathlib import Path

import pytest

from fer_det.config.check import CheckConfig
from fer_det.config.command import parse_config
from fer_det.config.yaml_file import MAX_BYTES
from fer_det.errors import ConfigError

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


def parse(path: Path, joined: bool = True) -> CheckConfig:
    argv = [f"--config={path}"] if joined else ["--config", str(path)]
    return parse_config(CheckConfig, "check_voc.py", argv)


@pytest.mark.parametrize("joined", [True, False])
def test_plain_file_of_flags(tmp_path: Path, joined: bool) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfsame: 3\r\nstrict: true\r\n")
    config = parse(path, joined)
    assert (config.same, config.strict) == (3, True)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (BOMB, "has aliases"),
        ("same: &a 3\nalike: *a\n", "has aliases"),
        (b"\xff\xfe\0s", "is not UTF-8 text"),
        ("same: \0", "is not YAML"),
        ("\tsame: 3", "is not YAML"),
        ("same: [[[", "is not YAML"),
        ("#" * (MAX_BYTES + 1), "is larger than 1,000,000 bytes"),
        ("data: !!python/object/apply:os.getpid []", "tag:yaml.org,2002:python"),
        ("same: " + "9" * 5000, "Exceeds the limit"),
        ("same: .inf", "inf"),
        ("- 1", "Unexpected config"),
        ("", "Unexpected config"),
        ("nonsense: 3", "nonsense"),
    ],
)
@pytest.mark.parametrize("joined", [True, False])
def test_refused_in_one_line(tmp_path: Path, data: str | bytes, told: str, joined: bool) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(ConfigError) as refused:
        parse(path, joined)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        parse(tmp_path)
