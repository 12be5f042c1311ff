"""The web page in a browser that reaches this machine alone, with a film as its camera."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
DONE = "document.querySelectorAll('article .result, article .problem').length"
CAMERA = "document.getElementById('camera').click()"
RUNS = "document.getElementById('rate').textContent.includes('frames per second')"
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
    with opened(folder, tmp_path, f"--use-file-for-fake-video-capture={film}") as page:
        yield page


@contextmanager
def opened(folder: Path, tmp_path: Path, *more: str) -> Iterator[Page]:
    """A browser and the server of `folder`, which `page.stop()` ends; more: flags."""
    server = serve(folder, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = (
        f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        *more,
    )
    assert PROGRAM is not None
    options = {"flags": flags, "offline": False, "time_limit": SECONDS}
    try:
        with browser(PROGRAM, tmp_path / "profile", **options) as page:
            page.address = f"http://{HOST}:{server.server_port}/"
            page.stop = lambda: (server.shutdown(), server.server_close())  # type: ignore[attr-defined]
            yield page
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
    page.wait(f"{DONE} === {len(paths)}", SECONDS)
    return saved_table(page)


def saved_table(page: Page) -> list[dict[str, str]]:
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
    page.value(CAMERA)
    page.wait(RUNS, SECONDS)
    assert page.value("document.querySelectorAll('#live-faces table').length") == 1
    assert page.value("document.querySelectorAll('#live-faces tr').length") == len(CLASSES)
    title = page.value("document.getElementById('timeline-title').textContent")
    assert title == "Expressions over the last 20 seconds: face 1"
    assert page.value("document.getElementById('timeline').ariaLabel") == title
    legend = "[...document.querySelectorAll('#legend li')].map((each) => each.textContent)"
    assert page.value(legend) == list(CLASSES)
    assert page.value("document.getElementById('switch').hidden") is True
    assert page.value("document.getElementById('status').textContent").startswith("Face ")
    page.value("document.getElementById('camera').click()")
    assert page.value("document.getElementById('video').srcObject") is None
    assert page.messages == []


def test_photos_beside_the_camera_and_its_end(page: Any, photos: dict[str, Path]) -> None:
    open_page(page)
    page.value(CAMERA)
    page.wait(RUNS, SECONDS)
    page.choose_files("#files", [photos["whole"]])
    page.wait(f"{DONE} === 1", SECONDS)
    assert page.value("document.querySelectorAll('article .result table').length") == 1
    stream = "document.getElementById('video').srcObject"
    page.value(f"{stream}.getTracks()[0].dispatchEvent(new Event('ended'))")
    assert page.value(PROBLEM).startswith("The camera was disconnected or is no longer allowed; ")
    assert page.value(stream) is None
    assert page.value("document.getElementById('camera').textContent") == "Use the camera"
    page.value("document.getElementById('rate').textContent = ''")
    page.value(CAMERA)
    page.wait(RUNS, SECONDS)
    page.value(CAMERA)
    sources = [row["source"] for row in saved_table(page)]
    assert list(dict.fromkeys(sources)) == ["whole.png", "camera 1", "camera 2"]
    assert page.messages == []


def test_photos_before_the_page_is_ready(page: Any) -> None:
    page.before_load("""
        window.released = new Promise((resolve) => { window.release = resolve; });
        Worker.prototype.addEventListener = function (type, call) {
          const late = async (event) => { await window.released; call(event); };
          EventTarget.prototype.addEventListener.call(this, type, late);
        };
    """)
    page.open(page.address)
    page.value("""(async () => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
        const blob = await new Promise((resolve) => canvas.toBlob(resolve));
        const file = new File([blob], "a.png");
        const [dropped, pasted, none] = [1, 2, 3].map(() => new DataTransfer());
        for (const each of [dropped, pasted]) each.items.add(file);
        document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: none }));
        window.said = document.getElementById("problem").textContent;
        document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped }));
        document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: pasted }));
    })()""")
    assert page.value("window.said").startswith("There is no picture file in this; ")
    status = "document.getElementById('status').textContent"
    assert page.value(status) == "Loading the models; then the photo …"
    page.value("window.release()")
    page.wait(f"{DONE} === 2", SECONDS)
    assert page.value("document.querySelectorAll('article .result').length") == 2


def test_another_camera(folder: Path, tmp_path: Path) -> None:
    with opened(folder, tmp_path, "--use-fake-device-for-media-stream=device-count=2") as page:
        open_page(page)
        page.value(CAMERA)
        page.wait("!document.getElementById('switch').hidden", SECONDS)
        stream = "document.getElementById('video').srcObject?"
        own = f"{stream}.getVideoTracks()[0].getSettings().deviceId"
        first = page.value(own)
        page.value("document.getElementById('switch').focus()")
        page.value("document.getElementById('switch').click()")
        page.wait(f"![undefined, '{first}'].includes({own})", SECONDS)
        page.wait("document.activeElement.id === 'switch'", SECONDS)
        page.value("document.getElementById('switch').click()")
        page.wait(f"{own} === '{first}'", SECONDS)
        assert page.value(PROBLEM) == ""


def test_a_new_version_is_offered(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "page"
    shutil.copytree(folder, copy)
    with opened(copy, tmp_path) as page:
        open_page(page)
        page.value("navigator.serviceWorker.ready.then(() => true)")
        page.wait("navigator.serviceWorker.controller !== null", SECONDS)
        assert page.value("document.getElementById('update').hidden") is True
        source = "document.getElementById('model').textContent"
        former = page.value(source)
        assert "float32" in former
        weights = write_tiny(tmp_path / "b.pth", "resnet_classifier")
        build_page(WebConfig(folder=copy, runtime=RUNTIME, dtype="float16"), weights)
        open_page(page)
        assert page.value(source) == former
        page.wait("!document.getElementById('update').hidden", SECONDS)
        page.value("document.getElementById('reload').click()")
        page.wait_for_load()
        page.wait(READY, SECONDS)
        assert "float16" in page.value(source)
        assert page.value("document.getElementById('update').hidden") is True
        assert page.value("caches.keys().then((names) => names.length)") == 1


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
