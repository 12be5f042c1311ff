"""The report opened in a browser from the file system, without network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_data.browser import Page, browser, find_chromium
from fake_data.report_source import report_source
from fake_data.scored_pictures import CLASSES, protocol_for, random_pictures

from fer_det.evaluation.comparison import compare_files
from fer_det.evaluation.evaluate import evaluate
from fer_det.evaluation.scores_file import scores_to_json, write_scores
from fer_det.report.comparison_page import render_comparison
from fer_det.report.page import write_report
from fer_det.report.recall_figures import RAFDB_TEST

PROGRAM = find_chromium()
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")

EMPTY_DRAWINGS = """
[...document.querySelectorAll("svg")].filter(drawing => {
  const shown = drawing.getBoundingClientRect();
  const marks = [...drawing.querySelectorAll("rect, polyline, circle, line, image")];
  const seen = marks.filter(mark => {
    const box = mark.getBBox();
    const style = getComputedStyle(mark);
    const inked = style.fill !== "none" || style.stroke !== "none" || mark.tagName === "image";
    return inked && box.width + box.height > 0;
  });
  return shown.width < 20 || shown.height < 10 || seen.length === 0;
}).map(drawing => drawing.getAttribute("aria-label"))
"""
CUT_TEXT = """
[...document.querySelectorAll("svg text")].filter(text => {
  const outer = text.ownerSVGElement.getBoundingClientRect(), box = text.getBoundingClientRect();
  return box.left < outer.left - 1 || box.right > outer.right + 1
      || box.top < outer.top - 1 || box.bottom > outer.bottom + 1;
}).map(text => text.textContent)
"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    assert PROGRAM is not None
    with browser(PROGRAM, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    source = report_source(folder / "voc", listed=RAFDB_TEST, rejected=None, temperature=1.5)
    write_report(folder / "report.html", source)
    return folder / "report.html"


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everything_is_drawn_and_nothing_requested(
    page: Page, report: Path, width: int, dark: bool
) -> None:
    page.requests.clear()
    page.messages.clear()
    page.open(report, width, dark)
    assert page.value('document.querySelectorAll("svg").length') > 20
    assert page.value(EMPTY_DRAWINGS) == []
    assert page.value(CUT_TEXT) == []
    assert page.value(TOO_WIDE) <= 0
    assert page.messages == []
    outside = [each for each in page.requests if not each.startswith("data:")]
    assert outside == [report.resolve().as_uri()]


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_comparison_is_drawn(page: Page, tmp_path: Path, width: int) -> None:
    for name, margin in (("a.json", 1.0), ("b.json", 2.0)):
        pictures = random_pictures([9, 3, 5, 20, 8, 6, 12], seed=5, margin=margin)
        evaluation = evaluate(pictures, CLASSES, protocol_for(pictures), resamples=40)
        write_scores(tmp_path / name, scores_to_json(evaluation))
    comparison = compare_files([tmp_path / "a.json", tmp_path / "b.json"], "auto", resamples=40)
    (tmp_path / "page.html").write_text(render_comparison(comparison))
    page.requests.clear()
    page.messages.clear()
    page.open(tmp_path / "page.html", width)
    assert page.value('document.querySelectorAll("svg").length') == 1
    assert page.value(EMPTY_DRAWINGS) == page.value(CUT_TEXT) == page.messages == []
    assert page.value(TOO_WIDE) <= 0
    assert len([each for each in page.requests if not each.startswith("data:")]) == 1


@needs_chromium
def test_dark_and_light_differ(page: Page, report: Path) -> None:
    colours = []
    for dark in (False, True):
        page.open(report, 1280, dark)
        colours.append(page.value("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]


@needs_chromium
def test_the_checks_notice_faults(page: Page, tmp_path: Path) -> None:
    """Open a page with one fault of each kind."""
    broken = tmp_path / "broken.html"
    broken.write_text(
        '<body style="width: 3000px"><svg aria-label="empty" viewBox="0 0 9 9"></svg>'
        '<svg viewBox="0 0 90 30"><rect width="9" height="9"/><text x="85" y="9">long</text></svg>'
        '<img src="http://127.0.0.1:9/picture.png"><script>console.error("oh")</script></body>'
    )
    page.requests.clear()
    page.messages.clear()
    page.open(broken)
    assert page.value(EMPTY_DRAWINGS) == ["empty"]
    assert page.value(CUT_TEXT) == ["long"]
    assert page.value(TOO_WIDE) > 0
    assert "http://127.0.0.1:9/picture.png" in page.requests
    assert page.messages
