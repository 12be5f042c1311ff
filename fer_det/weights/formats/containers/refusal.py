"""How readers say that a file is broken: one wording for all of them."""

from __future__ import annotations

from pathlib import Path

from fer_det.errors import ConfigError, WeightsError

WANTED = "a whole file of weights"


def broken(path: Path, kind: str, why: object) -> WeightsError:
    """The error for a file that begins as its kind does and goes on otherwise."""
    return WeightsError(
        f"{path} is a truncated or broken {kind} ({why})", WANTED, "download it again"
    )


def lacks_package(path: Path, package: str) -> ConfigError:
    """The error where the package that reads such a file is not installed."""
    return ConfigError(
        f"{path} needs the package {package}, which is not installed",
        "what the extra weights brings",
        "run: pip install 'fer_det[weights]'",
    )
