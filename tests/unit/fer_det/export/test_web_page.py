"""The folder of the page: what a build writes, removes and leaves alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fake_data.tiny_models import write_tiny

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from fer_det.config.export import WebConfig
from fer_det.errors import WeightsNotFoundError
from fer_det.export.web_page import RUNTIME_FILES, SERVICE_WORKER, build_page


def listed(folder: Path) -> list[str]:
    text = (folder / SERVICE_WORKER).read_text(encoding="utf-8")
    found = re.search(r"^const BUILD = (.*);$", text, re.MULTILINE)
    assert found
    files: list[str] = json.loads(found[1])["files"]
    return files


def test_a_build_replaces_the_former_one_and_nothing_else(tmp_path: Path) -> None:
    runtime, folder, outside = tmp_path / "runtime", tmp_path / "page", tmp_path / "outside"
    for path in (*(runtime / name for name in RUNTIME_FILES), folder / "models" / "own", outside):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("own")
    config = WebConfig(folder=folder, runtime=runtime, dtype="float32")
    build_page(config, write_tiny(tmp_path / "a.pth", "resnet_classifier"))
    first = listed(folder)
    assert {"./", "index.html", "js/app.js", "models/pnet.onnx"} <= set(first)
    assert "models/own" not in first
    assert all((folder / name).exists() for name in first)

    worker = folder / SERVICE_WORKER
    more = f'"files": ["../outside", "{outside}", "js/former.js", "js/absent.js", '
    worker.write_text(worker.read_text().replace('"files": [', more))
    (folder / "js" / "former.js").write_text("")
    build_page(config, write_tiny(tmp_path / "b.pth", "ssdlite"))
    assert set(first) - set(listed(folder)) == {f"models/{name}net.onnx" for name in "pro"}
    assert not (folder / "models" / "pnet.onnx").exists()
    assert not (folder / "js" / "former.js").exists()
    assert (folder / "models" / "own").read_text() == outside.read_text() == "own"
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {*listed(folder), "models/own", SERVICE_WORKER} - {"./"}


def test_without_the_runtime(tmp_path: Path) -> None:
    config = WebConfig(folder=tmp_path / "page", runtime=tmp_path)
    with pytest.raises(WeightsNotFoundError, match="npm pack onnxruntime-web"):
        build_page(config, tmp_path / "a.pth")
    assert not config.folder.exists()
