"""The web page in a browser that reaches this machine alone, with a film as its camera."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from fake_data.astronaut import variants
from fake_data.browser import Page, browser, find_chromium
from fake_data.tiny_models import CLASSES, write_tiny
from PIL import Image

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from fer_det.cli.web import HOST, serve
from fer_det.config.export import WebConfig
from fer_det.export.onnx_model import OnnxModel
from fer_det.export.web_page import RUNTIME_FILES, build_page
from fer_det.faces import Mtcnn

ROOT = Path(__file__).parents[2]
RUNTIME = Path(os.environ.get("FERDET_ORT_WEB", ROOT / "build" / "npm" / "package" / "dist"))
PROGRAM = find_chromium()
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed"),
    pytest.mark.skipif(
        not (RUNTIME / RUNTIME_FILES[0]).is_file(),
        reason="no onnxruntime-web: make build/npm/package",
    ),
]

PICTURES = ("whole", "flipped", "third_size", "family", "flat")
READY = "document.getElementById('status').textContent === 'Ready.'"
PROBLEM = "document.getElementById('problem').textContent"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SECONDS = 240.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built page."""
    root = tmp_path_factory.mktemp("web")
    weights = write_tiny(root / "a.pth", "resnet_classifier")
    config = WebConfig(folder=root / "page", runtime=RUNTIME, dtype="float32")
    build_page(config, weights)
    return config.folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("photos")
    paths = {}
    for name in PICTURES:
        paths[name] = root / f"{name}.png"
        Image.fromarray(variants()[name]).save(paths[name])
    return paths


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a portrait that moves to the right."""
    path = tmp_path_factory.mktemp("film") / "camera.mjpeg"
    portrait = variants()["whole"]
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=15)
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuvj420p"
        for number in range(30):
            frame = np.full((360, 480, 3), 60, np.uint8)
            frame[20:340, 2 * number : 2 * number + 320] = portrait
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture
def page(folder: Path, film: Path, tmp_path: Path) -> Iterator[Page]:
    """The page, opened and ready; `page.stop()` ends its server."""
    server = serve(folder, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = (
        f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    assert PROGRAM is not None
    options = {"flags": flags, "offline": False, "time_limit": SECONDS}
    try:
        with browser(PROGRAM, tmp_path / "profile", **options) as opened:
            opened.address = f"http://{HOST}:{server.server_port}/"
            opened.stop = lambda: (server.shutdown(), server.server_close())
            yield opened
    finally:
        server.shutdown()
        server.server_close()


def open_page(page: Any, width: int = 1280) -> None:
    page.open(page.address, width)
    page.wait(READY, SECONDS)


def recognise(page: Page, paths: list[Path]) -> list[dict[str, str]]:
    """Open photos in the page; the rows of the table that it saves."""
    page.value("document.getElementById('clear').click()")
    page.choose_files("#files", paths)
    done = "document.querySelectorAll('article .result, article .problem').length"
    page.wait(f"{done} === {len(paths)}", SECONDS)
    page.value("URL.createObjectURL = (blob) => { window.saved = blob; return 'blob:'; }")
    page.value("HTMLAnchorElement.prototype.click = () => {}")
    page.value("document.getElementById('table').click()")
    return list(csv.DictReader(io.StringIO(page.value("window.saved.text()"))))


def test_the_answers_are_those_of_the_program(
    page: Any, folder: Path, photos: dict[str, Path]
) -> None:
    open_page(page)
    assert page.value("window.crossOriginIsolated") is True
    rows = recognise(page, list(photos.values()))
    classifier, mtcnn = OnnxModel.load(folder / "models" / "model.onnx"), Mtcnn()
    compared = 0
    for name, path in photos.items():
        own = [row for row in rows if row["source"] == path.name]
        faces = mtcnn.detect([variants()[name]])[0]
        if not faces:
            assert [row["note"] for row in own] == ["no face"]
            continue
        assert len(own) == len(faces)
        for row, face in zip(own, faces, strict=True):
            box = [float(row[edge]) for edge in ("x_min", "y_min", "x_max", "y_max")]
            assert box == pytest.approx(face.box.as_tuple(), abs=1e-6)
            assert float(row["score"]) == pytest.approx(face.score, abs=1e-4)
            if max(face.box.width, face.box.height) < 24:
                assert (row["expression"], row["flags"]) == ("", "too_small")
                continue
            (answer,) = classifier.classify(variants()[name], [face.box])
            assert row["expression"] == answer.expression.label
            found = [float(row[label]) for label in CLASSES]
            assert found == pytest.approx(list(answer.probabilities.values()), abs=1e-3)
            compared += 1
    assert compared >= 4
    assert page.messages == []
    assert all(url.startswith((page.address, "data:", "blob:")) for url in page.requests)
    for width in (1280, 390):
        page.open(page.address, width)
        page.wait(READY, SECONDS)
        recognise(page, [photos["family"]])
        assert page.value(TOO_WIDE) <= 0


def test_the_camera_counts_frames_and_keeps_a_face(page: Any) -> None:
    open_page(page)
    page.value("document.getElementById('camera').click()")
    page.wait("document.getElementById('rate').textContent.includes('frames per second')", SECONDS)
    assert page.value("document.querySelectorAll('#live-faces table').length") == 1
    assert page.value("document.querySelectorAll('#live-faces tr').length") == len(CLASSES)
    assert page.value("document.getElementById('status').textContent").startswith("Face ")
    page.value("document.getElementById('camera').click()")
    assert page.value("document.getElementById('video').srcObject") is None
    assert page.messages == []


def test_it_starts_again_without_its_server(page: Any, photos: dict[str, Path]) -> None:
    open_page(page)
    page.value("navigator.serviceWorker.ready.then(() => true)")
    first = recognise(page, [photos["whole"]])
    page.stop()
    open_page(page)
    assert recognise(page, [photos["whole"]]) == first


def test_no_other_host_and_the_keyboard(page: Any) -> None:
    open_page(page)
    script = "fetch('http://192.0.2.1/').then(() => 'sent', (error) => error.name)"
    assert page.value(script) == "TypeError"
    told = json.dumps(page.messages)
    assert "Content Security Policy" in told
    assert "connect-src" in told
    visited = []
    for _ in range(4):
        page.press("Tab", 9)
        visited.append(page.value("document.activeElement.id || document.activeElement.className"))
    assert visited[:3] == ["skip", "files", "camera"]
    unnamed = "[...document.querySelectorAll('button, canvas, input, section')].filter(each => "
    unnamed += "!(each.textContent.trim() || each.ariaLabel || each.labels?.length)).length"
    assert page.value(unnamed) == 0


def test_bad_input_is_one_sentence(page: Any, tmp_path: Path) -> None:
    open_page(page)
    text = tmp_path / "notes.jpg"
    text.write_text("no picture")
    huge = tmp_path / "huge.png"
    Image.new("1", (10_000, 10_000)).save(huge)
    page.choose_files("#files", [text])
    page.wait(f"{PROBLEM} !== ''", SECONDS)
    assert page.value(PROBLEM).startswith("notes.jpg is no picture that this browser can read; ")
    page.choose_files("#files", [huge])
    page.wait(f"{PROBLEM}.startsWith('huge.png')", SECONDS)
    assert "has 100 megapixels, more than the 66" in page.value(PROBLEM)
    page.value(
        "navigator.mediaDevices.getUserMedia = () => "
        "Promise.reject(new DOMException('', 'NotFoundError'))"
    )
    page.value("document.getElementById('camera').click()")
    page.wait(f"{PROBLEM}.startsWith('No camera was found')", SECONDS)


def test_without_webassembly(page: Any) -> None:
    page.before_load("delete window.WebAssembly")
    page.open(page.address)
    page.wait(f"{PROBLEM} !== ''", SECONDS)
    assert page.value(PROBLEM).startswith("This browser has no WebAssembly")
