"""What a made face costs, and whether MTCNN finds it where its mesh is.

    python benchmarks/face_rendering.py [pictures]

Makes photos of `make_faces`'s default settings in this process, on one thread, and asks MTCNN for
their faces. Prints CPU seconds a photo, and of how many photos one of MTCNN's boxes overlaps the
labelled face's own (IoU above 0.4).
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import _environment  # noqa: F401  (first: it may run this script again in .venv)

from fer_det.imaging.decode import decode_rgb8
from fer_det.runtime.progress import track
from made_faces.config import MakeConfig
from made_faces.layouts.assignment import PhotoAssignment, assign_photos
from made_faces.recipe import sample_photo
from made_faces.render import MadePicture, make_picture
from voc_builder.build.convert import load_mtcnn

PICTURES = 700
SEED = 20
"""Not the default, whose pictures may have been looked at while the renderer was tuned."""
FOUND_IOU = 0.4


def main() -> None:
    """Print both figures."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    variety = MakeConfig().variety
    detector = load_mtcnn()
    photos = assign_photos(SEED, images)
    make_picture(sample_photo(SEED, photos[0], variety))  # the head is read once a process
    found, seconds = 0, []
    for photo in track(photos, images, "faces", "pictures"):
        began = time.process_time()
        picture = _make(photo, variety)
        seconds.append(time.process_time() - began)
        (faces,) = detector.detect([decode_rgb8(picture.jpeg, photo.stem).pixels])
        found += any(face.box.iou(picture.box) > FOUND_IOU for face in faces)
    slowest = sorted(seconds)[int(0.95 * images)]
    print(f"{images} photos at variety {variety}, seed {SEED}")
    print(f"MTCNN found {found}, {found / images:.1%}, with an IoU above {FOUND_IOU}")
    print(f"CPU s a photo: median {statistics.median(seconds):.3f}, 95 % below {slowest:.3f}")
    print(f"MADE_FACE_CPU_SECONDS: {statistics.mean(seconds):.3f}")


def _make(photo: PhotoAssignment, variety: float) -> MadePicture:
    return make_picture(sample_photo(SEED, photo, variety))


if __name__ == "__main__":
    main()
