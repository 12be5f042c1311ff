from pathlib import Path

import pytest

from fer_det.config import yaml_file
from fer_det.config.yaml_file import MAX_BYTES, read_settings
from fer_det.errors import ConfigError

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


def test_values_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfsame: 3\r\nstrict: yes\r\nmodel:\r\n  sizes: [1, null]\r\n")
    wanted = {"same": "3", "strict": "yes", "model": {"sizes": ["1", "null"]}}
    assert read_settings(str(path)) == (path, wanted)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (BOMB, "has aliases"),
        ("same: &a 3\nalike: *a\n", "has aliases"),
        (b"\xff\xfe\0s", "is not UTF-8 text"),
        ("same: \0", "is not YAML"),
        ("\tsame: 3", "is not YAML"),
        ("same: [[[", "is not YAML"),
        ("{" * 5000, "is not YAML"),
        ("#" * (MAX_BYTES + 1), "is larger than 1,000,000 bytes"),
        ("- 1", "holds no settings"),
        ("one word", "holds no settings"),
        ("", "holds no settings"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, data: str | bytes, told: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(ConfigError) as refused:
        read_settings(str(path))
    assert f"{path} {told}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_tag_makes_no_object(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("data: !!python/object/apply:os.getpid []")
    assert read_settings(str(path))[1] == {"data": []}


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="could not be read"):
        read_settings(str(tmp_path))


class TestShipped:
    @pytest.fixture(autouse=True)
    def shipped(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A package with one configuration, and an empty folder to work in."""
        configs = tmp_path / "package" / "configs"
        configs.mkdir(parents=True)
        (configs / "small_cpu.yaml").write_text("size: 3")
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")

        def find_shipped(name: str) -> Path | None:
            path = tmp_path / "package" / name
            return path if path.exists() else None

        monkeypatch.setattr(yaml_file, "find_shipped", find_shipped)
        return configs / "small_cpu.yaml"

    @pytest.mark.parametrize("name", ["small_cpu", "small_cpu.yaml", "configs/small_cpu.yaml"])
    def test_by_name(self, name: str, shipped: Path) -> None:
        assert read_settings(name) == (shipped, {"size": "3"})

    def test_a_file_that_is_here_wins(self) -> None:
        Path("small_cpu.yaml").write_text("size: 4")
        assert read_settings("small_cpu.yaml")[1] == {"size": "4"}

    @pytest.mark.parametrize("name", ["small_gpu", "mine/small_cpu.yaml"])
    def test_absent(self, name: str) -> None:
        with pytest.raises(ConfigError) as refused:
            read_settings(name)
        assert str(refused.value) == (
            f"--config {name}, which is absent; wanted a YAML file or one of: small_cpu; "
            "correct the name"
        )
