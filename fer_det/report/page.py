"""The report of one checkpoint: figures, tables and gallery in one HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fer_det.core.sample import MADE_CAUTION
from fer_det.io.files import write_text
from fer_det.report import tables
from fer_det.report.confidence_figures import (
    draw_calibration,
    draw_classifier_curves,
    draw_detection_curves,
)
from fer_det.report.gallery import make_gallery
from fer_det.report.recall_figures import PUBLISHED, draw_published, draw_recalls, is_rafdb_test
from fer_det.report.source import ReportSource
from fer_det.report.svg import Figure
from fer_det.report.training_figures import (
    draw_box_sizes,
    draw_class_counts,
    draw_learning,
    sampled_in_an_epoch,
)

_TEMPLATE, _STYLE = "report.html.j2", "style.css"


def write_report(path: Path, source: ReportSource) -> None:
    """Write the page, whole or not at all; its folder must exist."""
    write_text(path, render_report(source))


def render_report(source: ReportSource) -> str:
    """Return the page as HTML."""
    scores, faces = source.scores, source.faces
    is_rafdb = not source.made and is_rafdb_test(source.protocol["listed"])
    published = PUBLISHED if is_rafdb else ()
    return render(
        _TEMPLATE,
        source=source,
        protocol=source.protocol,
        caution=MADE_CAUTION if source.made else "",
        tiles=tables.tiles(source) if faces else (),
        rule_meanings=tables.RULES,
        rules=tables.rules_table(scores),
        recalls=draw_recalls(source.rule, scores["n_by_class"], published),
        published=draw_published(source.rule) if is_rafdb else None,
        no_published="" if is_rafdb else _why_nothing_published(source),
        confusion=tuple(tables.confusion(source)),
        columns=scores["confusion_columns"],
        confidence=(_curves(source), _calibration(source)),
        learning=draw_learning(source.records, source.info.get("epoch")),
        data=tuple(_data(source)),
        data_tables=tables.data_tables(source),
        gallery=make_gallery(faces, scores["classes"], source.primary, source.load),
        conditions=tables.conditions(source),
        settings=tables.settings(source),
    )


def render(template: str, **parts: Any) -> str:
    """Render a template of this package with the style sheet; an unknown name is an error."""
    environment = Environment(
        loader=PackageLoader("fer_det.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The style sheet is part of the package, so it needs no escaping.
    style = Markup(environment.get_template(_STYLE).render())
    return environment.get_template(template).render(style=style, **parts)


def _why_nothing_published(source: ReportSource) -> str:
    if source.made:
        return "These are made faces, so published results cannot be compared with them."
    listed = source.protocol["listed"]
    ours = "an unknown number of" if listed is None else f"{sum(listed.values()):,}"
    return (
        "Published results on RAF-DB are not shown: its test split lists 3,068 faces, and this one "
        f"lists {ours} faces, so it is another data set."
    )


def _curves(source: ReportSource) -> Figure:
    scores = source.scores
    if scores["ap"] is not None:
        return draw_detection_curves(scores["ap"], scores["n_by_class"])
    return draw_classifier_curves(source.faces, scores["classes"], scores["n_by_class"])


def _calibration(source: ReportSource) -> Figure:
    return draw_calibration(source.rule["calibration"], source.protocol["temperature"])


def _data(source: ReportSource) -> Iterator[Figure]:
    states = _training_counts(source)
    if states:
        yield draw_class_counts(states)
    size = source.protocol["input_size"]
    if source.faces and size is not None:
        yield draw_box_sizes(
            source.faces, source.primary, size if isinstance(size, int) else size[0]
        )


def _training_counts(source: ReportSource) -> dict[str, Any]:
    """Return training pictures by class in the data set, after balancing, and in an epoch."""
    original, balanced = source.data.training, source.data.balanced
    if not original:
        return {}
    states = {"in the data set": original}
    if balanced:
        states["after balancing"] = balanced
    power = source.info.get("train_config", {}).get("balance", 0)
    if power:
        states["sampled in an epoch, about"] = sampled_in_an_epoch(balanced or original, power)
    return states
