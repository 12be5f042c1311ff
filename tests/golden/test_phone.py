"""The code of docs/phone.md gives the golden vectors: Faces.kt itself, and the same in Python."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data import phone_app
from fake_data.astronaut import portrait
from fake_data.tiny_models import write_tiny

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "phone.md").read_text(encoding="utf-8")
VIEWS = json.loads((HERE / "view.json").read_text(encoding="utf-8"))
WEB = json.loads((HERE / "web.json").read_text(encoding="utf-8"))
CASES = [case for case in VIEWS["cases"] if case["matrix"][0][1] == 0]
picture = runpy.run_path(str(HERE / "view.py"))["picture"]

MAIN = """
fun main() {
    val text = System.`in`.bufferedReader().readText()
    val numbers = text.trim().split(" ").map { it.toDouble() }.iterator()
    fun int() = numbers.next().toInt()
    fun list(count: Int) = List(count) { numbers.next() }
    fun floats(count: Int) = FloatArray(count) { numbers.next().toFloat() }
    fun show(values: List<Double>) = println(values.joinToString(" "))
    fun contract() = Contract(
        List(int()) { "" }, int(), list(3).map { it.toInt() }, numbers.next(), null, list(4), int(),
        numbers.next(), int()
    )
    val seen = contract()
    val about = contract()
    repeat(int()) {
        val square = Square(numbers.next(), numbers.next(), numbers.next())
        val (width, height) = Pair(int(), int())
        val photo = IntArray(width * height) { int() }
        show(render(photo, width, height, square, seen).map { it.toDouble() })
    }
    repeat(int()) { show(softmax(list(int()), numbers.next())) }
    val count = int()
    val logits = floats(count * (about.classes.size + 1))
    val faces = detections(logits, floats(count * 4), floats(count * 4), about)
    for (face in faces) show(face.box + listOf(face.score) + face.probabilities)
}
"""


def square_of(case: dict[str, Any]) -> phone_app.Square:
    (scale, _, shift_x), (_, _, shift_y) = case["matrix"]
    return -shift_x / scale, -shift_y / scale, VIEWS["size"] / scale


def assert_rendered(planes: Any, case: dict[str, Any]) -> None:
    found = 255 * np.reshape(planes, (3, VIEWS["size"], VIEWS["size"])).transpose(1, 2, 0)
    assert np.abs(found - case["pixels"]).max() <= VIEWS["tolerance"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_rendering(case: dict[str, Any]) -> None:
    photo = picture(case["width"], case["height"]).tolist()
    planes = phone_app.render(photo, square_of(case), VIEWS["size"], VIEWS["padding"])
    assert_rendered(planes, case)


def test_squares_are_those_of_view() -> None:
    by_name = {case["name"]: square_of(case) for case in CASES}
    assert phone_app.whole_photo(40, 63) == pytest.approx(by_name["whole, shrunk by 5.25"])
    face = phone_app.around_face((20.5, 14.25, 41.0, 40.0), 0.2)
    assert face == pytest.approx(by_name["face with margin"])


def test_decoding() -> None:
    for row in WEB["softmax"]:
        found = phone_app.softmax(row["logits"], row["temperature"])
        assert found == pytest.approx(row["probabilities"], abs=1e-6)
    golden = WEB["detections"]
    inputs = [golden[name] for name in ("logits", "deltas", "anchors")]
    faces = phone_app.detections(*inputs, golden["contract"])
    assert len(faces) == len(golden["boxes"]) == 8
    for number, face in enumerate(faces):
        assert face["box"] == pytest.approx(golden["boxes"][number], abs=1e-3)
        assert face["score"] == pytest.approx(golden["scores"][number], abs=1e-6)
        assert face["probabilities"] == pytest.approx(golden["probabilities"][number], abs=1e-5)


def kotlin_input() -> Iterator[float]:
    """All golden vectors as MAIN reads them."""
    golden = WEB["detections"]
    about = golden["contract"]
    views = {**about, "input_size": VIEWS["size"], "padding": VIEWS["padding"]}
    for each in (views, about):
        yield from (len(each["classes"]), each["input_size"], *each["padding"], each["temperature"])
        yield from (*each["box_weights"], each["candidates"], each["nms_iou"], each["detections"])
    yield len(CASES)
    for case in CASES:
        yield from (*square_of(case), case["width"], case["height"])
        pixels = picture(case["width"], case["height"]).astype(int)
        yield from (pixels @ (65536, 256, 1)).ravel().tolist()
    yield len(WEB["softmax"])
    for row in WEB["softmax"]:
        yield from (len(row["logits"]), *row["logits"], row["temperature"])
    yield len(golden["logits"])
    for name in ("logits", "deltas", "anchors"):
        yield from np.ravel(golden[name]).tolist()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("kotlinc") is None, reason="needs kotlinc and java")
def test_kotlin(tmp_path: Path) -> None:
    (source,) = re.findall(r"`Faces\.kt`:\n\n```kotlin\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "Faces.kt").write_text(source, encoding="utf-8")
    (tmp_path / "Main.kt").write_text(MAIN, encoding="utf-8")
    compiler = ["kotlinc", "Faces.kt", "Main.kt", "-include-runtime", "-d", "faces.jar"]
    subprocess.run(compiler, cwd=tmp_path, check=True, capture_output=True)
    ended = subprocess.run(
        ["java", "-cp", "faces.jar", "MainKt"],
        cwd=tmp_path,
        input=" ".join(map(str, kotlin_input())),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [[float(value) for value in line.split()] for line in ended.stdout.splitlines()]
    for case in CASES:
        assert_rendered(lines.pop(0), case)
    for row in WEB["softmax"]:
        assert lines.pop(0) == pytest.approx(row["probabilities"], abs=1e-6)
    golden = WEB["detections"]
    wanted = zip(golden["boxes"], golden["scores"], golden["probabilities"], strict=True)
    assert len(lines) == 8
    for line, (box, score, probabilities) in zip(lines, wanted, strict=True):
        assert line == pytest.approx([*box, score, *probabilities], abs=1e-3)


@pytest.mark.skipif(
    None in map(find_spec, ("litert_torch", "ai_edge_litert")), reason="needs the extra litert"
)
def test_an_exported_file(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    from fer_det.config.export import ExportConfig
    from fer_det.config.predict import FaceOptions
    from fer_det.export.litert_file import export_litert
    from fer_det.predict.predictor import Predictor

    weights = write_tiny(tmp_path / "a.pth", "resnet_classifier")
    path = tmp_path / "a.tflite"
    export_litert(ExportConfig(out=path, to="litert", pictures=1), weights)
    with zipfile.ZipFile(path) as packed:
        about = json.loads(packed.read("fer_det.json"))
    photo = portrait()
    # With MTCNN's own box, and the face left as it is tilted.
    predictor = Predictor.from_checkpoint(weights, "cpu", "float32", FaceOptions(upright_above=180))
    (face,) = predictor(photo)
    square = phone_app.around_face(face.box.as_tuple(), about["face_margin"])
    size = about["input_size"]
    planes = phone_app.render(photo, square, size, about["padding"])
    run = Interpreter(str(path)).get_signature_runner("serving_default")
    (logits,) = run(images=np.reshape(planes, (1, 3, size, size)).astype(np.float32))["logits"]
    found = phone_app.softmax(logits.tolist(), about["temperature"])
    assert found == pytest.approx([*face.probabilities.values()], abs=0.02)
    assert about["classes"] == [each.label for each in face.probabilities]
