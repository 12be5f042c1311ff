"""The page as text: its content, what it leaves out, and that it needs no other file."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fake_data.report_source import COLOUR, report_source
from fake_data.scored_pictures import scored_picture
from PIL import Image

from fer_det.errors import DatasetFormatError
from fer_det.report.gallery import SIDE
from fer_det.report.page import render_report, write_report
from fer_det.report.recall_figures import RAFDB_TEST
from fer_det.report.source import ReportSource, gather_data_facts

FIGURES = (
    "Recall by class",
    "Confusion",
    "Precision and recall by class",
    "Calibration",
    "Learning curves",
    "Training pictures by class",
    "Size of the labelled faces",
)
CAUTION = "say nothing about people"


@pytest.fixture
def source(tmp_path: Path) -> ReportSource:
    return report_source(tmp_path)


class Outline(HTMLParser):
    """Collects tags and text; fails on tags that are closed in another order."""

    VOID = frozenset({"meta", "link"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_all_figures_and_the_headline_are_present(source: ReportSource) -> None:
    page = Outline(render_report(source))
    text = page.text()
    for title in FIGURES:
        assert title in text, title
    low, high = source.rule["intervals"]["accuracy"]
    assert f"{source.rule['accuracy']:.3f}" in text
    assert f"{low:.3f} to {high:.3f}" in text
    for word in ("none", "mtcnn", "no face was found", "VGG-Face", "cpu, float32", "2 lines"):
        assert word in text, word
    assert source.protocol["split_hash"] in text


def test_selection_score_and_mean_recall_are_both_named(source: ReportSource) -> None:
    text = Outline(render_report(source)).text()
    assert "selection score, validation 0.450" in text
    assert "mean recall, validation 0.400" in text
    assert "epoch loss accuracy mean recall selection score" in text


def test_calibration_error_with_and_without_temperature(tmp_path: Path) -> None:
    source = report_source(tmp_path, temperature=1.5)
    calibration = source.rule["calibration"]
    with_, without = (f"{calibration[name]:.3f}" for name in ("ece", "ece_untempered"))
    assert with_ != without
    text = Outline(render_report(source)).text()
    assert f"calibration error {with_} ECE; without temperature: {without}" in text
    assert f"ECE without temperature {without}" in text
    assert f"without it the ECE is {without}" in text


def test_every_drawing_has_a_text_alternative(source: ReportSource) -> None:
    page = Outline(render_report(source))
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(drawings) > 20
    assert all(attrs.get("role") == "img" and attrs.get("aria-label") for attrs in drawings)


def test_the_same_source_gives_the_same_bytes(source: ReportSource) -> None:
    assert render_report(source) == render_report(source)


def test_nothing_is_loaded_or_run(source: ReportSource) -> None:
    text = render_report(source)
    page = Outline(text)
    assert not [tag for tag, _ in page.tags if tag in ("script", "iframe", "object", "img")]
    addresses = [
        value
        for _, attrs in page.tags
        for name, value in attrs.items()
        if name in ("href", "src", "xlink:href")
    ]
    assert addresses
    assert all(str(value).startswith(("#", "data:")) for value in addresses)
    assert "url(" not in text
    assert "@import" not in text


def test_foreign_text_is_escaped(source: ReportSource) -> None:
    evil = "<script>alert(1)</script>"
    page = render_report(
        replace(
            source,
            weights=evil,
            faces=[replace(face, image_id=evil, label=face.label) for face in source.faces],
        )
    )
    assert "<script" not in page
    assert "&lt;script&gt;" in page


class TestFaces:
    def thumbnails(self, page: str) -> list[np.ndarray]:
        found = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", page)
        return [np.asarray(Image.open(BytesIO(base64.b64decode(each)))) for each in found]

    def test_are_shown_as_small_thumbnails(self, source: ReportSource) -> None:
        shown = self.thumbnails(render_report(source))
        assert len(shown) > 10
        for pixels in shown:
            assert max(pixels.shape[:2]) <= SIDE
            assert np.abs(pixels.mean(axis=(0, 1)) - COLOUR).max() < 4

    def test_without_loader_no_pixel_is_written(self, source: ReportSource) -> None:
        page = render_report(replace(source, load=None))
        assert self.thumbnails(page) == []
        assert "<image" not in page
        # Only the icon has a data: address, and that is empty.
        assert re.findall(r"data:[^;,\"]*[;,]?[^\"]{0,9}", page.split("<body>")[1]) == []
        assert "Pictures are left out." in page
        assert source.faces[0].image_id[0] == "p"
        assert re.search(r"p000\d\d", page)

    def test_the_most_confident_error_comes_first(self, source: ReportSource) -> None:
        page = render_report(source)
        wrong = [
            face
            for face in source.faces
            if face.predictions["top1"] is not None and not face.is_correct("top1")
        ]
        ordered = sorted(wrong, key=lambda face: -face.predictions["top1"].confidence)
        section = page.split("Wrong, highest confidence first")[1]
        shown = re.findall(r'class="id">(p\d+)', section)
        assert shown[:12] == [face.image_id for face in ordered[:12]]

    def test_only_pictures_that_are_shown_are_loaded(self, source: ReportSource) -> None:
        loaded: list[str] = []

        def load(image_id: str) -> np.ndarray:
            loaded.append(image_id)
            return np.zeros((100, 100, 3), np.uint8)

        render_report(replace(source, load=load))
        assert 0 < len(loaded) <= 12 + 6 + 7


class TestMadeFaces:
    def test_every_figure_has_the_warning(self, tmp_path: Path) -> None:
        page = render_report(report_source(tmp_path, dataset="rafdb, made faces"))
        for title in FIGURES:
            # A figure reaches up to the next heading.
            figure = re.split(rf"<h3>{title}</h3>", page)[1].split("<h3>")[0]
            assert CAUTION in figure, title
        assert CAUTION in page.split("<main>")[0]

    def test_other_faces_have_no_warning(self, source: ReportSource) -> None:
        assert CAUTION not in render_report(source)


class TestPublishedResults:
    def listed_as_rafdb(self, tmp_path: Path, dataset: str) -> str:
        return render_report(
            report_source(tmp_path, dataset=dataset, listed=RAFDB_TEST, rejected=None)
        )

    def test_are_shown_for_rafdb(self, tmp_path: Path) -> None:
        page = self.listed_as_rafdb(tmp_path, "rafdb")
        assert "DLP-CNN (2017)" in page
        assert "Li, Deng and Du, CVPR 2017" in page

    def test_are_not_shown_for_other_data_in_its_layout(self, source: ReportSource) -> None:
        page = render_report(source)
        assert "DLP-CNN" not in page
        assert "another data set" in page

    def test_are_not_shown_for_made_faces(self, tmp_path: Path) -> None:
        assert "DLP-CNN" not in self.listed_as_rafdb(tmp_path, "rafdb, made faces")


class TestLittleInformation:
    def test_a_classifier_has_one_rule_and_no_detections(self, tmp_path: Path) -> None:
        text = Outline(render_report(report_source(tmp_path, boxes_given=True))).text()
        assert "gt_box (primary)" in text
        assert "AP@0.5" not in text
        assert "miss rate" not in text

    def test_no_log_no_report_no_balance(self, source: ReportSource, tmp_path: Path) -> None:
        for name in ("report.json", "balance.json", "manifest.jsonl"):
            (tmp_path / name).unlink()
        bare = replace(
            source, records=(), info={}, data=gather_data_facts(tmp_path, None), machine={}
        )
        text = Outline(render_report(bare)).text()
        assert "Learning curves" not in text
        assert "Training pictures by class" not in text
        assert "its sources are unknown" in text

    def test_one_face_without_prediction(self, tmp_path: Path) -> None:
        pictures = [scored_picture("a", [((0.0, 0.0, 40.0, 40.0), 4)])]
        text = Outline(render_report(report_source(tmp_path, pictures))).text()
        assert "no prediction" in text

    def test_no_labelled_face_at_all(self, tmp_path: Path) -> None:
        text = Outline(render_report(report_source(tmp_path, [scored_picture("a")]))).text()
        assert "0 labelled faces" in text

    def test_one_epoch(self, source: ReportSource) -> None:
        first = next(each for each in source.records if each["kind"] == "epoch")
        assert "Learning curves" in render_report(replace(source, records=[first]))

    def test_broken_record_of_the_balancer(self, source: ReportSource, tmp_path: Path) -> None:
        (tmp_path / "balance.json").write_text("[")
        with pytest.raises(DatasetFormatError, match=r"balance.json is no JSON object"):
            gather_data_facts(tmp_path, tmp_path)


def test_is_written_whole_or_not_at_all(source: ReportSource, tmp_path: Path) -> None:
    def broken(_: str) -> np.ndarray:
        raise RuntimeError

    path = tmp_path / "report.html"
    with pytest.raises(RuntimeError):
        write_report(path, replace(source, load=broken))
    assert not path.exists()
    write_report(path, source)
    assert path.read_text().rstrip().endswith("</html>")
