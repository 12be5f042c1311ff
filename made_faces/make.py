"""Write rendered faces to disk; an interrupted run is resumed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import fer_det
from fer_det.core.sample import MADE_CAUTION, MADE_RECORD
from fer_det.errors import OutputError
from fer_det.io.files import TEMPORARY_SUFFIX, make_folder, sweep_temporaries, write_text
from fer_det.runtime.pool import available_cores, map_in_processes
from fer_det.runtime.progress import track
from made_faces.config import MakeConfig
from made_faces.layouts.ckplus import CkplusLayout
from made_faces.layouts.rafdb import RafdbLayout
from made_faces.recipe import FORMAT
from made_faces.render import Maker, make_picture


class Layout(Protocol):
    """Folder layout of a data set to write; can be pickled."""

    @property
    def root(self) -> Path:
        """Folder to write."""

    @property
    def unit(self) -> str:
        """What the tasks make, in the plural."""

    @property
    def contents(self) -> tuple[str, ...]:
        """Names of everything it writes in `root`."""

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that determine the files."""

    def tasks(self) -> Sequence[Any]:
        """Return the tasks in order."""

    def is_complete(self, task: Any, /) -> bool:
        """Return whether all files of a task exist."""

    def make_folders(self) -> None:
        """Make the folders."""

    def make(self, task: Any, /) -> None:
        """Write the files of a task, each whole or not at all."""

    def is_finished(self) -> bool:
        """Return whether the files written after all tasks exist."""

    def finish(self) -> None:
        """Write the files that follow all tasks."""

    def summary(self) -> str:
        """Return one line about the content."""


def make_faces(config: MakeConfig, maker: Maker = make_picture) -> None:
    """Write the layouts that the config asks for, or what is missing of them, and print a summary.

    maker: renders a recipe; a module-level function. Raises OutputError where a folder holds
    something else, and WorkerError where a worker process dies; finished files are kept.
    """
    for layout in _layouts(config, maker):
        _make_layout(layout, config)


def _layouts(config: MakeConfig, maker: Maker) -> list[Layout]:
    layouts: dict[str, Layout] = {
        "rafdb": RafdbLayout(
            config.out / "rafdb", config.seed, config.images, config.variety, maker
        ),
        "ckplus": CkplusLayout(config.out / "ckplus", config.seed, config.sequences, maker),
    }
    return [layout for name, layout in layouts.items() if config.layout in (name, "both")]


def _make_layout(layout: Layout, config: MakeConfig) -> None:
    _prepare_folder(layout, config.overwrite)
    tasks = layout.tasks()
    missing = [task for task in tasks if not layout.is_complete(task)]
    if not missing and layout.is_finished():
        print(f"{layout.summary()}: up to date, nothing was written")
        return
    layout.make_folders()
    workers = available_cores() if config.workers is None else config.workers
    # One task at a time: a kill loses only the tasks in progress, and a picture takes longer than
    # its transfer.
    made = map_in_processes(layout.make, missing, workers, chunk=1)
    for _ in track(made, len(tasks), "faces", layout.unit, start=len(tasks) - len(missing)):
        pass
    layout.finish()
    print(layout.summary())


def _prepare_folder(layout: Layout, overwrite: bool) -> None:
    """Record the settings in the folder; refuse a folder with other content."""
    make_folder(layout.root)
    path = layout.root / MADE_RECORD
    settings = {"format": FORMAT, **layout.settings}
    if path.is_file():
        found = _read_settings(path)
        if found == settings:
            sweep_temporaries(layout.root)
            return
        if not overwrite:
            raise OutputError(
                f"{layout.root} holds faces made with {_differences(found, settings)}",
                _differences(settings, found),
                "choose another --out, or replace what is there with --overwrite",
            )
        _remove(layout)
    elif any(not entry.name.endswith(TEMPORARY_SUFFIX) for entry in layout.root.iterdir()):
        raise OutputError(
            f"{layout.root} holds files that this command did not make",
            "an empty folder, or one that it filled",
            "choose another --out",
        )
    sweep_temporaries(layout.root)
    record = {"settings": settings, "made_with": _versions(), "caution": MADE_CAUTION}
    write_text(path, json.dumps(record, indent=2) + "\n")


def _read_settings(path: Path) -> dict[str, Any]:
    """Return the settings of a record, {} where it is damaged."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["settings"])
    except (ValueError, KeyError, TypeError):
        return {}


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Return the settings of `ours` that differ in `theirs`, as 'seed 0, images 1000'."""
    differing = [name for name in ours if ours[name] != theirs.get(name)]
    return ", ".join(f"{name} {ours[name]}" for name in differing) or "unknown settings"


def _remove(layout: Layout) -> None:
    """Delete only what this command wrote; the record last."""
    for name in layout.contents:
        if (layout.root / name).exists():
            shutil.rmtree(layout.root / name)
    (layout.root / MADE_RECORD).unlink()


def _versions() -> dict[str, str]:
    """Return the versions of everything that influences the bytes of a picture."""
    found = {"fer_det": fer_det.__version__}
    for name in ("anny", "numpy", "opencv-python", "opencv-python-headless", "pillow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
