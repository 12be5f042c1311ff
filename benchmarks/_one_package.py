"""One photo, from its file to the expressions of its faces, by one package; packages.py runs it.

    python _one_package.py PACKAGE PHOTO REPEATS [WEIGHTS]

Prints JSON: labels, CPU and wall seconds of each repeat after the first answer, megabytes at most.
Needs nothing of the project but for the package fer_det itself.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# The other scripts of this folder have names of packages.
sys.path.pop(0)

Ask = Callable[[str], list[str]]
"""Path of a photo -> label of each face."""


def fer_det(weights: str, backend: str = "auto") -> Ask:
    """Return ours, with a model file or an exported one."""
    from fer_det import Predictor

    predictor: Any = Predictor.from_checkpoint(weights, backend=backend)  # type: ignore[arg-type]
    return lambda path: [face.label for face in predictor(path)]


def fer(_: str) -> Ask:
    """Return `fer` with its own face finder, OpenCV's cascade."""
    import cv2
    from fer.fer import FER

    detector = FER()

    def ask(path: str) -> list[str]:
        faces = detector.detect_emotions(cv2.imread(path))
        return [max(face["emotions"], key=face["emotions"].get) for face in faces]

    return ask


def hsemotion_onnx(_: str) -> Ask:
    """Return `hsemotion-onnx`, which needs a box: the whole photo, since it finds no faces."""
    import urllib.request  # noqa: F401  (it uses the module without importing it)

    import cv2
    from hsemotion_onnx.facial_emotions import HSEmotionRecognizer

    recogniser = HSEmotionRecognizer(model_name="enet_b0_8_best_vgaf")
    return lambda path: [recogniser.predict_emotions(cv2.imread(path)[:, :, ::-1])[0]]


def uniface(_: str) -> Ask:
    """Return `uniface`: RetinaFace and its classifier of emotions."""
    import cv2
    from uniface import Emotion, RetinaFace

    detector, recogniser = RetinaFace(), Emotion()

    def ask(path: str) -> list[str]:
        photo = cv2.imread(path)
        return [str(recogniser.predict(photo, face)) for face in detector.detect(photo)]

    return ask


def deepface(_: str) -> Ask:
    """Return `deepface` with OpenCV's cascade, its default."""
    from deepface import DeepFace

    def ask(path: str) -> list[str]:
        faces = DeepFace.analyze(path, actions=["emotion"], silent=True)
        return [face["dominant_emotion"] for face in faces]

    return ask


def py_feat(_: str) -> Ask:
    """Return `py-feat` with its defaults."""
    from feat import Detectorv1

    detector = Detectorv1()
    return lambda path: detector.detect(path, data_type="image").emotions.idxmax(axis=1).tolist()


PACKAGES: dict[str, Callable[[str], Ask]] = {
    "fer_det": fer_det,
    "openvino": lambda weights: fer_det(weights, "openvino"),
    "fer": fer,
    "hsemotion-onnx": hsemotion_onnx,
    "uniface": uniface,
    "deepface": deepface,
    "py-feat": py_feat,
}


def main(package: str, photo: str, repeats: str, weights: str = "") -> None:
    """Answer once, then time the repeats."""
    ask = PACKAGES[package](weights)
    labels = ask(photo)
    cpu, wall = [], []
    for _ in range(int(repeats)):
        began = time.process_time(), time.perf_counter()
        ask(photo)
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM"))
    told = {"labels": labels, "cpu": cpu, "wall": wall, "megabytes": int(peak) / 1024}
    print(f"\n{json.dumps(told)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
