"""web.json is what the program gives, and what web/js gives."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads(Path(__file__).with_name("web.json").read_text(encoding="utf-8"))


def assert_near(found: Any, wanted: Any, at: str) -> None:
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), at
        for name, value in wanted.items():
            assert_near(found[name], value, f"{at}.{name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), at
        for number, value in enumerate(wanted):
            assert_near(found[number], value, f"{at}[{number}]")
    else:
        assert found == (pytest.approx(wanted, abs=1e-4) if type(wanted) is float else wanted), at


def test_it_is_what_the_program_gives() -> None:
    made = runpy.run_path(str(Path(__file__).with_name("web.py")))["vectors"]()
    assert_near(json.loads(json.dumps(made)), GOLDEN, "web")


def test_it_tells_right_from_wrong() -> None:
    assert len(GOLDEN["detections"]["boxes"]) == 8
    assert GOLDEN["suppressed"][0]["kept"] != GOLDEN["suppressed"][1]["kept"]
    labels = {face["label"] for frame in GOLDEN["tracks"] for face in frame["shown"]}
    raw = [
        (shown["label"], max(range(7), key=face["probabilities"].__getitem__))
        for frame in GOLDEN["tracks"]
        for shown, face in zip(frame["shown"], frame["faces"], strict=True)
    ]
    assert len(labels) > 2
    assert any(kept != own for kept, own in raw)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript() -> None:
    argv = ["node", "--test", "tests/web/golden.test.mjs"]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "# pass 16" in ended.stdout or "pass 16" in ended.stdout
