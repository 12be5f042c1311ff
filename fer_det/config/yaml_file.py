"""A YAML file of flags, looked at before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from fer_det.errors import ConfigError

MAX_BYTES = 1_000_000

_FLAG = "--config"


def check_config_files(argv: Sequence[str]) -> None:
    """Refuse the files that --config names where they are not plain lists of flags.

    Raises ConfigError for one that is larger than 1 MB, is no UTF-8 text or no YAML, or has
    aliases: a few hundred bytes of those stand for more values than any memory holds.
    """
    for name in _named(argv):
        path = Path(name)
        if not path.is_file():
            continue  # The parser says so, or takes it for YAML itself.
        _check(path)


def _named(argv: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(argv):
        if word.startswith(f"{_FLAG}="):
            yield word.removeprefix(f"{_FLAG}=")
        elif word == _FLAG and place + 1 < len(argv):
            yield argv[place + 1]


def _check(path: Path) -> None:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refused(path, f"is larger than {MAX_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
        events = yaml.parse(text, yaml.SafeLoader)
        if any(isinstance(event, yaml.AliasEvent) for event in events):
            raise _refused(path, "has aliases (*name)")
    except UnicodeDecodeError as error:
        raise _refused(path, "is not UTF-8 text") from error
    except OSError as error:
        raise _refused(path, f"could not be read ({error.strerror or error})") from error
    except (yaml.YAMLError, RecursionError) as error:
        problem = getattr(error, "problem", None) or "nested too deeply or unreadable"
        raise _refused(path, f"is not YAML ({problem})") from error


def _refused(path: Path, what: str) -> ConfigError:
    return ConfigError(f"--config {path} {what}", "a short YAML file of flags", "correct the file")
