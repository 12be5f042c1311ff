"""The folder of the web page: the files of web/, onnxruntime-web, and the exported models."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from PIL import Image, ImageDraw

from fer_det.config.export import WITHOUT_MAKE, ExportConfig, WebConfig
from fer_det.errors import WeightsNotFoundError
from fer_det.export.mtcnn import export_mtcnn
from fer_det.export.onnx_file import export_onnx
from fer_det.export.onnx_model import OnnxModel
from fer_det.export.parity import Parity
from fer_det.io.files import atomic_path, find_shipped, make_folder, write_bytes, write_text

RUNTIME_FILES = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)
"""Of onnxruntime-web's dist folder: the build with WebAssembly alone."""
ICONS = (180, 512)
"""Sides of the icons in PNG, for phones."""
SERVICE_WORKER = "service_worker.js"
_PLACE = 'const BUILD = { version: "none", files: [] };'
_BUILD = re.compile(
    r'^const BUILD = (\{"version": "[0-9a-f]{16}", "files": \[.*\]\});$', re.MULTILINE
)


def build_page(config: WebConfig, weights: Path) -> Parity:
    """Write the page with the model of `weights` into config.folder.

    Files there that a former build wrote and this one does not are removed, others left alone.
    Raises WeightsNotFoundError without the page's or the runtime's files, and what an export
    raises.
    """
    page = find_shipped("web")
    absent = [each for each in RUNTIME_FILES if not (config.runtime / each).is_file()]
    if page is None or absent:
        raise WeightsNotFoundError(
            f"no {absent[0] if page else 'folder web'} in {config.runtime if page else 'fer_det'}",
            "the page's files and those of the npm package onnxruntime-web",
            f"run make web, which fetches it, or {WITHOUT_MAKE}",
        )
    folder = make_folder(config.folder)
    former = _former_files(folder)
    models = make_folder(folder / "models")
    export = ExportConfig(
        out=models / "model.onnx",
        to="onnx-core",
        dtype=config.dtype,
        data=config.data,
        overwrite=True,
    )
    parity = export_onnx(export, weights)
    contract = OnnxModel.load(export.out).contract
    written = [export.out]
    if contract.kind == "classifier":
        written += export_mtcnn(models)
    described = {"model": export.out.name, "contract": asdict(contract)}
    written.append(models / "models.json")
    write_text(written[-1], json.dumps(described))
    for name in RUNTIME_FILES:
        written.append(_copy(config.runtime / name, folder / "ort" / name))
    for path in sorted(page.rglob("*")):
        if path.is_file() and path.name != SERVICE_WORKER:
            written.append(_copy(path, folder / path.relative_to(page)))
    for side in ICONS:
        written.append(_write_icon(folder / f"icon-{side}.png", side))
    source = (page / SERVICE_WORKER).read_text(encoding="utf-8")
    _write_service_worker(folder, source, sorted(written))
    for path in former - set(written):
        path.unlink(missing_ok=True)
    return parity


def _copy(source: Path, target: Path) -> Path:
    make_folder(target.parent)
    write_bytes(target, source.read_bytes())
    return target


def _former_files(folder: Path) -> set[Path]:
    """Return the files that the service worker of a former build lists."""
    path = folder / SERVICE_WORKER
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    found = _BUILD.search(text)
    paths = [folder / name for name in json.loads(found[1])["files"]] if found else []
    inside = folder.resolve()
    return {path for path in paths if path.is_file() and path.resolve().is_relative_to(inside)}


def _write_service_worker(folder: Path, source: str, written: Sequence[Path]) -> None:
    """Put the names of the files and a hash of their content into the service worker."""
    digest = hashlib.sha256()
    for path in written:
        digest.update(path.read_bytes())
    files = [path.relative_to(folder).as_posix() for path in written]
    build = {"version": digest.hexdigest()[:16], "files": ["./", *files]}
    assert _PLACE in source
    text = source.replace(_PLACE, f"const BUILD = {json.dumps(build)};")
    write_text(folder / SERVICE_WORKER, text)


def _write_icon(path: Path, side: int) -> Path:
    """Draw web/icon.svg, whose form phones do not take, as a PNG."""
    scale = side / 64
    icon = Image.new("RGB", (side, side), "#14171b")
    pen = ImageDraw.Draw(icon)

    def at(*numbers: float) -> list[float]:
        return [scale * number for number in numbers]

    pen.rounded_rectangle(at(10, 10, 54, 54), 5 * scale, outline="#00c85a", width=round(4 * scale))
    for x in (25, 39):
        pen.ellipse(at(x - 3.5, 24.5, x + 3.5, 31.5), fill="#e8ebee")
    pen.arc(at(19, 24, 45, 45), 35, 145, fill="#e8ebee", width=round(3.5 * scale))
    with atomic_path(path) as temporary:
        icon.save(temporary, "PNG", optimize=True)
    return path
