"""Which folder may import which, read from the source and tried in a fresh process."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fer_det
import made_faces
import voc_builder

ROOTS = {
    package.__name__: Path(package.__file__).parent
    for package in (fer_det, voc_builder, made_faces)
}

# A folder imports from its own row or from the rows above it.
LAYERS = (
    ("core", "errors"),
    ("imaging", "io", "config", "runtime"),
    ("faces", "data", "losses", "models", "evaluation", "checks"),
    ("weights",),
    ("engine", "export"),
    ("predict", "clips", "report"),
    ("cli",),
)
LAYER_OF = {name: depth for depth, names in enumerate(LAYERS) for name in names}

MADE_FACES_LAYERS = (
    {"face_model", "scene"},
    {"renderer"},
    {"accessories"},
    {"hair"},
    {"materials"},
    {"layouts"},
)
"""Folders of made_faces; its loose modules are shared ground or assembly."""

VOC_BUILDER_MAY_USE = {"core", "errors", "imaging", "io", "config", "runtime", "faces"}
MADE_FACES_MAY_USE = {"core", "errors", "imaging", "io", "runtime"}
"""Folders of fer_det; made_faces.cli may use what a command needs as well."""

TORCH = ("torch", "torchvision")


def modules() -> dict[str, Path]:
    """Every module of both packages by its dotted name."""
    found = {}
    for package, root in ROOTS.items():
        for path in root.rglob("*.py"):
            parts = [package, *path.relative_to(root).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(module: str, source: str, is_package: bool) -> set[str]:
    """The modules that a source text imports anywhere in it, `from a import b` as a.b if one."""
    return set(_imports(module, ast.parse(source), is_package))


def _imports(module: str, tree: ast.Module, is_package: bool) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, base] if base else parts)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def imports_by_module() -> list[tuple[str, set[str]]]:
    return [
        (module, imports_of(module, path.read_text(encoding="utf-8"), path.name == "__init__.py"))
        for module, path in sorted(MODULES.items())
    ]


IMPORTS = imports_by_module()
OF_FER_DET = [row for row in IMPORTS if row[0].split(".")[0] == "fer_det"]
OF_VOC_BUILDER = [row for row in IMPORTS if row[0].split(".")[0] == "voc_builder"]
OF_MADE_FACES = [row for row in IMPORTS if row[0].split(".")[0] == "made_faces"]


def folder_of(module: str) -> str | None:
    """The folder of fer_det that a module belongs to; None outside it and for its __init__."""
    package, _, rest = module.partition(".")
    return rest.split(".")[0] if package == "fer_det" and rest else None


class TestReader:
    """The reading of the source that the other tests rest on."""

    @pytest.mark.parametrize(
        ("source", "wanted"),
        [
            ("import torch.nn as nn, os", {"torch.nn", "os"}),
            ("from fer_det.io.voc import VocFolder", {"fer_det.io.voc"}),
            ("from fer_det.io import voc", {"fer_det.io.voc"}),
            ("from fer_det import FaceBox", {"fer_det"}),
            ("from .voc import VocFolder", {"fer_det.io.voc"}),
            ("from . import voc", {"fer_det.io.voc"}),
            ("def f():\n    if True:\n        import torch", {"torch"}),
        ],
    )
    def test_finds(self, source: str, wanted: set[str]) -> None:
        assert imports_of("fer_det.io.voc", source, is_package=False) == wanted

    def test_relative_in_a_package(self) -> None:
        assert imports_of("fer_det", "from .errors import E", is_package=True) == {"fer_det.errors"}

    def test_sees_both_packages(self) -> None:
        assert len(OF_FER_DET) > 10
        assert len(OF_VOC_BUILDER) > 5


def test_every_folder_of_fer_det_has_its_layer() -> None:
    folders = {folder_of(module) for module in MODULES} - {None, "__main__"}
    assert folders <= set(LAYER_OF), "name the new folder in LAYERS"


def test_no_loose_modules_at_the_top() -> None:
    loose = {path.name for path in ROOTS["fer_det"].glob("*.py")}
    assert loose <= {"__init__.py", "__main__.py", "errors.py"}
    assert {path.name for path in ROOTS["voc_builder"].glob("*.py")} == {"__init__.py"}


@pytest.mark.parametrize(("module", "imported"), OF_FER_DET, ids=[row[0] for row in OF_FER_DET])
def test_imports_point_inward(module: str, imported: set[str]) -> None:
    own = folder_of(module)
    folders = {folder_of(name) for name in imported} - {None}
    if own is None or own == "__main__":
        # The package names the plain data types, and loads the predictor when it is first used.
        assert folders <= {"core", "errors", "predict", "cli"}
        return
    assert not {name for name in folders if LAYER_OF[name] > LAYER_OF[own]}


@pytest.mark.parametrize(("module", "imported"), OF_FER_DET, ids=[row[0] for row in OF_FER_DET])
def test_fer_det_never_imports_voc_builder_or_made_faces(module: str, imported: set[str]) -> None:
    assert not {name for name in imported if name.split(".")[0] in ("voc_builder", "made_faces")}


@pytest.mark.parametrize(
    ("module", "imported"), OF_VOC_BUILDER, ids=[row[0] for row in OF_VOC_BUILDER]
)
def test_voc_builder_uses_the_lower_layers_alone(module: str, imported: set[str]) -> None:
    assert {folder_of(name) for name in imported} - {None} <= VOC_BUILDER_MAY_USE
    scenes = ("made_faces.scene.",) if module == "voc_builder.compose.compose" else ()
    made = {name for name in imported if name.split(".")[0] == "made_faces"}
    assert not {name for name in made if not name.startswith(scenes)}


@pytest.mark.parametrize(
    ("module", "imported"), OF_MADE_FACES, ids=[row[0] for row in OF_MADE_FACES]
)
def test_made_faces_stand_alone(module: str, imported: set[str]) -> None:
    allowed = MADE_FACES_MAY_USE | ({"config"} if module == "made_faces.cli" else set())
    assert {folder_of(name) for name in imported} - {None} <= allowed
    assert not {name for name in imported if name.split(".")[0] == "voc_builder"}


@pytest.mark.parametrize(
    ("own", "forbidden"),
    [
        ("core", ("imaging", "io", "config", "runtime")),
        ("imaging", ("io", "config", "runtime")),
        ("faces", ("data", "models", "losses", "evaluation", "checks")),
        ("evaluation", ("models", "data", "losses", "faces")),
        ("data", ("models", "evaluation", "losses", "faces")),
        ("models", ("data", "evaluation", "faces")),
        ("losses", ("models", "data", "evaluation", "faces")),
        ("predict", ("engine", "report")),
        ("report", ("engine", "models", "data", "losses", "weights", "predict")),
        ("checks", ("data", "models", "losses", "evaluation")),
    ],
)
def test_folders_that_know_nothing_of_each_other(own: str, forbidden: tuple[str, ...]) -> None:
    for module, imported in OF_FER_DET:
        if folder_of(module) == own:
            assert not {name for name in imported if folder_of(name) in forbidden}, module


def test_folders_of_made_faces_import_inward() -> None:
    root = "made_faces."
    depth = {name: row for row, names in enumerate(MADE_FACES_LAYERS) for name in names}
    found = {path.parent.name for path in ROOTS["made_faces"].glob("*/__init__.py")}
    assert found == set(depth), "name the new folder in MADE_FACES_LAYERS"
    for module, imported in OF_MADE_FACES:
        own = module.removeprefix(root).split(".")[0]
        if own not in depth:
            continue
        folders = {
            name.removeprefix(root).split(".")[0] for name in imported if name.startswith(root)
        }
        assert not {each for each in folders if depth.get(each, -1) > depth[own]}, module


def test_no_import_circle() -> None:
    """Modules of one folder may import each other one way only."""
    left = {module: {name for name in imported if name in MODULES} for module, imported in IMPORTS}
    while left:
        leaves = {module for module, imported in left.items() if not imported & left.keys()}
        assert leaves, f"these import each other in a circle: {sorted(left)}"
        left = {module: imported for module, imported in left.items() if module not in leaves}


def test_lower_layers_and_evaluation_use_no_torch() -> None:
    with_torch = {
        "fer_det.runtime.device",
        "fer_det.runtime.distributed",
    }
    for module, imported in OF_FER_DET:
        own = folder_of(module)
        plain = own is None or LAYER_OF.get(own, 9) < 2 or own in ("evaluation", "report", "checks")
        if plain and module not in with_torch:
            assert not {name for name in imported if name.split(".")[0] in TORCH}, module


@pytest.mark.parametrize(
    "module",
    [
        "fer_det",
        "voc_builder",
        "made_faces",
        "fer_det.evaluation",
        "fer_det.imaging.jitter",
        "fer_det.io.voc",
        "fer_det.config.training",
        "fer_det.export.onnx_model",
        "fer_det.export.onnx_mtcnn",
        "fer_det.predict.predictor",
        "fer_det.cli.check",
        "voc_builder.cli.balance",
        "voc_builder.compose.compose",
    ],
)
def test_importing_costs_no_torch(module: str) -> None:
    code = (
        f"import sys, {module};"
        "print(*sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'torchvision'}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []
