"""web.json is what the program gives, and what web/js gives."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fer_det.predict.drawing import COLOURS

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
    known, unknown = (faces(each["frames"]) for each in GOLDEN["tracks"])
    assert len({shown["label"] for _, shown in known}) > 2
    assert None not in {shown["label"] for _, shown in known}
    assert any(shown["label"] != best(face["probabilities"])[0] for face, shown in known)
    least = GOLDEN["tracks"][1]["unknown_below"]
    # Both sides of the threshold are kept beyond it, and the frame alone would say otherwise.
    highest = [(best(shown["probabilities"])[1], shown["label"]) for _, shown in unknown]
    assert any(mean >= least and label is None for mean, label in highest)
    assert any(mean < least and label is not None for mean, label in highest)
    alone = [best(face["probabilities"])[1] < least for face, _ in unknown]
    assert alone != [shown["label"] is None for _, shown in unknown]


def faces(frames: Any) -> list[tuple[Any, Any]]:
    return [pair for frame in frames for pair in zip(frame["faces"], frame["shown"], strict=True)]


def best(probabilities: list[float]) -> tuple[int, float]:
    return max(enumerate(probabilities), key=lambda each: each[1])


def test_the_colours_are_those_of_the_program() -> None:
    text = (ROOT / "web" / "js" / "timeline.js").read_text(encoding="utf-8")
    found = dict(re.findall(r'(\w+): "#([0-9a-f]{6})"', text))
    assert found == {each.label: bytes(rgb).hex() for each, rgb in COLOURS.items()}


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript() -> None:
    argv = ["node", "--test", "tests/web/golden.test.mjs"]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "pass 21" in ended.stdout
