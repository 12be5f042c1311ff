"""Write data/mtcnn_answers.json: what the original package says of `fake_data.astronaut`.

Not a test, and not for our own environment: it needs TensorFlow.

    pip install mtcnn==1.0.0 tensorflow-cpu pillow
    PYTHONPATH=tests python tests/golden/make_mtcnn_answers.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from fake_data.astronaut import variants
from mtcnn import MTCNN

ANSWERS = Path(__file__).parent / "data" / "mtcnn_answers.json"


def main() -> None:
    detector = MTCNN()
    answers = {name: detector.detect_faces(picture) for name, picture in variants().items()}
    packages = ("mtcnn", "tensorflow_cpu", "keras", "numpy", "pillow")
    document = {
        "made_with": {package: version(package) for package in packages},
        "call": "MTCNN().detect_faces(picture) for each picture; box is x, y, width, height",
        "pictures": {
            name: [
                {
                    "box": [int(value) for value in face["box"]],
                    "confidence": round(float(face["confidence"]), 6),
                    "keypoints": {
                        point: [int(value) for value in place]
                        for point, place in face["keypoints"].items()
                    },
                }
                for face in faces
            ]
            for name, faces in answers.items()
        },
    }
    ANSWERS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
