"""The command from end to end: rendered, read, converted with the real MTCNN, offline."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pytest_socket
from fake_data.anny import needs_anny
from fake_data.voc_tree import modification_times, tree_hash

from fer_det.core.box import FaceBox
from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from fer_det.core.sample import MADE_CAUTION
from fer_det.imaging.decode import load_rgb8
from fer_det.io.voc import VocFolder
from made_faces.cli import main as make_faces
from made_faces.layouts.assignment import assign_sequences
from made_faces.layouts.ckplus import CkplusLayout, FrameTask
from voc_builder.build.records import read_manifest
from voc_builder.cli.build_voc import main as build_voc
from voc_builder.readers import rafdb

IMAGES = 21


pytestmark = [pytest.mark.disable_socket, needs_anny]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos made by one process."""
    out = tmp_path_factory.mktemp("made") / "made"
    assert make_faces(["--out", str(out), "--images", str(IMAGES), "--workers", "0"]) == 0
    return out


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_there_is_no_network() -> None:
    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket()


def test_converted_and_found_by_mtcnn(made: Path, tmp_path: Path) -> None:
    argv = ["--rafdb", str(made / "rafdb"), "--out", str(tmp_path), "--workers", "0"]
    assert build_voc([*argv, "--val_fraction", "0"]) == 0
    records = read_manifest(tmp_path / "manifest.jsonl")
    samples = {each.sample_id: each for each in rafdb.read(made / "rafdb", rafdb.Options())}
    assert [each.id for each in records] == list(samples)
    shown = {each.faces[0].expression for each in records}
    assert shown == {each.label for each in BASIC_EXPRESSIONS}
    found = [each for each in records if each.status == "written"]
    assert len(found) >= IMAGES - 1
    for record in found:
        assert record.faces[0].box is not None
        own = samples[record.id].faces[0].box
        assert own is not None
        # MTCNN's boxes are narrower than the mesh's, which reaches the hairline.
        assert FaceBox(*record.faces[0].box).iou(own) > 0.4, record.id
    folder = VocFolder(tmp_path)
    assert len(folder.image_ids("train")) + len(folder.image_ids("test")) == len(found)
    assert folder.build_summary()["datasets"]["rafdb"]["database"] == "rafdb, made faces"
    assert {folder.read(each.id).database for each in found} == {"rafdb, made faces"}
    assert MADE_CAUTION in (tmp_path / "summary.txt").read_text()


def test_crops_have_the_face_in_place(made: Path) -> None:
    for sample in rafdb.read(made / "rafdb", rafdb.Options(images="aligned")):
        assert load_rgb8(sample.picture.path).shape == (100, 100, 3)


def test_second_run_writes_nothing(made: Path) -> None:
    times = modification_times(made)
    assert make_faces(["--out", str(made), "--images", str(IMAGES), "--workers", "0"]) == 0
    assert modification_times(made) == times


def test_processes_and_threads_do_not_matter(made: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "made_faces.cli", "--out", str(tmp_path)]
    command += ["--images", str(IMAGES), "--workers", "2"]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=one_thread)
    assert tree_hash(tmp_path) == tree_hash(made)


def test_a_sequence_changes_only_the_face(tmp_path: Path) -> None:
    layout = CkplusLayout(tmp_path, 0, 30)
    smile = next(
        sequence
        for sequence in assign_sequences(0, 30)
        if sequence.labelled and sequence.expression is Expression.HAPPINESS
    )
    layout.make_folders()
    for frame in (0, smile.frames - 1):
        layout.make(FrameTask(smile, frame))
    before, after = (load_rgb8(path).astype(float) for path in sorted(tmp_path.rglob("*.png")))
    assert before.shape == (490, 640, 3)
    # Outside the head only the noise differs.
    assert np.abs(before[:, :60] - after[:, :60]).mean() < 4
    rest, peak = (np.loadtxt(path) for path in sorted(tmp_path.rglob("*_landmarks.txt")))
    moved = np.linalg.norm(peak - rest, axis=1)
    # Of the 68 points 36 and 45 are the eyes' outer corners, 48 and 54 those of the mouth.
    assert moved[[36, 45]].max() < 4
    assert moved[[48, 54]].min() > 8
