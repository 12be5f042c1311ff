from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_data.browser import browser, find_chromium
from fake_data.films import write_film

from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from fer_det.predict.video.page import render_page
from fer_det.predict.video.people import Episode, Person
from fer_det.predict.video.timeline import Timeline

HAPPY = Expression.HAPPINESS
PERSON = Person(
    1, 20, 5.0, 6.9, 50.0, {"happiness": 1.5, "unknown": 0.5}, Episode("happiness", 5.0, 1.5), 1, 9
)


def timeline() -> Timeline:
    """Of two seconds from the fifth on: a happy face, unknown at the end, with a gap."""
    gathered = Timeline(BASIC_EXPRESSIONS, rate=10)
    for frame in range(20):
        row = {each: 0.4 if each is HAPPY else 0.1 for each in BASIC_EXPRESSIONS}
        label = HAPPY if frame < 15 else None
        gathered.add(5 + frame / 10, {} if 8 <= frame < 12 else {1: (row, label)})
    return gathered


def test_names_cannot_break_it_and_nothing_is_fetched() -> None:
    page = render_page("<b>a & b", 'a "b"#%.mp4', timeline(), 5.0, [PERSON])
    assert "<title>&lt;b&gt;a &amp; b</title>" in page
    assert 'src="a%20%22b%22%23%25.mp4"' in page
    assert not re.search(r"https?://|//cdn|@import|url\(", page)


def test_lines_strips_and_rows() -> None:
    page = render_page("a.mp4", "a.mp4", timeline(), 5.0, [PERSON])
    strips = re.findall(
        r'<rect x="([\d.-]+)" width="([\d.]+)" y="88" height="10" fill="(#\w+)"', page
    )
    colours = [colour for _, _, colour in strips]
    assert colours == ["#1ea046", "#1ea046", "#c8c8c8"]
    assert all(-100 <= float(x) <= 1000 for x, _, _ in strips)
    # Seven expressions in two pieces each.
    assert page.count("<polyline") == 14
    assert "<td>75%</td><td>25%</td><td>happiness, 1.5 s from 0:05</td><td>1</td>" in page
    # Expressions that nobody showed have no column.
    assert "<th>happiness</th><th>unknown</th><th>longest</th>" in page


def test_no_face() -> None:
    gathered = Timeline(BASIC_EXPRESSIONS)
    gathered.add(0.0, {})
    page = render_page("a.mp4", "a.mp4", gathered, 0.0, [])
    assert "No face was found." in page
    assert "<table" not in page


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
def test_a_click_on_the_timeline_moves_the_film(tmp_path: Path) -> None:
    frames = [np.full((48, 64, 3), 10 * n, np.uint8) for n in range(20)]
    write_film(tmp_path / "a.mp4", frames, rate=10, sound="aac", options={"movflags": "+faststart"})
    (tmp_path / "a.html").write_text(render_page("a.mp4", "a.mp4", timeline(), 5.0, [PERSON]))
    program = find_chromium()
    assert program is not None
    with browser(program, tmp_path / "profile") as page:
        page.open(tmp_path / "a.html")
        film = "document.querySelector('video')"
        page.wait(f"{film}.readyState >= 1")
        state: Any = page.value(
            "(() => { const plot = document.querySelector('.plot');"
            " const box = plot.getBoundingClientRect();"
            " plot.dispatchEvent(new MouseEvent('click', {clientX: box.left + box.width / 2}));"
            f" return {film}.currentTime; }})()"
        )
        assert state == pytest.approx(0.95, abs=0.1)
        page.value(f"{film}.muted = true; {film}.play(); 0")
        page.wait(f"{film}.currentTime > 1.2")
        time.sleep(0.1)
        left = page.value("parseFloat(document.querySelector('.head').style.left)")
        assert left > 50
        sound = page.value(f"{film}.webkitAudioDecodedByteCount")
        assert sound > 0
        assert not [each for each in page.messages if "error" in str(each).lower()]
        assert {each.split(":")[0] for each in page.requests} <= {"file", "data"}
