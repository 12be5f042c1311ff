"""Other programs open the VOC folders that we write, and see the same boxes and labels."""

from pathlib import Path

import numpy as np
import pytest
from fake_data.voc_tree import CLASSES, drawn_face

from fer_det.core.box import FaceBox
from fer_det.imaging.decode import encode_jpeg
from fer_det.io.files import write_bytes
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import IGNORE, VocAnnotation, VocObject

WIDTH, HEIGHT = 60, 48
FACES = {
    "photo_1": (VocObject("fear", FaceBox(20, 10, 40, 36)), VocObject(IGNORE, FaceBox(0, 0, 9, 7))),
    "photo-2": (VocObject("happiness", FaceBox(0, 0, WIDTH, HEIGHT)),),
    "photo_3": (VocObject("neutral", FaceBox(59, 47, 60, 48)),),
    "photo_4": (),
}
SPLITS = {
    "train": ["photo_1", "photo_4"],
    "val": ["photo-2"],
    "trainval": ["photo_1", "photo_4", "photo-2"],
    "test": ["photo_3"],
}


@pytest.fixture
def folder(tmp_path: Path) -> VocFolder:
    folder = VocFolder.create(tmp_path)
    folder.write_label_map(CLASSES)
    for number, (image_id, faces) in enumerate(FACES.items()):
        folder.write(VocAnnotation(image_id, WIDTH, HEIGHT, faces))
        pixels = drawn_face(number, WIDTH, HEIGHT)
        write_bytes(folder.image_path(image_id), encode_jpeg(pixels))
    labels = {
        image_id: {face.name for face in faces if not face.ignored}
        for image_id, faces in FACES.items()
    }
    folder.write_image_sets(SPLITS, labels)
    return folder


@pytest.mark.parametrize("split", SPLITS)
def test_torchvision(folder: VocFolder, split: str) -> None:
    from torchvision.datasets import VOCDetection

    opened = VOCDetection(folder.root.parents[1], year="2007", image_set=split, download=False)
    assert len(opened) == len(SPLITS[split])
    for image_id, (picture, target) in zip(SPLITS[split], opened, strict=True):
        annotation = target["annotation"]
        assert picture.size == (WIDTH, HEIGHT)
        assert annotation["filename"] == f"{image_id}.jpg"
        assert annotation["size"] == {"width": "60", "height": "48", "depth": "3"}
        seen = [
            (each["name"], *(int(each["bndbox"][n]) for n in ("xmin", "ymin", "xmax", "ymax")))
            for each in annotation["object"]
        ]
        # torchvision hands the text on as it stands: pixels from 1, the last one included, so a
        # box [x0, x1) from 0 is seen as x0 + 1 .. x1.
        assert seen == [
            (face.name, face.box.x_min + 1, face.box.y_min + 1, face.box.x_max, face.box.y_max)
            for face in FACES[image_id]
        ]


def test_torchvision_turns_it_into_our_boxes_by_one_subtraction(folder: VocFolder) -> None:
    from torchvision.datasets import VOCDetection

    opened = VOCDetection(folder.root.parents[1], year="2007", image_set="train", download=False)
    edges = opened[0][1]["annotation"]["object"][0]["bndbox"]
    assert [edges[name] for name in ("xmin", "ymin", "xmax", "ymax")] == ["21", "11", "40", "36"]


def test_supervision(folder: VocFolder) -> None:
    import supervision

    opened = supervision.DetectionDataset.from_pascal_voc(
        images_directory_path=str(folder.root / "JPEGImages"),
        annotations_directory_path=str(folder.root / "Annotations"),
    )
    assert len(opened) == len(FACES)
    assert set(opened.classes) == {"fear", "happiness", "neutral", IGNORE}
    for path, pixels, detections in opened:
        faces = FACES[Path(path).stem]
        assert pixels.shape == (HEIGHT, WIDTH, 3)
        # supervision takes 1 from the minimal edges alone, as the VOC kit means it, and its maximal
        # edges are exclusive like ours: the same numbers. (It did so from some release after 0.26
        # on; before, it took 1 from all four.)
        wanted = np.array([face.box.as_tuple() for face in faces]).reshape(-1, 4)
        assert np.array_equal(detections.xyxy, wanted)
        names = [opened.classes[number] for number in detections.class_id]
        assert names == [face.name for face in faces]
