"""The flags of commands whose work may be spread over several machines."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from fer_det.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Where the pictures are worked on."""

    engine: Literal["local", "ray"] = "local"
    """Where the work is done: on this machine, or on the nodes of a Ray cluster, which see the same
    folders under the same paths (docs/several_machines.md)."""
    address: str | None = None
    """Address of the Ray cluster, such as HOST:6379; null: that of RAY_ADDRESS, else the cluster
    that was started on this machine, else one of this machine's own cores for this command."""

    def __post_init__(self) -> None:
        if self.engine == "local" and self.address is not None:
            raise ConfigError(
                f"--address {self.address} with --engine local",
                "--engine ray, which has an address",
                "add --engine ray, or leave --address out",
            )
        if self.engine == "ray" and find_spec("ray") is None:
            raise ConfigError(
                "--engine ray without the package ray",
                "Ray on this machine and on each node of the cluster",
                "pip install 'fer_det[ray]'",
            )
