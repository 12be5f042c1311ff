"""The house's walls: who may import whom, read from the source and tried in a fresh process."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fer_det
import voc_builder

ROOTS = {package.__name__: Path(package.__file__).parent for package in (fer_det, voc_builder)}

# From the inside outwards; a module imports from its own row or from rows above it.
LAYERS = (
    ("errors", "expression", "box", "sample", "detection"),
    (
        "affine",
        "files",
        "progress",
        "command",
        "config_file",
        "image",
        "jitter",
        "letterbox",
        "memory",
        "temperature",
        "voc",
        "config",
        "trunk_config",
        "truncate_config",
        "classifier_config",
        "weights_config",
        "predict_config",
        "scoring_config",
        "check_config",
        "runs",
    ),
    ("collective", "hardware", "data", "models", "losses", "evaluation", "checks"),
    ("checkpoint", "restore", "weights", "weight_forms", "engine"),
    ("inference", "export", "report"),
    ("cli",),
)
LAYER_OF = {name: depth for depth, names in enumerate(LAYERS) for name in names}

SYNTHETIC_ROOMS = (
    {"face_model", "expression", "scene"},
    {"renderer"},
    {"worn"},
    {"hair"},
    {"materials"},
    {"trees"},
)
"""Of voc_builder.synthetic, from the inside outwards; its lone modules are ground or assembly."""

GROUND = {
    "fer_det",  # the package itself names the nouns
    *(
        f"fer_det.{name}"
        for name in (
            "affine",
            "box",
            "command",
            "detection",
            "errors",
            "expression",
            "files",
            "image",
            "jitter",
            "memory",
            "progress",
            "sample",
            "voc",
        )
    ),
}
"""All of fer_det that voc_builder may use."""

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


def room(module: str) -> str | None:
    """The part of fer_det that a module belongs to; None outside it and for its __init__."""
    package, _, rest = module.partition(".")
    return rest.split(".")[0] if package == "fer_det" and rest else None


class TestReader:
    """The reading of the source that the other tests rest on."""

    @pytest.mark.parametrize(
        ("source", "wanted"),
        [
            ("import torch.nn as nn, os", {"torch.nn", "os"}),
            ("from fer_det.voc import VocFolder", {"fer_det.voc"}),
            ("from fer_det import voc", {"fer_det.voc"}),
            ("from fer_det import FaceBox", {"fer_det"}),
            ("from .box import FaceBox", {"fer_det.box"}),
            ("from . import box", {"fer_det.box"}),
            ("def f():\n    if True:\n        import torch", {"torch"}),
        ],
    )
    def test_finds(self, source: str, wanted: set[str]) -> None:
        assert imports_of("fer_det.voc", source, is_package=False) == wanted

    def test_relative_in_a_package(self) -> None:
        assert imports_of("fer_det", "from .box import FaceBox", is_package=True) == {"fer_det.box"}

    def test_sees_both_packages(self) -> None:
        assert len(OF_FER_DET) > 10
        assert len(OF_VOC_BUILDER) > 5


def test_every_part_of_fer_det_has_its_layer() -> None:
    rooms = {room(module) for module in MODULES} - {None}
    assert rooms <= set(LAYER_OF), "say in LAYERS where the new part stands"


@pytest.mark.parametrize(("module", "imported"), OF_FER_DET, ids=[row[0] for row in OF_FER_DET])
def test_imports_point_inward(module: str, imported: set[str]) -> None:
    own = room(module)
    rooms = {room(name) for name in imported} - {None}
    if own is None:
        # The package itself names the nouns, and the predictor for whoever asks for it; that this
        # costs the others no torch is tried below.
        assert rooms <= {*LAYERS[0], "inference"}
        return
    outward = {name for name in rooms if LAYER_OF[name] > LAYER_OF[own]}
    assert not outward


@pytest.mark.parametrize(("module", "imported"), OF_FER_DET, ids=[row[0] for row in OF_FER_DET])
def test_fer_det_never_imports_voc_builder(module: str, imported: set[str]) -> None:
    assert not {name for name in imported if name.split(".")[0] == "voc_builder"}


@pytest.mark.parametrize(
    ("module", "imported"), OF_VOC_BUILDER, ids=[row[0] for row in OF_VOC_BUILDER]
)
def test_voc_builder_uses_only_the_ground(module: str, imported: set[str]) -> None:
    assert {name for name in imported if name.split(".")[0] == "fer_det"} <= GROUND


@pytest.mark.parametrize(
    ("own", "forbidden"),
    [
        ("evaluation", ("models", "data", "losses")),
        ("data", ("models", "evaluation", "losses")),
        ("models", ("data", "evaluation")),
        ("losses", ("models", "data", "evaluation")),
        ("collective", ("models", "data", "losses", "evaluation")),
        ("inference", ("engine", "evaluation")),
        ("report", ("engine", "models", "data", "losses", "checkpoint", "inference")),
        ("checks", ("data", "models", "losses", "evaluation")),
    ],
)
def test_rooms_that_know_nothing_of_each_other(own: str, forbidden: tuple[str, ...]) -> None:
    for module, imported in OF_FER_DET:
        if room(module) == own:
            assert not {name for name in imported if room(name) in forbidden}, module


def test_rooms_of_the_made_faces_import_inward() -> None:
    root = "voc_builder.synthetic."
    depth = {name: row for row, names in enumerate(SYNTHETIC_ROOMS) for name in names}
    found = {
        path.parent.name for path in (ROOTS["voc_builder"] / "synthetic").glob("*/__init__.py")
    }
    assert found == set(depth), "say in SYNTHETIC_ROOMS where the new room stands"
    for module, imported in OF_VOC_BUILDER:
        own = module.removeprefix(root).split(".")[0]
        if not module.startswith(root) or own not in depth:
            continue
        rooms = {
            name.removeprefix(root).split(".")[0] for name in imported if name.startswith(root)
        }
        outward = {each for each in rooms if depth.get(each, -1) > depth[own]}
        assert not outward, module


def test_ground_and_evaluation_use_no_torch() -> None:
    for module, imported in OF_FER_DET:
        own = room(module)
        if own is None or LAYER_OF[own] < 2 or own in ("evaluation", "report", "checks"):
            assert not {name for name in imported if name.split(".")[0] in TORCH}, module


@pytest.mark.parametrize(
    "module",
    [
        "fer_det",
        "voc_builder",
        "fer_det.evaluation",
        "fer_det.jitter",
        "fer_det.voc",
        "fer_det.cli.check_voc",
        "voc_builder.cli.balance_voc",
    ],
)
def test_importing_costs_no_torch(module: str) -> None:
    code = (
        f"import sys, {module};"
        "print(*sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'torchvision'}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []
