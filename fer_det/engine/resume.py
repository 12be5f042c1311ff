"""What a run folder holds, and whether a command may go on with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fer_det.config.training import RunConfig, to_plain
from fer_det.engine.run_folder import is_held, newest_run_folder, next_run_folder
from fer_det.engine.trainer import LAST
from fer_det.errors import ConfigError, WeightsError
from fer_det.runtime.device import Hardware
from fer_det.weights.checkpoint import Checkpoint, load_checkpoint

FREE_TO_CHANGE = (
    "data",
    "device",
    "export",
    "faces",
    "init",
    "out",
    "overwrite",
    "processes",
    "retries",
    "save_minutes",
    "workers",
)
"""Settings that do not change what is learnt, and so may differ when a run goes on.

What lies in the files named by some of them does; it is compared by its hash.
"""


def choose_folder(kind: str, config: RunConfig, info: dict[str, Any]) -> Path:
    """--out; by default the newest run where these settings go on with it, else a new folder.

    Runs of a kind are kept in runs/<kind>-001, -002, ... So the same command typed again goes on
    with its run, with --out and without.
    """
    if config.out is not None:
        return config.out
    newest = newest_run_folder(kind, LAST)
    if newest is None or config.overwrite or is_held(newest):
        return next_run_folder(kind)
    try:
        find_resumable(newest, info, overwrite=False)
    except (ConfigError, WeightsError):
        return next_run_folder(kind)
    return newest


def find_resumable(folder: Path, info: dict[str, Any], overwrite: bool) -> Checkpoint | None:
    """The last checkpoint in the run folder, None where the run begins.

    Raises ConfigError where the folder holds a run with other settings or other data, and
    WeightsError where its checkpoint is broken.
    """
    path = folder / LAST
    if overwrite or not path.is_file():
        return None
    checkpoint = load_checkpoint(path)
    try:
        before, now = _comparable(checkpoint.info), _comparable(info)
    except (KeyError, TypeError, AttributeError) as error:
        raise _not_resumable(path) from error
    if checkpoint.training is None:
        raise _not_resumable(path)
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        key = changed[0]
        raise ConfigError(
            f"{folder} holds a run with {key} {before.get(key)}, not {now.get(key)}",
            "the same settings and data to go on with it",
            "choose another --out, or --overwrite to start anew",
        )
    return checkpoint


def describe_run(
    config: RunConfig, hardware: Hardware, data: Mapping[str, str], start: Mapping[str, Any]
) -> dict[str, Any]:
    """What a checkpoint keeps of how it was trained.

    data: path, and the hash of each split by its name; start: path, sha256 and source of the
    weights that the run starts from, and their own start, {} where there are none.
    """
    return {
        "train_config": to_plain(config),
        "precision": hardware.precision,
        "data": dict(data),
        **({"init": dict(start)} if start else {}),
    }


def _not_resumable(path: Path) -> WeightsError:
    return WeightsError(
        f"{path} is a checkpoint that no training goes on from",
        "the last.pth of a training run",
        "choose another --out, or --overwrite to start anew",
    )


def _comparable(info: Any) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in info["train_config"].items():
        if name in FREE_TO_CHANGE:
            continue
        if isinstance(value, dict):
            flat |= {f"--{name}.{key}": entry for key, entry in value.items()}
        else:
            flat[f"--{name}"] = value
    flat |= {f"data {key}": entry for key, entry in info["data"].items() if key != "path"}
    return flat | {"--init with sha256": info.get("init", {}).get("sha256")}
