"""Bad pictures through the loader, the converter and the predictor: whole, or refused in a line."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data import rafdb
from fake_data.amounts import amount, tell
from fake_data.bad_pictures import Kind, kinds, mutate
from fake_data.faces import load_fake_detector
from fake_data.voc_tree import CLASSES, write_voc_tree

from fer_det.core.box import FaceBox
from fer_det.data.sampler import Draw
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import FerDetError, ImageError
from fer_det.imaging.decode import decode_rgb8, load_rgb8
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import VocAnnotation, VocObject
from fer_det.models import build_model
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.predict.model_runner import ModelRunner
from fer_det.predict.predictor import Predictor
from fer_det.runtime.device import Hardware
from fer_det.weights.model_file import ModelFile
from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.build.records import read_manifest
from voc_builder.readers.rafdb import Options

KINDS = kinds()
BAD = [name for name, kind in KINDS.items() if kind.size is None]
MUTATED = (
    *("jpeg", "jpeg progressive", "jpeg cmyk", "png named jpg", "webp", "tiff", "bmp", "ppm"),
    *("gif", "jpeg 2000", "avif"),
)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    torch.manual_seed(0)
    config = Config(input_size=32, head_width=16, batch_norm=False)
    model = build_model(config, CLASSES)
    hardware = Hardware(torch.device("cpu"), "float32")
    return Predictor(ModelRunner(model, ModelFile(model.state_dict(), config, CLASSES), hardware))


def outcome(work: Callable[[], object]) -> str:
    """What a refusal says, '' where there was none; anything but a FerDetError is a crash."""
    try:
        work()
    except FerDetError as error:
        found = error
    else:
        return ""
    assert "\n" not in str(found)
    return found.found


def test_corpus_is_large_enough() -> None:
    assert len(BAD) >= 18
    assert len(KINDS) - len(BAD) >= 18


@pytest.mark.parametrize("name", KINDS)
def test_kind(name: str, tmp_path: Path, predictor: Predictor) -> None:
    kind = KINDS[name]
    path = tmp_path / "a.jpg"
    path.write_bytes(kind.data)
    found = [
        outcome(lambda: load_rgb8(path)),
        outcome(lambda: one_picture(tmp_path, kind)),
        outcome(lambda: predictor(path)),
    ]
    if kind.size is None:
        assert all(kind.error in each for each in found), found
        assert all(each.endswith(found[0].removeprefix(str(path))) for each in found)
    else:
        assert found == ["", "", ""]
        assert load_rgb8(path).shape == (kind.size[1], kind.size[0], 3)


def one_picture(tmp_path: Path, kind: Kind) -> None:
    """Load it as a training picture."""
    folder = write_voc_tree(tmp_path / "voc", {"train": ["fear"]})
    folder.image_path("train_0000").write_bytes(kind.data)
    width, height = kind.size or (60, 48)
    face = VocObject("fear", FaceBox(0, 0, width, height))
    folder.write(VocAnnotation("train_0000", width, height, (face,)))
    picture, target = VocDataset(tmp_path / "voc", "train", 32, (0, 0, 0))[Draw(0, 0)]
    assert picture.shape == (3, 32, 32)
    assert len(target["boxes"]) == 1


def test_converter_lists_every_kind_with_its_reason(tmp_path: Path) -> None:
    rafdb.write(tmp_path / "raw", train=len(KINDS), test=1)
    stems = {f"train_{number:05d}": name for number, name in enumerate(KINDS, start=1)}
    for stem, name in stems.items():
        rafdb.original_path(tmp_path / "raw", stem).write_bytes(KINDS[name].data)
    config = BuildConfig(out=tmp_path / "voc", boxes="official", workers=0, val_fraction=0)
    for stem, name in stems.items():
        # The data set's own box, so that what is found in noise plays no part.
        edges = (0, 0, *(KINDS[name].size or (9, 9)))
        rafdb.box_path(tmp_path / "raw", stem).write_text(" ".join(map(str, edges)))
    build(config, [Source("rafdb", tmp_path / "raw", Options())], load_fake_detector)
    records = {each.id.removeprefix("rafdb_"): each for each in read_manifest(manifest(tmp_path))}
    folder = VocFolder(tmp_path / "voc")
    for stem, name in stems.items():
        kind, record = KINDS[name], records[stem]
        if kind.size is None:
            assert (record.status, kind.error in str(record.reason)) == ("rejected", True), name
            assert not folder.image_path(record.id).exists()
        else:
            assert (record.status, record.reason) == ("written", None), name
            pixels = load_rgb8(folder.image_path(record.id))
            assert pixels.shape == (kind.size[1], kind.size[0], 3)
    tell(f"pictures: {len(KINDS)} kinds, {len(BAD)} refused by loader, converter and predictor")


def manifest(folder: Path) -> Path:
    return folder / "voc" / "manifest.jsonl"


def test_random_damage(tmp_path: Path, predictor: Predictor) -> None:
    """A file that was cut off is never taken, and damage of any sort never crashes."""
    counts: Counter[str] = Counter()
    path = tmp_path / "a.jpg"
    for seed in range(amount(60, 1000)):
        generator = np.random.default_rng(seed)
        name = MUTATED[seed % len(MUTATED)]
        how, data = mutate(KINDS[name].data, generator)
        path.write_bytes(data)
        found = outcome(lambda: load_rgb8(path))
        counts["refused" if found else "whole"] += 1
        if not found:
            pixels = decode_rgb8(data, "a").pixels
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3
            whole = decode_rgb8(KINDS[name].data, "a").pixels
            assert how != "cut off" or np.array_equal(pixels, whole), (seed, name)
        if seed % 10 == 0:
            assert outcome(lambda: predictor(path)) == found
    assert counts["refused"] > counts["whole"] / 4
    tell(f"pictures: {counts.total()} random damages, {dict(counts)}, 0 crashes")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's limit of memory")
def test_no_kind_takes_a_gigabyte(tmp_path: Path) -> None:
    for number, kind in enumerate(KINDS.values()):
        (tmp_path / f"{number:03d}").write_bytes(kind.data)
    code = (
        "import sys, pathlib; from fer_det.errors import *\n"
        "from fer_det.imaging.decode import load_rgb8\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try: load_rgb8(path)\n"
        "    except ImageError as error: print(path.name, error.found)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9)),
        env={"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) == len(BAD)
    assert "MemoryError" not in ended.stdout


def test_half_a_jpeg_is_what_pillow_alone_would_take() -> None:
    """What the corpus guards against is real."""
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(KINDS["jpeg cut off, then an end"].data)) as image:
        image.load()
    with pytest.raises(ImageError):
        decode_rgb8(KINDS["jpeg cut off, then an end"].data, "a")
