"""Every benchmark runs, at a size at which its figures mean nothing."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from fer_det.core.box import FaceBox
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import VocAnnotation, VocObject

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "benchmarks"
PHOTO = Path(__file__).parents[1] / "golden" / "data" / "astronaut.jpg"
TINY = {
    "crowds": [
        *("--sizes=[40]", "--width=500", "--height=400", "--scenes=1", "--photos=1"),
        *("--megapixels=[0.1]", "--crowds=[1]", "--rounds=1"),
    ],
    "inference": ["--size=32", "--width=16", "--batches=[1]", "--rounds=1", "--rank=4"],
    "live": ["--faces=[1]", "--seconds=1", "--rounds=1", "--rate=5"],
    "loader": ["--size=32", "--width=16", "--batch_size=2", "--batches=2", "--workers=0"],
    "million": ["--counts=[40, 60]", "--xml=40", "--checks=[40]", "--searches=[60]"],
    "mtcnn": ["--count=3", "--together=2"],
    "packages": ["--repeats=1", f"--others={json.dumps({'fer': sys.executable})}"],
    "ray_build": ["--count=200", "--photos=2"],
    "scaling": ["--counts=[2, 4]", "--sides=[60, 90]", "--faces=[1, 2]", "--inputs=[32, 48]"],
    "tilted": ["--angles=[0, 20]"],
    "turned": ["--photos=1", "--rounds=1"],
    "tracking": ["--kinds=[crossing]", "--films=1", "--seconds=2", "--rates=[10]"],
    "train_step": ["--sizes=[32]", "--widths=[16]", "--batch_size=2", "--stock=false"],
    "voc": ["--count=40", "--photos=2", "--workers=0", "--rounds=1"],
}
ASKS_FOR_PICTURES = {"loader", "mtcnn", "scaling"}
"""The other that needs some, voc, makes its own, as all do where none are named."""
TAKES_A_RUN_OF_EACH_TOOL = {"memory"}
OLDER = {"face_rendering"}
"""Which has a figure of its own kind."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    with Image.open(PHOTO) as photo:
        photo.resize((160, 160)).save(folder / "astronaut.jpg", quality=95)
    return folder


@pytest.fixture(scope="module")
def voc(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photo, labelled, as the test split of a VOC folder."""
    root = tmp_path_factory.mktemp("voc")
    folder = VocFolder.create(root)
    shutil.copyfile(pictures / "astronaut.jpg", folder.image_path("astronaut"))
    face = VocObject("happiness", FaceBox(60, 15, 100, 70))
    folder.write(VocAnnotation("astronaut", 160, 160, (face,)))
    folder.write_label_map(["happiness"])
    folder.write_image_sets({"test": ["astronaut"]}, {"astronaut": ["happiness"]})
    return root


def test_all_are_tried() -> None:
    scripts = {path.stem for path in FOLDER.glob("[a-z]*.py")}
    assert scripts == TINY.keys() | TAKES_A_RUN_OF_EACH_TOOL | OLDER


@pytest.mark.parametrize("name", sorted(TINY))
def test_it_ends_with_its_claim_and_adds_to_its_table(
    name: str, pictures: Path, voc: Path, tmp_path: Path
) -> None:
    flags = [*TINY[name], f"--results={tmp_path / 'results'}"]
    flags += [f"--pictures={pictures}"] * (name in ASKS_FOR_PICTURES)
    flags += [f"--data={voc}"] * (name == "tilted")
    if name in ("crowds", "scaling"):
        flags += [f"--plot={tmp_path / 'plot.svg'}"]
    if "--rounds=1" not in flags and name != "mtcnn":
        flags.append("--rounds=1")
    environment = dict(os.environ)
    if name == "ray_build":
        pytest.importorskip("ray")
        # As in test_ray.py: nodes at 127.0.0.1, and what Ray's dashboard asks for is not noted.
        environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        del environment["FERDET_CONNECTIONS"]
    command = [sys.executable, str(FOLDER / f"{name}.py"), *flags]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert told.returncode == 0, told.stderr
    assert re.fullmatch(r"[A-Z0-9_]+: \d+\.\d{3}", told.stdout.splitlines()[-1])
    (table,) = (tmp_path / "results").glob("*.csv")
    assert re.fullmatch(rf"{name}-(cpu|cuda)-torch[\d.]+\.csv", table.name)
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(row["figure"] and row["machine"] and float(row["median"]) >= 0 for row in rows)
    if name == "scaling":
        assert (tmp_path / "plot.svg").read_text().count("<circle") == 5 * 2
    if name == "crowds":
        assert "precision" in (tmp_path / "plot.svg").read_text()


def test_the_script_for_a_gpu_runs_dry(tmp_path: Path) -> None:
    """Its parts that need data are left out, with a line that says so."""
    environment = {key: v for key, v in os.environ.items() if not key.startswith("FERDET_")}
    command = ["bash", str(FOLDER / "gpu.sh"), "--dry", "--parts", "speed,fer,detector"]
    told = subprocess.run(
        [*command, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=300,
        env={**environment, "PYTHON": sys.executable, "FERDET_WORK": str(tmp_path / "work")},
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "train_step: done" in told.stdout
    assert "fer: left out, FERDET_FER2013 names no folder" in told.stdout
    assert "detector: left out, FERDET_WILD7 names no folder" in told.stdout
    assert "loader: done" in told.stdout
    (packed,) = (tmp_path / "out").iterdir()
    with tarfile.open(packed) as results:
        names = results.getnames()
    assert {"results/train_step.log", "results/loader.log"} <= set(names)
    assert any(name.startswith("results/train_step-cpu-") for name in names)
    refused = subprocess.run(
        ["bash", str(FOLDER / "gpu.sh"), "--parts", "speed,tea"], capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "--parts with tea; wanted tests, speed" in refused.stderr
