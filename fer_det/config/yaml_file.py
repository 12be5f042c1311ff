"""The YAML files that --config names: found, checked and read into plain settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from fer_det.errors import ConfigError
from fer_det.io.files import find_shipped

MAX_BYTES = 1_000_000

Settings = dict[str, Any]
"""Text by key, and lists and `Settings` of the same."""


def read_settings(name: str) -> tuple[Path, Settings]:
    """Return the path and the settings of a YAML file, each value as the text in the file.

    name: a file, or the name of one of the configurations that come with the package, such as
    small_cpu. Raises ConfigError for a file that is absent, larger than 1 MB, not UTF-8, not YAML
    or not a mapping, and for one with aliases: a few hundred bytes of them can stand for more
    values than fit into memory.
    """
    path = _find(name)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refused(path, f"is larger than {MAX_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.BaseLoader)):
            raise _refused(path, "has aliases (*name)")
        # Values stay text here, as flags are, so that both are converted by the same rules.
        found = yaml.load(text, yaml.BaseLoader)
    except UnicodeDecodeError as error:
        raise _refused(path, "is not UTF-8 text") from error
    except OSError as error:
        raise _refused(path, f"could not be read ({error.strerror or error})") from error
    except (yaml.YAMLError, RecursionError) as error:
        problem = getattr(error, "problem", None) or "nested too deeply or unreadable"
        raise _refused(path, f"is not YAML ({problem})") from error
    if not isinstance(found, dict):
        raise _refused(path, "holds no settings")
    return path, found


def _find(name: str) -> Path:
    path = Path(name)
    if path.exists():
        return path
    by_name = path.parent in (Path(), Path("configs"))
    shipped = find_shipped(f"configs/{path.stem}.yaml") if by_name else None
    if shipped is None:
        known = find_shipped("configs")
        names = sorted(each.stem for each in known.glob("*.yaml")) if known else []
        raise ConfigError(
            f"--config {name}, which is absent",
            f"a YAML file{' or one of: ' if names else ''}{', '.join(names)}",
            "correct the name",
        )
    return shipped


def _refused(path: Path, what: str) -> ConfigError:
    return ConfigError(
        f"--config {path} {what}", "a YAML file with a setting a line", "correct the file"
    )
